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


def test_the_faces_of_a_vertex_are_added_in_their_order() -> None:
    """To the last bit, as one after the other adds up."""
    generator = np.random.default_rng(0)
    vertices = generator.normal(size=(200, 3)).astype(np.float32)
    faces = generator.integers(0, 200, size=(3000, 3))
    a, b, c = vertices.astype(np.float64)[faces].transpose(1, 0, 2)
    expected = np.zeros((200, 3))
    np.add.at(expected, faces.ravel(), np.repeat(np.cross(b - a, c - a), 3, axis=0))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_array_equal(vertex_normals(vertices, faces), expected.astype(np.float32))
