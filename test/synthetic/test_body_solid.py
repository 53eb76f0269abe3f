"""The body's solid: full behind lips and eyes, and as before wherever it can be seen."""

from __future__ import annotations

import math

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.evaluation.person_solid import PersonSolid
from pifuhd_ros.geometry.rasterize import rasterize
from pifuhd_ros.synthetic.body_solid import body_solid, fill_hollows
from pifuhd_ros.synthetic.expression import sample_expression
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.placement import place_person
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.sheet import boundary_edges
from pifuhd_ros.synthetic.solid import Solid
from pifuhd_ros.synthetic.winding import winding_number
from pifuhd_ros.types import MeshError

LIPS = (537, 540)
"""Vertices where upper and lower lip meet, in the middle."""
EYEBALLS = ((14598, 14670), (14670, 14742))
"""First vertex, and the one after the last."""
SKIN_VERTICES = 13380


@pytest.fixture(scope="module")
def solid(body: BodyModel) -> torch.Tensor:
    return body_solid(body)


def _pot() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A box of side 2 with a hole in its front (+z), narrower inside than at the rim.

    Returns:
        Vertices (16, 3), faces (28, 3) and which of them line the hole.
    """
    square = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])

    def ring(half: float, z: float) -> torch.Tensor:
        return torch.cat([half * square, torch.full((4, 1), z)], 1)

    vertices = torch.cat([ring(1, -1), ring(1, 1), ring(0.6, 1), ring(0.5, -0.5)])
    faces = [(0, 2, 1), (0, 3, 2)]
    for first in (0, 4, 8):
        for k in range(4):
            a, b = first + k, first + (k + 1) % 4
            faces += [(a, b, b + 4), (a, b + 4, a + 4)]
    faces += [(12, 13, 14), (12, 14, 15)]
    is_lining = torch.tensor(faces).amax(1) >= 12
    return vertices, torch.tensor(faces), is_lining


def test_a_hole_is_filled_up_to_its_rim() -> None:
    vertices, faces, is_lining = _pot()
    filled = fill_hollows(faces, is_lining, vertices)
    assert len(boundary_edges(faces)) == len(boundary_edges(filled)) == 0
    assert torch.equal(filled[:-2], faces[~is_lining])
    hole = torch.tensor([[0.01, 0.02, z] for z in (-0.4, 0.0, 0.5, 0.95)])
    beside = torch.tensor([[0.01, 0.02, 1.05], [0.01, 0.02, -1.05], [1.1, 0, 0]])
    assert winding_number(hole, vertices[faces]).abs().max() < 1e-4
    for points, inside in ((hole, 1.0), (beside, 0.0)):
        assert (winding_number(points, vertices[filled]) - inside).abs().max() < 1e-4


def test_a_sheet_runs_across_its_rim_from_side_to_side() -> None:
    """Every face of it has corners on both lips: opened wide, it spans them straight."""
    angle = torch.arange(20) * (2 * math.pi / 20)
    rim = torch.stack([3 * angle.cos(), angle.sin(), torch.zeros(20)], 1)
    behind = torch.cat([rim + torch.tensor([0, 0, -1.0]), torch.tensor([[0, 0, -2.0]])])
    k = torch.arange(20)
    after = (k + 1) % 20
    tip = torch.full_like(k, 40)
    tube = torch.cat(
        [torch.stack([k, after, k + 20], 1), torch.stack([after, after + 20, k + 20], 1)]
    )
    end = torch.stack([k + 20, after + 20, tip], 1)
    faces = torch.cat([tube, end, torch.stack([after, k, torch.full_like(k, 41)], 1)])
    points = torch.cat([rim, behind, torch.tensor([[0, 0, 1.0]])])
    sheet = fill_hollows(faces, (faces == 41).any(1), points)[len(tube) + len(end) :]
    assert len(sheet) == 18
    y = points[sheet][..., 1]
    assert ((y.amin(1) < 1e-3) & (y.amax(1) > -1e-3)).all()
    # At their widest the lips are 2 apart: no face runs along more than a part of one.
    x = points[sheet][..., 0]
    assert (x.amax(1) - x.amin(1)).max() < 1.1


def test_a_rim_that_touches_itself_is_refused() -> None:
    vertices, faces, _ = _pot()
    assert len(set(faces[0].tolist()) & set(faces[3].tolist())) == 1
    with pytest.raises(MeshError, match="no simple loop"):
        fill_hollows(faces, torch.isin(torch.arange(len(faces)), torch.tensor([0, 3])), vertices)


def test_the_body_is_closed_and_keeps_its_skin(body: BodyModel, solid: torch.Tensor) -> None:
    """Hollows go, sheets come; the rest of the skin, eyes and tongue are there as they were."""
    assert len(boundary_edges(solid)) == 0
    before = {tuple(face) for face in body.faces.tolist()}
    after = {tuple(face) for face in solid.tolist()}
    gone = torch.tensor(sorted(before - after))
    assert len(after) == len(solid)
    assert 1500 < len(gone) < 2500
    assert (gone < SKIN_VERTICES).all()
    assert len(after - before) == 36 + 26 + 26
    ears = body.mean[
        body.joint_rows[[body.joint_names.index(f"{s}_ear") for s in ("left", "right")]]
    ]
    assert (body.mean[gone][..., 2] > ears[:, 2].amin() - 0.05).all()


def _probes(body: BodyModel, vertices: torch.Tensor) -> torch.Tensor:
    """Points (N, 3) behind lips and eyes, on the way to the middle between the ears."""
    ears = [body.joint_names.index(f"{side}_ear") for side in ("left", "right")]
    middle = vertices[body.joint_rows[ears]].mean(0)
    starts = [vertices[list(LIPS)].mean(0)]
    starts += [vertices[low:high].mean(0) for low, high in EYEBALLS]
    share = torch.linspace(0.1, 0.95, 18)[:, None]
    return torch.cat([start + share * (middle - start) for start in starts])


@pytest.mark.parametrize("seed", range(5))
def test_heads_are_full_whatever_their_expression(
    body: BodyModel, solid: torch.Tensor, seed: int
) -> None:
    """The skin alone is hollow there; before the face there is nothing."""
    expression = sample_expression(body, Dice(seed))
    if seed % 2:
        expression[body.expression_names.index("jawOpen")] = 0.5 + 0.1 * seed
    vertices = body.rest(body.known_betas[seed * 7][None], expression[None])[0][0]
    inside = _probes(body, vertices)
    skin = body.faces[(body.faces < SKIN_VERTICES).all(1)]
    assert (winding_number(inside, vertices[skin]) < 0.5).float().mean() > 0.2
    assert winding_number(inside, vertices[solid]).min() > 0.99
    front = inside[[0, 18, 36]] + torch.tensor([0, 0, 0.06])
    assert winding_number(front, vertices[solid]).abs().max() < 0.01


@pytest.mark.parametrize("yaw_deg", [0, 40, -90])
def test_what_can_be_seen_of_the_face_is_where_it_was(
    body: BodyModel, solid: torch.Tensor, yaw_deg: float
) -> None:
    """Depths are the same in every pixel, but in the gap between the lips, of a smiling person."""
    expression = torch.zeros(len(body.expression_names))
    for name in ("mouthSmileLeft", "mouthSmileRight", "eyeLookUpLeft", "eyeLookUpRight"):
        expression[body.expression_names.index(name)] = 0.7
    vertices = body.rest(torch.zeros_like(body.known_betas[:1]), expression[None])[0][0]
    c, s = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    turned = (vertices - vertices[list(LIPS)].mean(0)) @ torch.tensor(
        [[c, 0, -s], [0, 1, 0], [s, 0, c]]
    )
    size, pixel_m = 96, 0.0015
    seen = turned * torch.tensor([1, -1, -1]) / torch.tensor([pixel_m, pixel_m, 1.0])
    seen[:, :2] += size / 2
    # Eyes lie 7 cm above the lips.
    seen[:, 1] += 20
    of_head = turned[:, 1] > -0.08
    before, after = (
        rasterize(seen, faces[of_head[faces].all(1)], size, size).depth
        for faces in (body.faces, solid)
    )
    covered = before.isfinite()
    assert covered.float().mean() > 0.4
    assert torch.equal(covered, after.isfinite())
    changed = (before - after)[covered].abs() > 1e-5
    assert changed.float().mean() < 0.005
    assert (before >= after - 1e-5)[covered].all()


def test_labels_and_truth_are_inside_behind_lips_and_eyes(body: BodyModel, people: People) -> None:
    solid = Solid(people)
    for who in range(len(people)):
        probes = _probes(body, people.vertices_of(who))
        assert solid.contains(solid.snap(probes), torch.full((len(probes),), who)).all()
        placement = place_person(people.vertices_of(who), torch.eye(3))
        truth = PersonSolid.of(people, who, placement)
        assert truth.contains(placement.to_model(probes).double().numpy()).all()
