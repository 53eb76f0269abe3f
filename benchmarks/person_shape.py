"""A person made of capsules: a surface of the right size where no trained network is at hand."""

from __future__ import annotations

import torch

from pifuhd_ros.types import ImplicitField

# Start, end, radius; metres, the middle of the body at the origin; 1.8 m tall.
_CAPSULES = (
    ((0.00, 0.77, 0.02), (0.00, 0.80, 0.02), 0.100),  # head
    ((0.00, 0.50, 0.00), (0.00, 0.68, 0.00), 0.060),  # neck
    ((-0.10, 0.42, 0.00), (0.10, 0.42, 0.00), 0.130),  # shoulders
    ((0.00, 0.05, 0.00), (0.00, 0.40, 0.00), 0.150),  # trunk
    ((-0.08, 0.00, 0.00), (0.08, 0.00, 0.00), 0.120),  # hips
    ((-0.20, 0.48, 0.00), (-0.30, 0.20, 0.00), 0.055),
    ((-0.30, 0.20, 0.00), (-0.36, -0.06, 0.06), 0.045),
    ((0.20, 0.48, 0.00), (0.30, 0.20, 0.00), 0.055),
    ((0.30, 0.20, 0.00), (0.36, -0.06, 0.06), 0.045),
    ((-0.10, -0.04, 0.00), (-0.13, -0.44, 0.02), 0.085),
    ((-0.13, -0.44, 0.02), (-0.15, -0.84, 0.00), 0.060),
    ((-0.15, -0.86, 0.00), (-0.16, -0.86, 0.15), 0.045),
    ((0.10, -0.04, 0.00), (0.13, -0.44, 0.02), 0.085),
    ((0.13, -0.44, 0.02), (0.15, -0.84, 0.00), 0.060),
    ((0.15, -0.86, 0.00), (0.16, -0.86, 0.15), 0.045),
)
Capsules = tuple[tuple[tuple[float, float, float], tuple[float, float, float], float], ...]

HARD_SHAPES: dict[str, Capsules] = {
    "spread fingers": (
        ((0.0, -0.4, 0.0), (0.0, -0.3, 0.0), 0.25),
        *(((x, -0.2, 0.0), (1.6 * x, 0.5, 0.1 * x), 0.008) for x in (-0.15, -0.05, 0.05, 0.15)),
    ),
    "separate parts": (
        ((-0.5, 0.4, 0.0), (-0.4, 0.4, 0.0), 0.2),
        ((0.53, -0.47, 0.3), (0.53, -0.47, 0.31), 0.03),
        ((0.7, 0.7, -0.7), (0.7, 0.71, -0.7), 0.02),
        ((-0.71, -0.63, 0.55), (-0.71, -0.63, 0.56), 0.012),
    ),
    "a long wire": (((-0.9, -0.8, -0.7), (0.9, 0.7, 0.8), 0.006),),
    "a fence of wires": tuple(
        ((-0.6 + 0.1 * i, -0.5, 0.013), (-0.6 + 0.1 * i, 0.5, 0.017), 0.007) for i in range(12)
    ),
}
"""Shapes whose parts are thinner than the cells that the search starts from."""

_SOFTNESS = 0.01
"""Model units over which the occupancy changes, as blurred as a trained network's."""


class CapsulePerson:
    """Occupancy of capsules; by default a person's, filling 0.9 of the box's height."""

    level = 0.5
    inside_is_above = True

    def __init__(self, device: torch.device, capsules: Capsules = _CAPSULES) -> None:
        self.device = device
        self._capsules = capsules

    def query(self, points: torch.Tensor) -> torch.Tensor:
        """Occupancies (N,) of points (N, 3)."""
        distance = torch.full(points.shape[:1], torch.inf, device=points.device)
        for start, end, radius in self._capsules:
            a = torch.tensor(start, device=points.device)
            along = torch.tensor(end, device=points.device) - a
            share = ((points - a) @ along / along.square().sum()).clamp(0, 1)
            nearest = a + share[:, None] * along
            distance = torch.minimum(distance, (points - nearest).norm(dim=1) - radius)
        return torch.sigmoid(-distance / _SOFTNESS)


class ThinSheet:
    """Occupancy of a sheet, a cell and a half thick at 256³, where the search sees it least.

    It lies flat in the middle between two layers of the grid that the search starts from.
    """

    level = 0.5
    inside_is_above = True

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._middle = torch.tensor([0.0, 0.0, 0.03125], device=device)
        self._half_sides = torch.tensor([0.5, 0.4, 0.0], device=device)

    def query(self, points: torch.Tensor) -> torch.Tensor:
        """Occupancies (N,) of points (N, 3)."""
        beyond = ((points - self._middle).abs() - self._half_sides).clamp(min=0)
        return torch.sigmoid((0.006 - beyond.norm(dim=1)) / _SOFTNESS)


class PersonInstead:
    """Asks a network for every point, at its full cost, and answers with the capsules.

    Untrained weights make a field whose surface is noise that fills the box; its extraction would
    say nothing about a person's.
    """

    level = 0.5
    inside_is_above = True

    def __init__(self, network_field: ImplicitField) -> None:
        self._network_field = network_field
        self._person = CapsulePerson(network_field.device)

    @property
    def device(self) -> torch.device:
        """The network's."""
        return self._network_field.device

    def query(self, points: torch.Tensor) -> torch.Tensor:
        """Occupancies (N,) of the capsules at points (N, 3)."""
        paid = self._network_field.query(points)
        return self._person.query(points) + 0.0 * paid.nan_to_num()
