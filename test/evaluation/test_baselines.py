from __future__ import annotations

import numpy as np
import pytest
import torch
from shapes import box

from pifuhd_ros.body.model import load_body
from pifuhd_ros.evaluation.baselines import fit_body, inflate_silhouette, mean_body
from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.evaluation.solid import count_open_edges, mesh_occupancy
from pifuhd_ros.types import Mesh, NoPersonError, PersonCrop

SIZE = 101
PIXEL = 2 / (SIZE - 1)


def crop_of(mask: np.ndarray) -> PersonCrop:
    tensor = torch.from_numpy(mask.astype(np.float32))
    return PersonCrop(tensor.expand(3, -1, -1), tensor, np.eye(3))


def pixel_grid() -> tuple[np.ndarray, np.ndarray]:
    """x and y of each pixel's centre, model space."""
    axis = np.linspace(-1, 1, SIZE)
    return np.meshgrid(axis, -axis)


def test_mean_body_fills_the_height_of_the_silhouette_and_stands_at_its_centre() -> None:
    mask = np.zeros((SIZE, SIZE))
    mask[10:91, 30:51] = 1
    body = box([-3, 0, -1], [3, 16.2, 2])
    fitted = fit_body(body, crop_of(mask)).vertices
    low, high = fitted.min(axis=0), fitted.max(axis=0)
    np.testing.assert_allclose(high[1] - low[1], 81 * PIXEL, atol=1e-6)
    np.testing.assert_allclose((low + high)[:2] / 2, [-0.2, 0], atol=1e-6)
    np.testing.assert_allclose(high[2], -2 * low[2], atol=1e-6)
    np.testing.assert_allclose(high[0] - low[0], 6 * 81 * PIXEL / 16.2, atol=1e-6)


def test_mean_body_is_a_closed_person() -> None:
    mesh = mean_body(load_body())
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert count_open_edges(mesh) == 0
    assert 1.5 < high[1] - low[1] < 1.9
    np.testing.assert_allclose(low[0], -high[0], atol=0.02)
    heart = np.array([[0, low[1] + 0.7 * (high[1] - low[1]), 0]])
    assert mesh_occupancy(mesh, heart).tolist() == [True]
    toes = mesh.vertices[mesh.vertices[:, 1] < low[1] + 0.05]
    assert toes[:, 2].max() > -toes[:, 2].min()


def test_inflated_strip_is_a_cylinder() -> None:
    """A strip from border to border of the crop, away from its ends."""
    mask = np.zeros((SIZE, SIZE))
    mask[:, 41:60] = 1
    mesh = inflate_silhouette(crop_of(mask))
    middle = mesh.vertices[np.abs(mesh.vertices[:, 1]) < 0.2]
    radius = 10 * PIXEL
    np.testing.assert_allclose(np.hypot(middle[:, 0], middle[:, 2]), radius, atol=1e-3)


def test_inflated_disc_is_an_ellipsoid_of_known_thickness() -> None:
    """lap(w) = -2 on a disc of radius R: w = (R^2 - r^2) / 2."""
    x, y = pixel_grid()
    mesh = inflate_silhouette(crop_of(np.hypot(x, y) < 0.6))
    r, z = np.hypot(mesh.vertices[:, 0], mesh.vertices[:, 1]), mesh.vertices[:, 2]
    inner = r < 0.55
    np.testing.assert_allclose(z[inner] ** 2, (0.6**2 - r[inner] ** 2) / 2, atol=0.012)


def test_inflated_silhouette_is_closed_and_turned_outward() -> None:
    """With a hole, a single pixel, pixels that touch at a corner, and the crop's border."""
    x, y = pixel_grid()
    ring = (np.hypot(x, y) < 0.6) & (np.hypot(x, y) > 0.3)
    ring[5, 5] = ring[8, 8] = ring[9, 9] = True
    ring[95:, 95:] = True
    mesh = inflate_silhouette(crop_of(ring))
    assert count_open_edges(mesh) == 0
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    volume = np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume > 0
    inside = mesh_occupancy(mesh, np.array([[0.45, 0, 0], [0.01, 0.003, 0], [0.45, 0, 0.4]]))
    assert inside.tolist() == [True, False, False]


def test_silhouette_stays_what_it_was() -> None:
    x, y = pixel_grid()
    mask = (np.abs(x) < 0.3) & (np.abs(y) < 0.8)
    drawn = render_normals(inflate_silhouette(crop_of(mask)), SIZE).front.abs().sum(dim=0) > 0
    drawn_mask = drawn.numpy()
    assert (mask & ~drawn_mask).sum() == 0
    assert (drawn_mask & ~mask).sum() <= 4 * SIZE


def test_empty_mask_is_refused() -> None:
    empty = crop_of(np.zeros((SIZE, SIZE)))
    with pytest.raises(NoPersonError, match="mask is empty"):
        inflate_silhouette(empty)
    with pytest.raises(NoPersonError, match="mask is empty"):
        fit_body(box([0, 0, 0], [1, 1, 1]), empty)


def test_normals_of_a_box_face_the_camera_and_away_from_it() -> None:
    cube = box([-0.5, -0.2, -0.3], [0.1, 0.8, 0.3])
    corners = cube.vertices[cube.faces].reshape(-1, 3)  # sharp edges: no shared vertices
    maps = render_normals(Mesh(corners, np.arange(36).reshape(12, 3)), SIZE)
    x, y = pixel_grid()
    inner = (x > -0.48) & (x < 0.08) & (y > -0.18) & (y < 0.78)
    outside = (x < -0.52) | (x > 0.12) | (y < -0.22) | (y > 0.82)
    assert maps.front.shape == maps.back.shape == (3, SIZE, SIZE)
    np.testing.assert_allclose(maps.front.numpy()[:, inner].T, [[0, 0, 1]] * inner.sum(), atol=1e-6)
    np.testing.assert_allclose(maps.back.numpy()[:, inner].T, [[0, 0, -1]] * inner.sum(), atol=1e-6)
    assert not maps.front.numpy()[:, outside].any()
    assert not maps.back.numpy()[:, outside].any()
