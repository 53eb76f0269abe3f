from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import box

from pifuhd_ros.body.model import load_body
from pifuhd_ros.evaluation.held_out import HeldOutPeople
from pifuhd_ros.evaluation.person_solid import PersonSolid
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.evaluation.solid import count_open_edges
from pifuhd_ros.geometry.cameras import inverse_distance, project
from pifuhd_ros.synthetic.paint import Paint, stack_paints
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.placement import Placement, place_person
from pifuhd_ros.synthetic.solid import Solid
from pifuhd_ros.types import Mesh


def body_person(hair: bool) -> tuple[People, Placement]:
    """The naked mean body, with a flat card of hair in front of its face or without."""
    body = load_body()
    vertices, faces = body.mean, body.faces
    card = torch.tensor([[-0.1, 0.9, 0.3], [0.1, 0.9, 0.3], [0.0, 0.7, 0.3]])
    hair_faces = torch.zeros(0, 3, dtype=torch.int64)
    if hair:
        hair_faces = len(vertices) + torch.tensor([[0, 1, 2]])
        vertices = torch.cat([vertices, card])
    people = People(
        vertices=vertices,
        rest=vertices,
        normals=vertices,
        first_vertex=(0, len(vertices)),
        faces=faces,
        face_uvs=body.face_uvs,
        face_part=torch.zeros(len(faces), dtype=torch.int64),
        paints=stack_paints([Paint((1.0, 1.0, 1.0), 1.0)], [-1]),
        normal_map=torch.tensor([-1]),
        is_card=torch.tensor([False]),
        textures=torch.zeros(1, 4, 2, 2, dtype=torch.uint8),
        closed_faces=faces,
        open_faces=hair_faces,
        body_faces=faces,
        joints=torch.zeros(1, 0, 3),
        stature_m=torch.tensor([1.7]),
    )
    turn = torch.tensor([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    return people, place_person(people.vertices, turn)


def test_two_independent_tests_of_the_solid_agree() -> None:
    """Crossings in numpy here; the rasteriser in torch, columns of 1 mm, in the generator."""
    person, placement = body_person(hair=False)
    solid = PersonSolid.of(person, 0, placement)
    low, high = person.vertices.amin(0), person.vertices.amax(0)
    points = low + torch.rand(4000, 3, generator=torch.Generator().manual_seed(0)) * (high - low)
    other = Solid(person, 0.001)
    points = other.snap(points)
    labels = other.contains(points, torch.zeros(len(points), dtype=torch.int64))
    inside = solid.contains(placement.to_model(points).double().numpy())
    assert 0.02 < inside.mean() < 0.5
    assert (inside == labels.numpy()).mean() > 0.998


def test_outer_surface_leaves_out_what_is_inside_and_keeps_its_direction() -> None:
    """Eyeballs and tongue lie inside the head; every sample of what is left faces the air."""
    person, placement = body_person(hair=False)
    solid = PersonSolid.of(person, 0, placement)
    surface = solid.outer_surface()
    assert 0.5 * len(solid.closed.faces) < len(surface.faces) < len(solid.closed.faces)
    samples = sample_surface(surface, 2000, seed=0)
    step = 0.003 * solid.units_per_m * samples.normals
    assert solid.contains(samples.points + step).mean() < 0.03
    assert solid.contains(samples.points - step).mean() > 0.97


def test_a_single_card_of_hair_is_no_solid() -> None:
    person, placement = body_person(hair=True)
    solid = PersonSolid.of(person, 0, placement)
    card = solid.hair.vertices[solid.hair.faces].mean(axis=1).astype(np.float64)
    behind = card - [0, 0, 0.05 * solid.units_per_m]
    assert solid.contains(np.concatenate([card, behind])).tolist() == [False, False]
    assert not np.isin(solid.hair.faces, solid.outer_surface().faces).any()


def test_closed_hair_is_part_of_the_solid() -> None:
    lower, upper = box([-0.5, -0.5, -0.5], [0.5, 0.0, 0.5]), box([-0.3, 0.1, -0.3], [0.3, 0.5, 0.3])
    vertices = np.concatenate([lower.vertices, upper.vertices])
    solid = PersonSolid(Mesh(vertices, lower.faces), Mesh(vertices, upper.faces + 8), 1.0)
    points = np.array([[0, -0.2, 0], [0, 0.3, 0], [0, 0.05, 0], [0.4, 0.3, 0]])
    assert solid.contains(points).tolist() == [True, True, False, False]
    surface = solid.outer_surface()
    assert len(surface.faces) == 24
    assert count_open_edges(surface) == 0


def test_held_out_person_is_whole_and_the_same_every_time(packed_assets_file: Path) -> None:
    people = HeldOutPeople.from_assets(packed_assets_file, seed=3, photo_px=256, samples=2000)
    first, again = people.make(0), people.make(0)
    assert first.name == again.name == "held-out 003"
    np.testing.assert_array_equal(first.surface.points, again.surface.points)
    np.testing.assert_array_equal(first.photo.rgb, again.photo.rgb)
    assert first.photo.rgb.shape == (256, 256, 3)
    # The surface lies over the silhouette, to a fifth of a pixel on average.
    nearing = 1 - first.surface.points[:, 2:] * first.inverse_distance
    seen = np.concatenate([first.surface.points[:, :2] / nearing, np.ones_like(nearing)], axis=1)
    columns, rows = (seen @ first.image_from_model.T)[:, :2].T
    covered = first.mask[rows.round().astype(int), columns.round().astype(int)] > 0
    assert covered.mean() > 0.98
    shown_rows, shown_columns = np.nonzero(first.mask > 0.5)
    assert abs(columns.min() - shown_columns.min()) < 1.5
    assert abs(columns.max() - shown_columns.max()) < 1.5
    assert abs(rows.min() - shown_rows.min()) < 1.5
    assert abs(rows.max() - shown_rows.max()) < 1.5
    # With a margin around.
    assert shown_rows.min() > 5
    assert shown_rows.max() < 250
    inner = first.surface.points - 0.01 * first.surface.normals
    assert first.occupancy(inner).mean() > 0.85
    assert 0.8 < first.metres_per_unit < 3
    # A person before a background, not cut out.
    assert first.photo.rgb[first.mask == 0].std() > 5


def test_the_photo_brings_its_camera_and_the_albedo_lies_in_its_pixels(
    packed_assets_file: Path,
) -> None:
    """Two people, one of whom is seen without perspective."""
    people = HeldOutPeople.from_assets(packed_assets_file, seed=1, photo_px=192, samples=500)
    truths = [people.make(number) for number in (0, 1)]
    assert {truth.inverse_distance > 0 for truth in truths} == {True, False}
    for truth in truths:
        camera = truth.photo.camera
        assert camera is not None
        half_px = truth.image_from_model[0, 0]
        assert inverse_distance(camera, half_px) == pytest.approx(max(truth.inverse_distance, 1e-4))
        # A point of the surface, placed before the camera in units of photo space, is seen there.
        points = truth.surface.points[:50]
        optical = points * [1, -1, -1] + [0, 0, 1 / inverse_distance(camera, half_px)]
        nearing = 1 - points[:, 2:] * truth.inverse_distance
        seen = points[:, :2] / nearing @ truth.image_from_model[:2, :2].T
        seen += truth.image_from_model[:2, 2]
        np.testing.assert_allclose(project(camera, optical), seen, atol=0.02)
        albedo = truth.albedo
        assert albedo is not None
        np.testing.assert_array_equal(albedo.cover.numpy(), truth.mask)
        assert albedo.whole[truth.silhouette].mean() > 0.9
        assert not torch.allclose(albedo.front, albedo.back, atol=0.05)
        assert not albedo.front[:, truth.mask == 0].any()


def test_in_other_lights_only_the_light_differs(packed_assets_file: Path) -> None:
    people = HeldOutPeople.from_assets(packed_assets_file, seed=3, photo_px=128, samples=500)
    person = people.make_in_lights(0)
    assert len(person.photos) == len(person.directions) == 8
    np.testing.assert_allclose(np.linalg.norm(person.directions, axis=1), 1, atol=1e-6)
    assert all(photo.camera is person.truth.photo.camera for photo in person.photos)
    shown = np.stack([photo.rgb[person.truth.mask > 0.99] for photo in person.photos]).astype(float)
    assert shown.std(0).mean() > 10
    # Lit from the right, the right is brighter than in the mean of all lights.
    ratio = np.log(shown.mean(2) + 1) - np.log(shown.mean(2) + 1).mean(0)
    normals = person.truth.normals.front.numpy()[:, person.truth.mask > 0.99]
    slopes = [np.corrcoef(normals[0], one)[0, 1] for one in ratio]
    assert np.corrcoef(slopes, person.directions[:, 0])[0, 1] > 0.7


def test_photos_are_averaged_about_the_same_places(packed_assets_file: Path) -> None:
    """A photo of twice the size shows every point at twice its pixel, but for half a pixel."""
    small, large = (
        HeldOutPeople.from_assets(packed_assets_file, 3, size, 100).make(0) for size in (64, 128)
    )
    np.testing.assert_allclose(
        small.image_from_model[:2, :2] * 2, large.image_from_model[:2, :2], rtol=0.01
    )
    middle = (small.image_from_model[:2, 2] + 0.5) * 2 - 0.5
    np.testing.assert_allclose(middle, large.image_from_model[:2, 2])
