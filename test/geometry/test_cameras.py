"""Cameras: projection and rays are each other's inverse."""

from __future__ import annotations

import numpy as np
import pytest

from pifuhd_ros.geometry.cameras import (
    camera_from_focal,
    camera_from_fov,
    project,
    rays_through_pixels,
    vertical_fov_deg,
)
from pifuhd_ros.types import Camera

K = np.array([[600.0, 0.5, 310.0], [0.0, 620.0, 255.0], [0.0, 0.0, 1.0]])
DISTORTIONS = [None, np.array([-0.25, 0.08, 0.001, -0.0005, 0.0]), np.array([0.1, -0.05, 0, 0])]


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_rays_invert_projection(distortion: np.ndarray | None) -> None:
    camera = Camera(K=K, width_px=640, height_px=480, distortion=distortion)
    u, v = np.meshgrid(np.linspace(0, 639, 9), np.linspace(0, 479, 7))
    pixels = np.stack([u.ravel(), v.ravel()], axis=1)

    rays = rays_through_pixels(camera, pixels)

    assert np.allclose(rays[:, 2], 1)
    depths = np.linspace(0.5, 9, len(rays))[:, None]
    assert np.abs(project(camera, rays * depths) - pixels).max() < 1e-3


def test_projection_agrees_with_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    camera = Camera(K=K, width_px=640, height_px=480, distortion=DISTORTIONS[1])
    points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 5], (50, 3))
    skewless = Camera(
        K=np.where(np.arange(9).reshape(3, 3) == 1, 0.0, K),
        width_px=640,
        height_px=480,
        distortion=camera.distortion,
    )

    expected, _ = cv2.projectPoints(
        points, np.zeros(3), np.zeros(3), skewless.K, skewless.distortion
    )

    assert np.allclose(project(skewless, points), expected[:, 0], atol=1e-6)


def test_the_principal_ray_of_a_guess_is_the_optical_axis() -> None:
    camera = camera_from_fov(60, 641, 481)

    assert camera.is_guess
    assert np.allclose(rays_through_pixels(camera, [[320, 240]]), [[0, 0, 1]])
    assert vertical_fov_deg(camera) == pytest.approx(60)


def test_the_field_of_view_spans_the_outer_pixel_edges() -> None:
    camera = camera_from_fov(90, 100, 100)

    top, bottom = rays_through_pixels(camera, [[49.5, -0.5], [49.5, 99.5]])

    assert top[1] == pytest.approx(-1)
    assert bottom[1] == pytest.approx(1)


def test_focal_length_is_in_pixels() -> None:
    camera = camera_from_focal(500, 640, 480)

    assert np.allclose(project(camera, [[1, 0, 1]]), [[319.5 + 500, 239.5]])


@pytest.mark.parametrize("fov", [0, 180, -5, float("nan")])
def test_an_impossible_field_of_view_is_refused(fov: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 180"):
        camera_from_fov(fov, 640, 480)


def test_a_point_behind_the_camera_is_refused() -> None:
    with pytest.raises(ValueError, match="behind the camera"):
        project(camera_from_fov(60, 640, 480), [[0, 0, -1]])


def test_an_unknown_distortion_model_is_refused() -> None:
    camera = Camera(K=K, width_px=640, height_px=480, distortion=np.zeros(8))
    with pytest.raises(ValueError, match="plumb_bob"):
        rays_through_pixels(camera, [[0, 0]])
