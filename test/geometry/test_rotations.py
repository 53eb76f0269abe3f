"""Rotations: there and back, blends, views."""

from __future__ import annotations

import math

import pytest
import torch

from pifuhd_ros.geometry.rotations import (
    axis_angle_from_matrix,
    blend_rotations,
    matrix_from_axis_angle,
    view_rotation,
)
from pifuhd_ros.geometry.vectors import unit


def test_axis_angle_round_trip() -> None:
    vectors = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    vectors = vectors / vectors.norm(dim=1, keepdim=True) * torch.linspace(0.05, 3.0, 50)[:, None]
    matrices = matrix_from_axis_angle(vectors)
    assert torch.allclose(matrices @ matrices.mT, torch.eye(3).double().expand(50, 3, 3))
    assert torch.allclose(torch.linalg.det(matrices), torch.ones(50).double())
    assert torch.allclose(axis_angle_from_matrix(matrices), vectors, atol=1e-5)


def test_quarter_turn_about_z_takes_x_to_y() -> None:
    turn = matrix_from_axis_angle(torch.tensor([0.0, 0.0, math.pi / 2]))
    assert (turn @ torch.tensor([1.0, 0, 0])).tolist() == pytest.approx([0, 1, 0], abs=1e-6)


def test_blend_goes_half_way_along_the_same_axis() -> None:
    a = torch.eye(3)
    b = matrix_from_axis_angle(torch.tensor([0.0, 1.0, 0.0]))
    half = blend_rotations(a, b, torch.tensor(0.5))
    expected = matrix_from_axis_angle(torch.tensor([0.0, 0.5, 0.0]))
    assert torch.allclose(half, expected, atol=1e-3)


def test_view_from_above_shows_the_top_of_the_head() -> None:
    up = view_rotation(0.0, 20.0) @ torch.tensor([0.0, 1.0, 0.0])
    assert up[2] > 0.3
    # Yaw turns the person's left (x) towards the back.
    left = view_rotation(90.0) @ torch.tensor([1.0, 0.0, 0.0])
    assert left.tolist() == pytest.approx([0, 0, -1], abs=1e-6)


def test_unit_vectors_and_zero() -> None:
    vectors = torch.tensor([[3.0, 0.0], [4.0, 0.0]])
    assert torch.allclose(unit(vectors, 0)[:, 0], torch.tensor([0.6, 0.8]))
    assert (unit(vectors, 0)[:, 1] == 0).all()
