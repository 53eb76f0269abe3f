from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic_shapes import (
    Distance,
    SignedDistanceField,
    assert_closed,
    capsules,
    euler_characteristic,
    signed_volume,
    sphere,
    union,
)

from pifuhd_ros.stages.cleanup import clean_mesh, find_pieces
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import Mesh, SurfaceError

BODY = sphere(0.5, (0.0, 0.0, 0.0))


def mesh_of(shape: Distance) -> Mesh:
    return extract_surface(SignedDistanceField(shape), 64).mesh


def assert_same(got: Mesh, expected: Mesh) -> None:
    np.testing.assert_array_equal(got.vertices, expected.vertices)
    np.testing.assert_array_equal(got.faces, expected.faces)
    np.testing.assert_array_equal(got.normals, expected.normals)


def test_a_clean_mesh_stays_as_it_is() -> None:
    assert_same(clean_mesh(mesh_of(BODY)), mesh_of(BODY))


def test_crumbs_go() -> None:
    crumbs = [sphere(0.045, (0.8 * x, 0.8 * y, 0.1)) for x in (-1, 1) for y in (-1, 1)]
    assert_same(clean_mesh(mesh_of(union(BODY, *crumbs))), mesh_of(BODY))


def test_a_separate_hand_stays() -> None:
    hand = capsules([([0.7, 0.0, 0.0], [0.75, 0.15, 0.0], 0.05)])
    shape = union(BODY, hand)
    assert_same(clean_mesh(mesh_of(shape)), mesh_of(shape))


def test_a_cavity_goes_and_the_wall_around_it_stays() -> None:
    def hollow(points):  # type: ignore[no-untyped-def]
        return BODY(points).maximum(-sphere(0.35, (0.0, 0.0, 0.0))(points))

    dirty = mesh_of(hollow)
    assert euler_characteristic(dirty.vertices, dirty.faces) == 4
    cleaned = clean_mesh(dirty)
    assert_same(cleaned, mesh_of(BODY))
    assert_closed(cleaned.vertices, cleaned.faces)


def test_a_cavity_larger_than_any_outward_piece_goes_too() -> None:
    small = mesh_of(sphere(0.2, (0.0, 0.0, 0.0)))
    inside_out = mesh_of(BODY)
    both = Mesh(
        vertices=np.concatenate((inside_out.vertices, small.vertices)),
        faces=np.concatenate((inside_out.faces[:, ::-1], small.faces + len(inside_out.vertices))),
    )
    cleaned = clean_mesh(both)
    np.testing.assert_array_equal(cleaned.vertices, small.vertices)
    assert signed_volume(cleaned.vertices, cleaned.faces) > 0


def test_what_belongs_to_vertices_goes_with_them() -> None:
    mesh = mesh_of(union(BODY, sphere(0.045, (-0.8, 0.8, 0.1))))
    number = np.arange(len(mesh.vertices))
    colors = np.stack((number % 256, number // 256, 0 * number), axis=-1).astype(np.uint8)
    sources = (number % 3).astype(np.uint8)
    mesh = replace(mesh, colors=colors, seen=number % 3 == 0, color_sources=sources)
    cleaned = clean_mesh(replace(mesh, other_colors={"albedo": colors}))
    assert cleaned.colors is not None
    assert cleaned.seen is not None
    kept = cleaned.colors[:, 0].astype(int) + 256 * cleaned.colors[:, 1]
    assert 0 < len(kept) < len(number)
    np.testing.assert_array_equal(mesh.vertices[kept], cleaned.vertices)
    np.testing.assert_array_equal(kept % 3 == 0, cleaned.seen)
    np.testing.assert_array_equal(kept % 3, cleaned.color_sources)
    np.testing.assert_array_equal(cleaned.other_colors["albedo"], cleaned.colors)


def test_nothing_outward_is_an_error() -> None:
    mesh = mesh_of(BODY)
    with pytest.raises(SurfaceError, match="none of the 1 pieces"):
        clean_mesh(replace(mesh, faces=mesh.faces[:, ::-1]))


def test_pieces_are_counted_and_cavities_enclose_less_than_nothing() -> None:
    hollow = mesh_of(union(BODY, sphere(0.2, (0.8, 0.7, 0.0))))
    cavity = mesh_of(sphere(0.3, (0.0, 0.0, 0.0)))
    first = len(hollow.vertices)
    both = Mesh(
        np.concatenate([hollow.vertices, cavity.vertices]),
        np.concatenate([hollow.faces, cavity.faces[:, ::-1] + first]),
    )
    pieces = find_pieces(both)
    radii = np.array([0.5, 0.2, -0.3])
    order = [pieces.of_vertex[np.abs(both.vertices[:first, 0]).argmin()]]
    order += [pieces.of_vertex[both.vertices[:, 0].argmax()], pieces.of_vertex[-1]]
    np.testing.assert_allclose(pieces.volumes[order], 4 / 3 * np.pi * radii**3, rtol=0.03)
    np.testing.assert_allclose(pieces.areas[order], 4 * np.pi * radii**2, rtol=0.03)
