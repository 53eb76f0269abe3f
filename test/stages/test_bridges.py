from __future__ import annotations

import numpy as np
import pytest
import torch
from analytic_shapes import (
    Distance,
    OccupancyField,
    SignedDistanceField,
    assert_closed,
    capsules,
    sphere,
    union,
)

from pifuhd_ros.stages.bridges import (
    MAX_GAP,
    Bridge,
    BridgedField,
    extract_body,
    find_bridges,
)
from pifuhd_ros.stages.cleanup import find_pieces
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import Mesh

TRUNK = sphere(0.4, (-0.3, 0.0, 0.0))
ARM = [([-0.3, 0.0, 0.0], [0.3, 0.0, 0.1], 0.06), ([0.5, 0.0, 0.14], [0.6, 0.0, 0.16], 0.06)]
"""It breaks off at x = 0.36 and goes on, a hand, at 0.44."""
TORN = union(TRUNK, capsules(ARM))
WHOLE = union(TRUNK, capsules([([-0.3, 0.0, 0.0], [0.6, 0.0, 0.16], 0.06)]))
RESOLUTION = 64


def mask_of(shape: Distance, side: int = 128) -> torch.Tensor:
    """What a camera sees of a shape (S, S)."""
    pixels = torch.linspace(-1, 1, side)
    v, u, z = torch.meshgrid(-pixels, pixels, torch.linspace(-1, 1, 41), indexing="ij")
    inside = shape(torch.stack([u, v, z], -1).reshape(-1, 3)) < 0
    return inside.reshape(side, side, -1).any(-1).float()


def bridges_of(mesh: Mesh, mask: torch.Tensor) -> tuple[Bridge, ...]:
    return find_bridges(mesh, find_pieces(mesh), mask)


def mesh_of(shape: Distance) -> Mesh:
    return extract_surface(SignedDistanceField(shape), RESOLUTION).mesh


@pytest.mark.parametrize("kind", [OccupancyField, SignedDistanceField])
def test_what_the_mask_shows_as_one_is_made_one(
    kind: type[OccupancyField | SignedDistanceField],
) -> None:
    torn = extract_surface(kind(TORN), RESOLUTION).mesh
    assert len(find_pieces(torn).areas) == 2
    body = extract_body(kind(TORN), RESOLUTION, mask_of(WHOLE)).mesh
    assert len(find_pieces(body).areas) == 1
    assert_closed(body.vertices, body.faces)
    # It is where the arm was: nowhere far from that.
    off = WHOLE(torch.from_numpy(body.vertices)).abs()
    assert float(off.max()) < 0.03


def test_a_whole_body_is_left_as_it_is() -> None:
    field = SignedDistanceField(WHOLE)
    plain = extract_surface(field, RESOLUTION)
    asked = len(field.query_sizes)
    body = extract_body(field, RESOLUTION, mask_of(WHOLE))
    assert len(field.query_sizes) == 2 * asked
    assert body.visited_points == plain.visited_points
    np.testing.assert_array_equal(body.mesh.vertices, plain.mesh.vertices)
    np.testing.assert_array_equal(body.mesh.faces, plain.mesh.faces)


def test_no_bridge_leads_over_the_background() -> None:
    assert bridges_of(mesh_of(TORN), mask_of(TORN)) == ()


def test_no_bridge_is_longer_than_the_longest() -> None:
    def torn(gap: float) -> Distance:
        return union(sphere(0.3, (-0.3, 0.0, 0.0)), sphere(0.15, (0.15 + gap, 0.0, 0.0)))

    everywhere = torch.ones(128, 128)
    assert len(bridges_of(mesh_of(torn(MAX_GAP - 0.03)), everywhere)) == 1
    assert bridges_of(mesh_of(torn(MAX_GAP + 0.03)), everywhere) == ()


def test_a_crumb_gets_no_bridge() -> None:
    crumb = union(TRUNK, sphere(0.03, (0.2, 0.0, 0.0)))
    assert len(find_pieces(mesh_of(crumb)).areas) == 2
    assert bridges_of(mesh_of(crumb), torch.ones(128, 128)) == ()


def test_a_foot_is_joined_to_its_leg_and_not_to_the_other_foot() -> None:
    hips = ([-0.2, 0.5, 0.0], [0.2, 0.5, 0.0], 0.15)
    left = ([0.1, 0.5, 0.0], [0.1, -0.5, 0.0], 0.06)
    shin = ([-0.1, 0.5, 0.0], [-0.1, -0.2, 0.0], 0.06)
    foot = ([-0.1, -0.45, 0.0], [-0.09, -0.5, 0.0], 0.07)
    leg = ([-0.1, 0.5, 0.0], [-0.1, -0.5, 0.0], 0.06)
    # The other foot is nearer (0.06) than the shin (0.12), but the background lies between them.
    (bridge,) = bridges_of(
        mesh_of(capsules([hips, left, shin, foot])), mask_of(capsules([hips, left, leg, foot]))
    )
    ends = np.stack([bridge.begin, bridge.end])
    assert (np.abs(ends[:, 0] + 0.1) < 0.02).all()
    assert sorted(ends[:, 1]) == pytest.approx([-0.38, -0.26], abs=0.03)
    assert bridge.radius == pytest.approx(0.05)


def test_a_bridge_is_as_wide_as_the_mask_lets_it() -> None:
    wrist = union(TRUNK, capsules([([-0.3, 0.0, 0.0], [0.6, 0.0, 0.16], 0.03)]), capsules(ARM))
    (bridge,) = bridges_of(mesh_of(TORN), mask_of(wrist, 256))
    assert bridge.radius == pytest.approx(0.03, abs=0.008)


def test_the_field_is_the_union() -> None:
    bridge = Bridge(np.array([0.3, 0.0, 0.1]), np.array([0.45, 0.0, 0.12]), 0.05)
    points = torch.rand(500, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pipe = capsules([(bridge.begin.tolist(), bridge.end.tolist(), bridge.radius)])
    for kind in (SignedDistanceField, OccupancyField):
        field = kind(TORN)
        both = BridgedField(field, (bridge,))
        assert (both.level, both.inside_is_above) == (field.level, field.inside_is_above)
        there = both.query(points) > field.level
        own = field.query(points) > field.level
        if field.inside_is_above:
            assert bool((there | ~own).all())
            assert bool(there[pipe(points) < 0].all())
        else:
            torch.testing.assert_close(both.query(points), union(TORN, pipe)(points))
