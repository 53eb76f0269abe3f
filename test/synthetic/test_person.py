"""People: reproducible, of human size, and closed."""

from __future__ import annotations

import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.wardrobe import Wardrobe


def test_a_seed_is_a_person(wardrobe: Wardrobe, body: BodyModel, people: People) -> None:
    again = sample_people(wardrobe, body, [7])
    assert torch.equal(again.vertices, people.vertices_of(1))
    other = people.vertices_of(2)
    assert other.shape != again.vertices.shape or not torch.equal(other, again.vertices)


def test_who_else_is_in_the_batch_changes_nothing(
    wardrobe: Wardrobe, body: BodyModel, people: People
) -> None:
    """To the last bit, in all that belongs to the person."""
    alone = sample_people(wardrobe, body, [7])
    low, high = people.first_vertex[1:3]
    for name in ("vertices", "rest", "normals"):
        assert torch.equal(getattr(alone, name), getattr(people, name)[low:high]), name
    for name in ("faces", "closed_faces", "open_faces", "body_faces"):
        assert torch.equal(getattr(alone, name), people.faces_of(name, 1)), name
    assert torch.equal(alone.joints[0], people.joints[1])
    assert torch.equal(alone.stature_m[0], people.stature_m[1])
    mine = (people.faces[:, 0] >= low) & (people.faces[:, 0] < high)
    assert torch.equal(alone.face_uvs, people.face_uvs[mine])
    part = people.face_part[mine]
    for name, values in vars(people.paints).items():
        assert torch.equal(getattr(alone.paints, name)[alone.face_part], values[part]), name
    assert torch.equal(alone.is_card[alone.face_part], people.is_card[part])
    assert torch.equal(alone.normal_map[alone.face_part], people.normal_map[part])


def test_people_are_finite_and_of_human_size(people: People) -> None:
    assert torch.isfinite(people.vertices).all()
    assert torch.isfinite(people.joints).all()
    length = people.normals[people.faces.unique()].norm(dim=1)
    assert torch.allclose(length, torch.ones_like(length), atol=1e-4)
    for who in range(len(people)):
        drawn = people.vertices_of(who)[people.faces_of("faces", who).unique()]
        assert 1.3 < people.stature_m[who] < 2.3
        assert (drawn.amax(0) - drawn.amin(0)).max() < 2.8
        # The pelvis is the origin.
        assert (drawn.amax(0) > 0.05).all()
        assert (drawn.amin(0) < -0.05).all()


def test_joints_lie_in_the_body(people: People) -> None:
    for who in range(len(people)):
        skin = people.vertices_of(who)[people.faces_of("body_faces", who).unique()]
        low, high = skin.amin(0) - 0.02, skin.amax(0) + 0.02
        assert ((people.joints[who] > low) & (people.joints[who] < high)).all()


def test_the_solid_is_closed(people: People) -> None:
    """Every edge is walked as often one way as the other."""
    faces = people.closed_faces
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    key = edges.amin(1) * (int(faces.max()) + 1) + edges.amax(1)
    sign = torch.where(edges[:, 0] < edges[:, 1], 1, -1)
    _, index = torch.unique(key, return_inverse=True)
    balance = torch.zeros(int(index.max()) + 1, dtype=torch.int64).index_add(0, index, sign)
    assert (balance == 0).all()


def test_solids_are_turned_outward_and_of_human_volume(people: People) -> None:
    for who in range(len(people)):
        a, b, c = people.vertices_of(who)[people.faces_of("closed_faces", who)].unbind(1)
        litres = 1000 * float((a * torch.linalg.cross(b, c)).sum()) / 6
        # The body, and once more what clothes enclose.
        assert 35 < litres < 500
