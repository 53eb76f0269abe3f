from __future__ import annotations

import numpy as np
import pytest
import torch
from analytic_shapes import Distance, SignedDistanceField, slab, sphere, union

from pifuhd_ros.stages.color_fill import fill_colors
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.stages.texture import texture_mesh
from pifuhd_ros.types import Mesh, PersonCrop, SurfaceError

SIZE = 256
RED, GREEN, BLUE = np.eye(3, dtype=np.uint8) * 255


def mesh_of(shape: Distance) -> Mesh:
    return extract_surface(SignedDistanceField(shape), 64).mesh


def crop_of(image: torch.Tensor, mask: torch.Tensor) -> PersonCrop:
    return PersonCrop(image=image * mask, mask=mask, image_from_crop=np.eye(3))


def pixel_positions() -> tuple[torch.Tensor, torch.Tensor]:
    """Model x and y (S, S) of the pixel centres."""
    x = torch.linspace(-1, 1, SIZE)
    return x.expand(SIZE, SIZE), -x[:, None].expand(SIZE, SIZE)


def disk_crop(radius: float = 0.6) -> PersonCrop:
    """The silhouette of a sphere; red grows to the right, green upward."""
    x, y = pixel_positions()
    image = torch.stack((x / 2 + 0.5, y / 2 + 0.5, torch.full_like(x, 0.25)))
    return crop_of(image, (torch.hypot(x, y) <= radius).float())


@pytest.fixture(scope="module")
def ball() -> Mesh:
    return texture_mesh(mesh_of(sphere(0.6, (0, 0, 0))), disk_crop())


def colors_of(mesh: Mesh) -> np.ndarray:
    assert mesh.colors is not None
    assert mesh.colors.dtype == np.uint8
    assert mesh.colors.shape == mesh.vertices.shape
    return mesh.colors.astype(int)


def seen_of(mesh: Mesh) -> np.ndarray:
    assert mesh.seen is not None
    assert mesh.seen.dtype == np.bool_
    return mesh.seen


class TestSeen:
    def test_the_front_is_seen_and_nothing_else(self, ball: Mesh) -> None:
        z = ball.vertices[:, 2]
        assert seen_of(ball)[z > 0.2].all()
        assert not seen_of(ball)[z < 0.1].any()

    def test_what_something_covers_is_not_seen(self) -> None:
        wall, plate = slab((0.5, 0.5, 0.1), (0, 0, -0.4)), slab((0.2, 0.2, 0.1), (0, 0, 0.4))
        x, y = pixel_positions()
        mask = (torch.maximum(x.abs(), y.abs()) <= 0.5).float()
        covers = (torch.maximum(x.abs(), y.abs()) <= 0.2).float()
        image = torch.stack((covers, 1 - covers, torch.zeros_like(x)))
        mesh = texture_mesh(mesh_of(union(wall, plate)), crop_of(image, mask))
        x, y, z = mesh.vertices.T
        from_middle = np.maximum(abs(x), abs(y))
        wall_front = (abs(z + 0.3) < 0.01) & (from_middle < 0.4)
        covered = wall_front & (from_middle < 0.19)
        assert covered.sum() > 100
        assert not seen_of(mesh)[covered].any()
        # The hidden part of the wall takes the colour of the wall, not of the plate.
        assert (colors_of(mesh)[covered] == GREEN).all()
        beside = wall_front & (from_middle > 0.25)
        assert seen_of(mesh)[beside].all()
        assert (colors_of(mesh)[beside] == GREEN).all()
        plate_front = (z > 0.49) & (from_middle < 0.15)
        assert seen_of(mesh)[plate_front].all()
        assert (colors_of(mesh)[plate_front] == RED).all()

    def test_outside_the_mask_nothing_is_seen(self) -> None:
        x, y = pixel_positions()
        mask = ((torch.hypot(x, y) <= 0.6) & (x > 0)).float()
        mesh = texture_mesh(mesh_of(sphere(0.6, (0, 0, 0))), crop_of(torch.ones(3, 1, 1), mask))
        assert not seen_of(mesh)[mesh.vertices[:, 0] < 0].any()
        # Black is the cut-out background; it must not come in.
        assert (colors_of(mesh) == 255).all()

    def test_no_vertex_in_the_mask_is_an_error(self) -> None:
        with pytest.raises(SurfaceError, match="no part of the mesh inside the person's mask"):
            texture_mesh(
                mesh_of(sphere(0.3, (0.6, 0.6, 0))), crop_of(torch.ones(3, 1, 1), half_mask())
            )


