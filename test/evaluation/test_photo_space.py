from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from shapes import box
from truths import CROP_PX, HIGH, LOW, PHOTO_PX, box_person

from pifuhd_ros.evaluation.photo_space import (
    from_model,
    mesh_in_photo,
    normals_in_photo,
    resample,
)
from pifuhd_ros.types import Mesh, NormalMaps, PersonCrop


def crop_at(left: float, top: float, scale: float, size: int = CROP_PX) -> PersonCrop:
    """A crop whose first pixel lies at (left, top) of the photo, ``scale`` photo pixels a pixel."""
    empty = torch.zeros(size, size)
    image_from_crop = np.array([[scale, 0, left], [0, scale, top], [0, 0, 1.0]])
    return PersonCrop(empty.expand(3, -1, -1), empty, image_from_crop)


def test_perspective_is_undone() -> None:
    """A camera at distance 4 sees what is 1 nearer than the pelvis 4 / 3 as large."""
    points = np.array([[0.5, -0.2, 0.0], [0.4, 0.8, 1.0], [0.4, 0.8, -1.0]])
    np.testing.assert_allclose(
        from_model(points, 0.25), [[0.5, -0.2, 0.0], [0.3, 0.6, 1.0], [0.5, 1.0, -1.0]]
    )
    np.testing.assert_array_equal(from_model(points, 0.0), points)


def test_perspective_there_and_back() -> None:
    is_at = np.random.default_rng(0).uniform(-0.9, 0.9, (100, 3))
    seen = np.concatenate([is_at[:, :2] / (1 - 0.3 * is_at[:, 2:]), is_at[:, 2:]], axis=1)
    np.testing.assert_allclose(from_model(seen, 0.3), is_at)


def test_mesh_of_a_crop_lies_where_its_pixels_lie_in_the_photo() -> None:
    """The corners of the crop's model box, and a depth by the same scale."""
    truth = box_person()
    crop = crop_at(left=10, top=20, scale=0.5)
    corners = Mesh(
        np.array([[-1, 1, 0], [1, -1, 0.5], [0, 0, -1]], np.float32), np.array([[0, 1, 2]])
    )
    moved = mesh_in_photo(corners, crop, truth).vertices
    unit = 2 / (PHOTO_PX - 1)
    reach = 0.5 * (CROP_PX - 1)
    np.testing.assert_allclose(moved[0], [10 * unit - 1, 1 - 20 * unit, 0], atol=1e-6)
    depth = 0.5 * reach / (PHOTO_PX - 1)
    np.testing.assert_allclose(
        moved[1], [(10 + reach) * unit - 1, 1 - (20 + reach) * unit, depth], atol=1e-6
    )
    np.testing.assert_allclose(moved[2, 2], -2 * depth, atol=1e-6)


def test_mesh_seen_in_perspective_is_measured_as_it_is() -> None:
    truth = box_person(inverse_distance=0.2)
    whole = crop_at(0, 0, (PHOTO_PX - 1) / (CROP_PX - 1))
    is_at = box(LOW, HIGH)
    seen = is_at.vertices.copy()
    seen[:, :2] /= 1 - 0.2 * seen[:, 2:]
    moved = mesh_in_photo(replace(is_at, vertices=seen), whole, truth)
    np.testing.assert_allclose(moved.vertices, is_at.vertices, atol=1e-6)


def test_normals_return_to_the_pixels_they_were_cropped_from() -> None:
    truth = box_person()
    crop = crop_at(left=16, top=8, scale=1.25)
    cropped = NormalMaps(
        *(
            resample(side, crop.image_from_crop, CROP_PX, CROP_PX)
            for side in (truth.normals.front, truth.normals.back)
        )
    )
    returned = normals_in_photo(cropped, crop, truth.mask.shape)
    inner = np.zeros_like(truth.silhouette)
    inner[12:84, 20:90] = True
    for a, b in ((returned.front, truth.normals.front), (returned.back, truth.normals.back)):
        unit = torch.nn.functional.normalize(a, dim=0)
        close = ((unit - b).abs() < 0.02).all(dim=0).numpy()
        assert close[inner].mean() > 0.95
        assert not a[:, :6].any()


def test_maps_of_half_the_crops_size_span_the_same_crop() -> None:
    crop = crop_at(left=0, top=0, scale=1.0)
    ramp = torch.linspace(0, 1, CROP_PX // 2).expand(3, CROP_PX // 2, -1)
    shown = normals_in_photo(NormalMaps(ramp, ramp), crop, (CROP_PX, CROP_PX)).front
    np.testing.assert_allclose(shown[0, 5], np.linspace(0, 1, CROP_PX), atol=1e-5)


def test_resampling_reads_between_pixels_and_nothing_beyond() -> None:
    image = torch.arange(12.0).view(1, 3, 4)
    shift = np.array([[1, 0, 0.5], [0, 1, 1.0], [0, 0, 1.0]])
    np.testing.assert_allclose(
        resample(image, shift, 2, 4)[0], [[4.5, 5.5, 6.5, 3.5], [8.5, 9.5, 10.5, 5.5]], atol=1e-5
    )
