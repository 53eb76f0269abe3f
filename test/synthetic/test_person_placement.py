"""The model box and its cameras."""

from __future__ import annotations

import math

import pytest
import torch
from handmade_people import box

from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.placement import Placement, place_person, sample_placement
from pifuhd_ros.synthetic.random import Dice

NEAR = Placement(view_rotation(40, 10), torch.tensor([0.1, -0.2, 0.05]), 0.9, 1 / 2.5)
FAR = Placement(NEAR.rotation, NEAR.centre_m, NEAR.scale)


def some_points(count: int = 200) -> torch.Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8


def drawn(people: People, who: int) -> torch.Tensor:
    """Vertices (v, 3) that a picture shows."""
    return people.vertices_of(who)[people.faces_of("faces", who).unique()]


@pytest.mark.parametrize("placement", [NEAR, FAR])
def test_there_and_back_again(placement: Placement) -> None:
    points = some_points()
    assert torch.allclose(placement.to_person(placement.to_model(points)), points, atol=1e-6)
    assert torch.allclose(placement.to_model(placement.to_person(points)), points, atol=1e-6)


def test_points_of_one_ray_keep_their_pixel() -> None:
    """Rays through the camera, which stands at the given distance before the box's centre."""
    camera = torch.tensor([0, 0, 1 / NEAR.inverse_distance])
    turned = torch.rand(50, 3, generator=torch.Generator().manual_seed(1)) - 0.5
    for share in (0.2, 0.5, 0.9):
        nearer = turned + share * (camera - turned)
        pixels = [
            NEAR.to_model((p / NEAR.scale + NEAR.centre_m) @ NEAR.rotation)[:, :2]
            for p in (turned, nearer)
        ]
        assert torch.allclose(*pixels, atol=1e-5)


def test_the_plane_through_the_centre_keeps_its_scale_and_nearer_is_larger() -> None:
    for z, bigger in ((0.0, 1.0), (0.5, 1 / (1 - 0.5 / 2.5)), (-0.5, 1 / (1 + 0.5 / 2.5))):
        points = torch.tensor([[0.3, -0.2, z]])
        person = (points / NEAR.scale + NEAR.centre_m) @ NEAR.rotation
        expected = points * torch.tensor([bigger, bigger, 1.0])
        assert torch.allclose(NEAR.to_model(person), expected, atol=1e-6)


@pytest.mark.parametrize("distance_m", [math.inf, 1.8])
def test_the_person_fills_the_crop_as_the_detector_would(people: People, distance_m: float) -> None:
    for who in range(len(people)):
        vertices = drawn(people, who)
        placement = place_person(vertices, view_rotation(30, 5), distance_m=distance_m)
        model = placement.to_model(vertices)[:, :2]
        assert (model.amax(0) - model.amin(0)).max() == pytest.approx(2 / 1.1, abs=1e-4)
        assert (model.amax(0) + model.amin(0)).abs().max() < 1e-3


def test_who_reaches_towards_a_near_camera_fills_the_crop_as_well() -> None:
    """A long box that leans towards the camera: its near end is thrice as large as its far end."""
    vertices = box((-0.1, -0.15, -1.0), (0.1, 0.15, 0.9)).vertices
    vertices = vertices + vertices[:, 2:] * torch.tensor([0.3, -0.2, 0.0])
    model = place_person(vertices, torch.eye(3), distance_m=1.8).to_model(vertices)[:, :2]
    assert (model.amax(0) - model.amin(0)).max() == pytest.approx(2 / 1.1, abs=1e-4)
    assert (model.amax(0) + model.amin(0)).abs().max() < 1e-3


@pytest.mark.parametrize("distance_m", [math.inf, 1.8])
def test_the_person_can_be_smaller_and_off_the_middle(people: People, distance_m: float) -> None:
    vertices = drawn(people, 1)
    placement = place_person(vertices, view_rotation(30, 5), 0.8, (0.03, -0.02), distance_m)
    model = placement.to_model(vertices)[:, :2]
    assert (model.amax(0) - model.amin(0)).max() == pytest.approx(1.6, abs=0.01)
    middle = (model.amax(0) + model.amin(0)) / 2
    assert torch.allclose(middle, torch.tensor([0.03, -0.02]), atol=0.005)


def test_cameras_are_those_of_robots_and_phones(people: People) -> None:
    vertices = drawn(people, 0)
    placements = [sample_placement(vertices, Dice(seed), facing=True) for seed in range(60)]
    distances = [1 / p.inverse_distance / p.scale for p in placements if p.inverse_distance]
    assert 15 < len(distances) < 45
    assert min(distances) > 1.79
    assert max(distances) < 6.01
    for placement in placements:
        # Who faces the camera looks along +z of the model, within 50 degrees of yaw.
        forward = placement.rotation @ torch.tensor([0.0, 0, 1])
        assert forward[2] > 0.5
        assert placement.to_model(vertices)[:, :2].abs().max() < 1
    around = [sample_placement(vertices, Dice(seed), facing=False) for seed in range(60)]
    behind = sum(float((p.rotation @ torch.tensor([0.0, 0, 1]))[2]) < 0 for p in around)
    assert 15 < behind < 45


def test_a_seed_is_a_camera(people: People) -> None:
    a, b = (sample_placement(people.vertices_of(0), Dice(5), facing=False) for _ in range(2))
    assert torch.equal(a.rotation, b.rotation)
    assert (a.scale, a.inverse_distance) == (b.scale, b.inverse_distance)