def half_mask() -> torch.Tensor:
    return (pixel_positions()[0] < -0.2).float()


class TestColors:
    def test_seen_vertices_take_the_photos_colour(self, ball: Mesh) -> None:
        seen = seen_of(ball)
        expected = 255 * (ball.vertices[seen, :2] / 2 + 0.5)
        np.testing.assert_allclose(colors_of(ball)[seen, :2], expected, atol=1.5)
        assert (colors_of(ball)[:, 2] == 64).all()

    def test_the_back_takes_the_colour_in_front_of_it(self, ball: Mesh) -> None:
        back = (ball.vertices[:, 2] < -0.2) & ~seen_of(ball)
        expected = 255 * (ball.vertices[back, :2] / 2 + 0.5)
        np.testing.assert_allclose(colors_of(ball)[back, :2], expected, atol=1.5)

    def test_no_background_bleeds_in_at_the_edge(self) -> None:
        # The mask is two pixels too wide and soft at its edge, as real masks are.
        x, y = pixel_positions()
        radius = torch.hypot(x, y)
        mask = ((0.62 - radius) / 0.03).clamp(0, 1)
        image = torch.where(radius <= 0.6, 1.0, 0.0) * torch.tensor([1.0, 0.0, 0.0])[:, None, None]
        mesh = texture_mesh(mesh_of(sphere(0.6, (0, 0, 0))), crop_of(image, mask))
        assert (colors_of(mesh) == RED).all()

    def test_twice_gives_the_same(self) -> None:
        again = texture_mesh(mesh_of(sphere(0.6, (0, 0, 0))), disk_crop())
        first = texture_mesh(mesh_of(sphere(0.6, (0, 0, 0))), disk_crop())
        assert colors_of(first).tobytes() == colors_of(again).tobytes()

    def test_the_shape_is_not_changed(self, ball: Mesh) -> None:
        plain = mesh_of(sphere(0.6, (0, 0, 0)))
        np.testing.assert_array_equal(ball.vertices, plain.vertices)
        np.testing.assert_array_equal(ball.faces, plain.faces)
        np.testing.assert_array_equal(ball.normals, plain.normals)


class TestFill:
    def strip(self) -> Mesh:
        """Eleven columns of two vertices, and a triangle apart near the right end."""
        columns = np.arange(11.0)
        low = np.stack((columns, 0 * columns, 0 * columns), axis=-1)
        apart = np.array([[10.0, 3, 0], [11, 3, 0], [10, 4, 0]])
        faces = [[i, i + 1, 11 + i] for i in range(10)] + [
            [i + 1, 12 + i, 11 + i] for i in range(10)
        ]
        return Mesh(
            vertices=np.concatenate((low, low + np.array([0, 1, 0]), apart)).astype(np.float32),
            faces=np.array([*faces, [22, 23, 24]]),
        )

    def test_between_two_colours_it_runs_smoothly_from_one_to_the_other(self) -> None:
        mesh = self.strip()
        known = np.isin(mesh.vertices[:, 0], (0, 10)) & (mesh.vertices[:, 1] < 2)
        colors = np.where(mesh.vertices[:, :1] == 0, RED, BLUE).astype(np.uint8)
        filled = fill_colors(mesh, colors, known)
        row = filled[:11].astype(int)
        assert (np.diff(row[:, 0]) < 0).all()
        np.testing.assert_allclose(row.sum(axis=-1), 255, atol=1)
        assert abs(row[5] - [127, 0, 127]).max() < 15
        np.testing.assert_array_equal(filled[known], colors[known])

    def test_a_piece_without_colours_takes_the_nearest(self) -> None:
        mesh = self.strip()
        known = np.isin(mesh.vertices[:, 0], (0, 10)) & (mesh.vertices[:, 1] < 2)
        colors = np.where(mesh.vertices[:, :1] == 0, RED, BLUE).astype(np.uint8)
        assert (fill_colors(mesh, colors, known)[22:] == BLUE).all()

    def test_nothing_to_fill(self) -> None:
        mesh = self.strip()
        colors = np.full((25, 3), 7, dtype=np.uint8)
        np.testing.assert_array_equal(fill_colors(mesh, colors, np.ones(25, dtype=bool)), colors)
