from __future__ import annotations

import numpy as np

from pifuhd_ros.geometry.mesh_normals import vertex_normals


def test_a_larger_face_weighs_more() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 3, 0], [0, 0, 1]], dtype=np.float32)
    faces = np.array([[0, 1, 2], [0, 3, 1]])
    normals = vertex_normals(vertices, faces)
    np.testing.assert_allclose(normals[2], [0, 0, 1])
    np.testing.assert_allclose(normals[0], np.array([0, 1, 3]) / np.sqrt(10), atol=1e-6)
    assert normals.dtype == np.float32


def test_a_vertex_without_area_gets_a_unit_vector() -> None:
    vertices = np.zeros((4, 3), dtype=np.float32)
    normals = vertex_normals(vertices, np.array([[0, 1, 2]]))
    np.testing.assert_array_equal(normals, np.tile([0.0, 0.0, 1.0], (4, 1)))
