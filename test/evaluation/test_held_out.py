from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from shapes import box

from pifuhd_ros.body.model import load_body
from pifuhd_ros.evaluation.person_solid import PersonSolid
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.evaluation.solid import count_open_edges
from pifuhd_ros.synthetic.person import Part, Person
from pifuhd_ros.synthetic.render import Placement, place_person
from pifuhd_ros.synthetic.solid import label_points
from pifuhd_ros.types import Mesh


def body_person(hair: bool) -> tuple[Person, Placement]:
    """The naked mean body, with a flat card of hair in front of its face or without."""
    body = load_body()
    vertices, faces = body.mean, body.faces
    card = torch.tensor([[-0.1, 0.9, 0.3], [0.1, 0.9, 0.3], [0.0, 0.7, 0.3]])
    hair_faces = torch.zeros(0, 3, dtype=torch.int64)
    if hair:
        hair_faces = len(vertices) + torch.tensor([[0, 1, 2]])
        vertices = torch.cat([vertices, card])
    part = Part(faces, body.face_uvs, None, None, None, False)  # type: ignore[arg-type]
    person = Person(
        vertices=vertices,
        rest=vertices,
        normals=vertices,
        parts=(part,),
        solid_faces=faces,
        hair_faces=hair_faces,
        stature_m=1.7,
    )
    turn = torch.tensor([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    return person, place_person(person, turn)


def test_two_independent_tests_of_the_solid_agree() -> None:
    """Crossings in numpy here; the rasteriser in torch, columns of 1 mm, in the generator."""
    person, placement = body_person(hair=False)
    solid = PersonSolid.of(person, placement)
    low, high = person.vertices.amin(0), person.vertices.amax(0)
    points = low + torch.rand(4000, 3, generator=torch.Generator().manual_seed(0)) * (high - low)
    labelled = label_points(person, points, 0.001)
    inside = solid.contains(placement.to_model(labelled.points).double().numpy())
    assert 0.02 < inside.mean() < 0.5
    assert (inside == labelled.inside.numpy()).mean() > 0.998


def test_outer_surface_leaves_out_what_is_inside_and_keeps_its_direction() -> None:
    """Eyeballs and tongue lie inside the head; every sample of what is left faces the air."""
    person, placement = body_person(hair=False)
    solid = PersonSolid.of(person, placement)
    surface = solid.outer_surface()
    assert 0.5 * len(solid.closed.faces) < len(surface.faces) < len(solid.closed.faces)
    samples = sample_surface(surface, 2000, seed=0)
    step = 0.003 * solid.units_per_m * samples.normals
    assert solid.contains(samples.points + step).mean() < 0.03
    assert solid.contains(samples.points - step).mean() > 0.97


def test_a_single_card_of_hair_is_no_solid() -> None:
    person, placement = body_person(hair=True)
    solid = PersonSolid.of(person, placement)
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


def test_held_out_person_is_whole_and_the_same_every_time(
    packed_assets_file: Path,
) -> None:
    from pifuhd_ros.evaluation.held_out import held_out_people

    first, again = (
        next(held_out_people(packed_assets_file, 1, size_px=128, samples=2000, seed=3))
        for _ in range(2)
    )
    assert first.name == again.name
    np.testing.assert_array_equal(first.surface.points, again.surface.points)
    assert torch.equal(first.crop.image, again.crop.image)
    assert first.crop.image.shape == (3, 128, 128)
    assert not first.crop.image[:, first.crop.mask == 0].any()
    # The surface lies over the silhouette.
    u = (first.surface.points[:, 0] + 1) / 2 * 127
    v = (1 - first.surface.points[:, 1]) / 2 * 127
    covered = first.crop.mask.numpy()[v.round().astype(int), u.round().astype(int)] > 0
    assert covered.mean() > 0.97
    inner = first.surface.points - 0.01 * first.surface.normals
    assert first.occupancy(inner).mean() > 0.85
    assert 0.5 < first.metres_per_unit < 1.5
