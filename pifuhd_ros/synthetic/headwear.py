"""Caps, beanies, hoods and glasses, built around the head that wears them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.vectors import sphere_directions
from pifuhd_ros.synthetic.folds import smoothstep
from pifuhd_ros.synthetic.paint import Paint
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.shapes import Mesh, grid_faces, join, shell, tube
from pifuhd_ros.synthetic.tailor import SKIN_VERTICES
from pifuhd_ros.synthetic.worn import Kind, Worn

_EYE = (0.031, 0.826, 0.127)
_COLUMNS = 40


def _wear(
    mesh: Mesh, rest: torch.Tensor, bearers: torch.Tensor, paint: Paint, normal_map: int, kind: Kind
) -> Worn:
    """Hangs a closed mesh on the nearest of the body vertices ``bearers`` (N,)."""
    vertices, faces = mesh
    distance, nearest = torch.cdist(vertices, rest[bearers]).topk(3, dim=1, largest=False)
    weights = 1 / (distance + 0.02).square()
    return Worn(
        vertices=vertices,
        base=bearers[nearest],
        weights=weights / weights.sum(1, keepdim=True),
        faces=faces,
        face_uvs=vertices[faces][..., :2] / 0.42,
        caps=faces[:0],
        hidden=faces.new_zeros(0),
        paint=paint,
        texture=-1,
        normal_map=normal_map,
        kind=kind,
    )


@dataclass(frozen=True)
class Cover:
    """What a hat covers of a head."""

    pole: torch.Tensor
    """(3,) unit vector to its crown."""
    span: float
    """Angle from there to its rim [rad]."""
    tilt: float


def sample_cover(dice: Dice, device: torch.device) -> Cover:
    """A hat that sits a little lower behind than in front."""
    tilt = dice.uniform(0.12, 0.3)
    return Cover(_unit(0, 1, -tilt, device), dice.uniform(1.5, 1.65), tilt)


class Head:
    """One person's head: what lies around it, in any direction."""

    def __init__(self, rest: torch.Tensor, mean: torch.Tensor) -> None:
        self.rest = rest
        skin = mean[:SKIN_VERTICES]
        x, y, z = skin[:, 0].abs(), skin[:, 1], skin[:, 2]
        every = torch.arange(len(skin), device=rest.device)
        self.crown = every[(y > 0.865) & (x < 0.1)]
        below = (y > 0.79) & (y < 0.865) & (z < 0.05) & (x < 0.074)
        self.skull = torch.cat([self.crown, every[below]])
        # The face is fine-meshed and lies inside the hull but for nose and chin.
        face = (y > 0.71) & (y < 0.865) & (x < 0.11)
        neck = (y > 0.63) & (y < 0.71) & (x < 0.1)
        self.whole = torch.cat([self.crown, every[face][::3], every[below], every[neck][::2]])
        self.neck = every[(y > 0.66) & (y < 0.69) & (x < 0.08)]
        self.shoulders = every[(y > 0.56) & (y < 0.72) & (x < 0.16)][::3]
        behind = (y > 0.74) & (z < 0.02) & (x < 0.1)
        self.hooded = torch.cat([self.shoulders, every[behind | ((y > 0.88) & (x < 0.1))][::4]])
        top = rest[self.crown]
        low, high = top.amin(0), top.amax(0)
        self.middle = torch.stack([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
        """(3,) of the skull at the height of the forehead [m]."""
        self._normals = sphere_directions(600, rest.device)

    def polar(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Directions (N, 3) and distances (N, 1) [m] of points (N, 3) from the middle."""
        away = points - self.middle
        distance = away.norm(dim=1, keepdim=True)
        return away / distance.clamp(min=1e-6), distance

    def reach(self, directions: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
        """How far (N,) the convex hull of body vertices lies from the middle [m].

        Args:
            directions: (N, 3) unit vectors.
            around: Which body vertices.
        """
        normals = self._normals
        support = (normals @ (self.rest[around] - self.middle).T).amax(1)
        slope = (directions @ normals.T).clamp(min=1e-3)
        distance: torch.Tensor = (support / slope).amin(1)
        return distance

    def flatten(
        self, hair: torch.Tensor, around: torch.Tensor, room_m: float, cover: Cover | None
    ) -> torch.Tensor:
        """Hair (V, 3) pressed under a hat above its rim, or as a whole where cover is None."""
        direction, distance = self.polar(hair)
        limit = self.reach(direction, around)[:, None] + room_m
        pressed = self.middle + direction * torch.minimum(distance, limit)
        share = torch.ones_like(distance)
        if cover is not None:
            rim = math.cos(cover.span)
            share = smoothstep(rim - 0.08, rim + 0.05, direction @ cover.pole)[:, None]
        result: torch.Tensor = hair + (pressed - hair) * share
        return result


def _directions(
    rows: int, span: torch.Tensor, pole: torch.Tensor, front: torch.Tensor
) -> torch.Tensor:
    """(rows, columns, 3) unit vectors from the pole to angles ``span`` (columns,) away from it."""
    device = span.device
    right = torch.linalg.cross(front, pole)
    around = torch.arange(_COLUMNS, device=device) * (2 * math.pi / _COLUMNS)
    side = front * around.cos()[:, None] - right * around.sin()[:, None]
    down = (torch.arange(rows, device=device) / (rows - 1))[:, None] * span
    # Rows begin a little beside the pole: one small ring instead of many copies of one point.
    down = down.clamp(min=0.02)[..., None]
    directions: torch.Tensor = pole * down.cos() + side * down.sin()
    return directions


def _dome(points: torch.Tensor) -> Mesh:
    """Points (rows, columns, 3) from the pole down, with the hole at the pole closed."""
    rows, columns = points.shape[:2]
    faces = grid_faces(rows, columns, True, points.device)
    first = torch.arange(columns, device=points.device)
    pole = torch.stack([torch.full_like(first, rows * columns), first, (first + 1) % columns], 1)
    vertices = torch.cat([points.reshape(-1, 3), points[0].mean(0, keepdim=True)])
    return vertices, torch.cat([faces, pole])


def _unit(x: float, y: float, z: float, device: torch.device) -> torch.Tensor:
    return torch.nn.functional.normalize(
        torch.tensor([x, y, z], dtype=torch.float32, device=device), dim=0
    )


def hat(head: Head, cover: Cover, dice: Dice, paint: Paint, normal_map: int) -> Worn:
    """A beanie with a cuff, or a cap with a visor."""
    device = head.rest.device
    pole, front = cover.pole, _unit(0, cover.tilt, 1, device)
    has_visor = dice.chance(0.5)
    span = torch.full((_COLUMNS,), cover.span, device=device)
    direction = _directions(16, span, pole, front)
    reach = head.reach(direction.view(-1, 3), head.skull).view(16, _COLUMNS)
    row = torch.linspace(0, 1, 16, device=device)[:, None]
    thick = dice.uniform(0.007, 0.012) + torch.zeros_like(row)
    if not has_visor:
        slack, cuff = dice.uniform(0, 0.04), dice.uniform(0.6, 0.85)
        thick = (
            thick + slack * (1 - row.square()).square() + 0.005 * smoothstep(cuff, cuff + 0.07, row)
        )
    outer = head.middle + direction * (reach + thick)[..., None]
    inner = head.middle + direction * (reach + 0.002)[..., None]
    vertices, faces = _dome(outer)
    meshes = [shell(vertices, faces, _dome(inner)[0])]
    if has_visor:
        length, half = dice.uniform(0.055, 0.08), 8
        index = torch.arange(-half, half + 1, device=device)
        rim = outer[-2].roll(-1, 0)[(index - 1) % _COLUMNS] - 0.004 * front
        t = torch.linspace(0, 1, 6, device=device)[:, None, None]
        bow = (index * (math.pi / 2 / (half + 0.5))).cos().sqrt()[:, None]
        ahead = _unit(0, -0.25, 1, device) * length * bow
        dip = pole * (0.012 * (index / half).square()[:, None])
        top = rim + t * ahead - t * dip
        plate = grid_faces(6, 2 * half + 1, False, device)
        meshes.append(shell(top.reshape(-1, 3), plate, (top - 0.004 * pole).reshape(-1, 3)))
    return _wear(join(meshes), head.rest, head.crown, paint, normal_map, "hard")


def raised_hood(head: Head, dice: Dice, paint: Paint, normal_map: int) -> Worn:
    """A hood over the head, down to the shoulders, open in front of the face."""
    device = head.rest.device
    pole, front = _unit(0, 0.2, -1, device), _unit(0, 1, 0.2, device)
    around = torch.arange(_COLUMNS, device=device) * (2 * math.pi / _COLUMNS)
    span = math.pi - dice.uniform(0.85, 1.0) + 0.1 * around.cos()
    direction = _directions(24, span, pole, front)
    reach = head.reach(direction.view(-1, 3), head.whole).view(24, _COLUMNS)
    row = torch.linspace(0, 1, 24, device=device)[:, None]
    phase, count = dice.uniform(0, 6.28), dice.integer(4) + 5
    ripple = (count * around + 5 * row + phase).sin() * (0.5 + 0.5 * (3 * around + phase).cos())
    point = dice.uniform(0.0, 0.035) * (1 - 2 * row).clamp(min=0).square()
    thick = 0.016 + 0.004 * ripple * (row * (1.2 - row)) * 2 + point
    outer = head.middle + direction * (reach + thick)[..., None]
    inner = head.middle + direction * (reach + 0.005)[..., None]
    vertices, faces = _dome(outer)
    mesh = shell(vertices, faces, _dome(inner)[0])
    return _wear(mesh, head.rest, head.hooded, paint, normal_map, "cloth")


def lowered_hood(head: Head, dice: Dice, paint: Paint, normal_map: int) -> Worn:
    """A hood that lies on the back, as a roll around the neck that is thick behind."""
    device = head.rest.device
    neck = head.rest[head.neck]
    low, high = neck.amin(0), neck.amax(0)
    middle, half = (low + high) / 2, (high - low) / 2
    turn = torch.linspace(-2.5, 2.5, 40, device=device)
    back = (0.5 + 0.5 * turn.cos()).square()
    taper = (1 - (turn / 2.5).square()).clamp(min=0.02).sqrt()
    bulk, drop = dice.uniform(0.8, 1.2), dice.uniform(0.0, 0.03)
    wobble = 1 + 0.12 * (turn * 5 + dice.uniform(0, 6.28)).sin()
    wide = bulk * taper * wobble * (0.012 + 0.034 * back)
    high_half = bulk * taper * (0.016 + 0.022 * back)
    out_x, out_z = half[0] + 0.012 + 0.3 * wide, half[2] + 0.01 + 0.95 * wide
    # From the nape the collar slopes down to the collar bones.
    height = middle[1] + 0.012 - 0.06 * (1 - turn.cos()) / 2 - drop * back
    path = torch.stack([middle[0] - turn.sin() * out_x, height, middle[2] - turn.cos() * out_z], 1)
    mesh = tube(path, wide, high_half, _unit(0, 1, 0, device), loops=False)
    return _wear(mesh, head.rest, head.shoulders, paint, normal_map, "cloth")


def glasses(head: Head, mean: torch.Tensor, dice: Dice, paint: Paint) -> Worn:
    """Frames of tubes; dark lenses now and then."""
    rest, device = head.rest, head.rest.device
    eye = torch.tensor(_EYE, device=device)
    mirror = torch.tensor([-1.0, 1.0, 1.0], device=device)
    beyond = torch.arange(len(mean), device=device) >= SKIN_VERTICES
    near = ((mean[:, None] - torch.stack([eye, eye * mirror])).norm(dim=2) < 0.02) & beyond[:, None]
    left, right = rest[near[:, 0]].mean(0), rest[near[:, 1]].mean(0)
    middle = (left + right) / 2
    apart = (left[0] - right[0]) / 2
    wire = dice.uniform(0.0014, 0.003)
    width, height = float(apart) * dice.uniform(0.72, 0.82), dice.uniform(0.016, 0.024)
    power = dice.choice((2.0, 3.0, 4.0))
    has_lenses = dice.chance(0.3)
    ahead = rest[near[:, 0], 2].amax() + 0.008
    angle = torch.arange(24, device=device) * (2 * math.pi / 24)

    def rounded(x: torch.Tensor) -> torch.Tensor:
        return x.sign() * x.abs() ** (2 / power)

    x, y = width * rounded(angle.cos()), height * rounded(angle.sin())
    up, forward = _unit(0, 1, 0, device), _unit(0, 0, 1, device)

    def along(points: torch.Tensor, up: torch.Tensor, loops: bool) -> Mesh:
        radius = torch.full((len(points),), wire, device=device)
        return tube(points, radius, radius, up, loops)

    def line(points: list[list[torch.Tensor]]) -> torch.Tensor:
        return torch.stack([torch.stack(p) for p in points])

    skin = mean[:SKIN_VERTICES]
    temple = ((skin[:, 1] - eye[1]).abs() < 0.02) & (skin[:, 2] > 0.03) & (skin[:, 2] < 0.1)
    side = (rest[:SKIN_VERTICES][temple, 0] - middle[0]).abs().amax() + 0.003
    ear = middle[2] - 0.095
    meshes: list[Mesh] = []
    for sign in (1.0, -1.0):
        centre = middle + sign * apart * mirror * torch.tensor([-1.0, 0.0, 0.0], device=device)
        # Rims bend a little backwards to the sides.
        rim = torch.stack([centre[0] + x, centre[1] - 0.003 + y, ahead - 0.15 * x * sign], 1)
        meshes.append(along(rim, forward, True))
        if has_lenses:
            disc = torch.cat([rim, rim.mean(0, keepdim=True)])
            first = torch.arange(24, device=device)
            fan = torch.stack([torch.full_like(first, 24), first, (first + 1) % 24], 1)
            meshes.append(shell(disc, fan, disc - 0.002 * forward))
        y0 = centre[1] + 0.004
        hinge = centre[0] + sign * width
        outside = middle[0] + sign * torch.maximum(side, (hinge - middle[0]).abs())
        meshes.append(
            along(
                line(
                    [
                        [hinge, y0, ahead - 0.15 * width],
                        [outside, y0, ahead - 0.15 * width - 0.012],
                        [outside, y0, (ahead + ear) / 2],
                        [outside, y0 - 0.004, ear],
                    ]
                ),
                up, False,
            )
        )  # fmt: skip
    inner = apart - width
    bow = middle[1] + 0.003
    meshes.append(
        along(
            line(
                [
                    [middle[0] - inner, bow, ahead + 0.15 * width],
                    [middle[0], bow + 0.004, ahead + 0.15 * width + 0.003],
                    [middle[0] + inner, bow, ahead + 0.15 * width],
                ]
            ),
            up, False,
        )
    )  # fmt: skip
    return _wear(join(meshes), rest, head.crown, paint, -1, "hard")
