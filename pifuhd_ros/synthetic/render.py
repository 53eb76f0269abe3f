"""Draws people as the networks see them: albedo, normals and depth of front and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from pifuhd_ros.geometry.rasterize import Coverage, cover, nearest
from pifuhd_ros.synthetic.paint import OPAQUE, albedo_of, sample_textures
from pifuhd_ros.synthetic.people import FaceKind, People
from pifuhd_ros.synthetic.placement import Placement

_JOINT_DEPTH_M = 0.12
"""A joint lies at most so deep under the skin that shows it."""


@dataclass(frozen=True)
class Views:
    """Square views; all maps are pixel-aligned with the crop (see PersonCrop), model space."""

    albedo: torch.Tensor
    """(B, 3, S, S) in [0, 1] of the front, zero outside the mask."""
    albedo_back: torch.Tensor
    """(B, 3, S, S) of the farthest surface, seen through the person."""
    normal_front: torch.Tensor
    """(B, 3, S, S) unit, z >= 0."""
    normal_back: torch.Tensor
    """(B, 3, S, S) unit, z <= 0."""
    body_front: torch.Tensor
    """(B, 3, S, S) normals of the body without clothes; zero where it is not."""
    body_back: torch.Tensor
    """(B, 3, S, S)."""
    z_front: torch.Tensor
    """(B, S, S) z of the nearest surface, zero outside the mask."""
    z_back: torch.Tensor
    """(B, S, S) of the farthest surface."""
    mask: torch.Tensor
    """(B, S, S) bool."""
    joints: torch.Tensor
    """(B, J, 3) model space: the crop's pixels and the depth of every joint."""
    joints_visible: torch.Tensor
    """(B, J) bool: in the image, and nothing but its own limb before it."""
    person: tuple[int, ...]
    """Of each view."""
    placements: tuple[Placement, ...]

    def __len__(self) -> int:
        return len(self.placements)


@dataclass(frozen=True)
class _Scene:
    """The faces of all views in one list."""

    pixels: torch.Tensor
    """(V, 3) column, row and depth of every vertex of every view."""
    faces: torch.Tensor
    """(F, 3) into them."""
    view: torch.Tensor
    """(F,)."""
    source: torch.Tensor
    """(F,) index into the faces that were given."""


def _screen(placement: Placement, points: torch.Tensor, size: int) -> torch.Tensor:
    """Person space (N, 3) as pixel column, row and a depth that is linear on the screen."""
    model = placement.to_model(points)
    u = (model[:, 0] + 1) / 2 * (size - 1)
    v = (1 - model[:, 1]) / 2 * (size - 1)
    z = model[:, 2]
    return torch.stack([u, v, -z / (1 - z * placement.inverse_distance)], 1)


def _scene(
    people: People,
    kind: FaceKind,
    person: Sequence[int],
    placements: Sequence[Placement],
    size: int,
) -> _Scene:
    pixels, where, view, source, count = [], [], [], [], 0
    for i, (who, placement) in enumerate(zip(person, placements, strict=True)):
        vertices = people.vertices_of(who)
        pixels.append(_screen(placement, vertices, size))
        mine = torch.arange(*people.face_range(kind, who), device=vertices.device)
        where.append(people.faces_of(kind, who) + count)
        view.append(torch.full_like(mine, i))
        source.append(mine)
        count += len(vertices)
    return _Scene(torch.cat(pixels), torch.cat(where), torch.cat(view), torch.cat(source))


def _select(coverage: Coverage, keep: torch.Tensor) -> Coverage:
    return Coverage(**{name: value[keep] for name, value in vars(coverage).items()})


def _mix(values: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
    """(N, 3 corners, C) weighted by (N, 3)."""
    # Written out, for a sum over so few is slow.
    a, b, c = barycentric[..., None].unbind(1)
    return torch.addcmul(torch.addcmul(values[:, 0] * a, values[:, 1], b), values[:, 2], c)


def _inverse_distance(placements: Sequence[Placement], device: torch.device) -> torch.Tensor:
    return torch.tensor([p.inverse_distance for p in placements], device=device)


def _weights(
    scene: _Scene, coverage: Coverage, chosen: torch.Tensor, placements: Sequence[Placement]
) -> torch.Tensor:
    """Weights (N, 3) of the corners at some hits (N,), which perspective shifts on the screen."""
    face = coverage.face[chosen]
    inverse = _inverse_distance(placements, face.device)[scene.view[face]]
    depths = scene.pixels[scene.faces[face], 2]
    weights = coverage.barycentric[chosen] * (1 - inverse[:, None] * depths)
    return weights / (weights[:, :1] + weights[:, 1:2] + weights[:, 2:])


def _opaque(
    people: People, scene: _Scene, coverage: Coverage, placements: Sequence[Placement]
) -> Coverage:
    """Without the transparent places of hair and brow cards."""
    part = people.face_part[scene.source[coverage.face]]
    card = torch.nonzero(people.is_card[part])[:, 0]
    face = scene.source[coverage.face[card]]
    uv = _mix(people.face_uvs[face], _weights(scene, coverage, card, placements))
    texture = people.paints.texture[part[card]]
    keep = torch.ones_like(part, dtype=torch.bool)
    keep[card] = sample_textures(people.textures, texture, uv)[:, 3] > OPAQUE
    return _select(coverage, keep)


class _Hits:
    """The nearest, or the farthest, surface of every pixel that shows one."""

    def __init__(
        self,
        people: People,
        scene: _Scene,
        coverage: Coverage,
        placements: Sequence[Placement],
        size: int,
        towards: float,
    ) -> None:
        pixels = size * size * len(placements)
        index = nearest(replace(coverage, depth=coverage.depth * towards), pixels)
        self.pixel = torch.nonzero(index >= 0)[:, 0]
        chosen = index[self.pixel]
        self.view = self.pixel // (size * size)
        self.weights = _weights(scene, coverage, chosen, placements)
        self.source = scene.source[coverage.face[chosen]]
        self._depth = coverage.depth[chosen]
        self._people = people
        self._placements = placements
        self._size = size
        self._towards = towards

    def image(self, values: torch.Tensor) -> torch.Tensor:
        """Values (N, C) of the hits as maps (B, C, S, S), zero elsewhere."""
        count, size = len(self._placements), self._size
        canvas = values.new_zeros(count * size * size, values.shape[1])
        canvas[self.pixel] = values
        return canvas.view(count, size, size, -1).permute(0, 3, 1, 2).contiguous()

    def z(self) -> torch.Tensor:
        """Model-space z (B, S, S)."""
        inverse = _inverse_distance(self._placements, self.view.device)[self.view]
        z = -self._depth / (1 - self._depth * inverse)
        return self.image(z[:, None])[:, 0]

    def albedo(self) -> torch.Tensor:
        """(B, 3, S, S)."""
        people = self._people
        uv = _mix(people.face_uvs[self.source], self.weights)
        rest = _mix(people.rest[people.faces[self.source]], self.weights)
        part = people.face_part[self.source]
        albedo = albedo_of(people.paints, people.textures, part, uv, rest)
        if people.colours is not None:
            albedo = albedo * _mix(people.colours[people.faces[self.source]], self.weights)
        return self.image(albedo)

    def normals(self, faces: torch.Tensor, detailed: bool) -> torch.Tensor:
        """Unit normals (B, 3, S, S) that face the viewer.

        Args:
            faces: (F, 3) that ``source`` counts.
            detailed: Bends them by the normal maps, which only the drawn faces have.
        """
        people = self._people
        values = F.normalize(_mix(people.normals[faces[self.source]], self.weights), dim=1)
        if detailed:
            part = people.face_part[self.source]
            rows = torch.nonzero(people.normal_map[part] >= 0)[:, 0]
            values[rows] = self._bent(rows, part[rows], values[rows])
        rotation = torch.stack([p.rotation for p in self._placements])[self.view]
        values = (rotation @ values[..., None])[..., 0]
        if detailed:
            away = (values[:, 2] * self._towards < 0) & people.is_card[part]
            values = torch.where(away[:, None], -values, values)
        # A smooth normal may lean past the silhouette; what is seen cannot face away.
        z = values[:, 2:] * self._towards
        values = torch.cat([values[:, :2], z.clamp(min=0) * self._towards], 1)
        return self.image(F.normalize(values, dim=1))

    def _bent(self, rows: torch.Tensor, part: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
        people, source = self._people, self.source[rows]
        a, b, c = people.vertices[people.faces[source]].unbind(1)
        ta, tb, tc = people.face_uvs[source].unbind(1)
        e1, e2 = b - a, c - a
        d1, d2 = tb - ta, tc - ta
        area = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
        sign = torch.where(area >= 0, 1.0, -1.0)[:, None]
        tangent = F.normalize((e1 * d2[:, 1:] - e2 * d1[:, 1:]) * sign, dim=1)
        tangent = tangent - normals * (tangent * normals).sum(1, keepdim=True)
        bitangent = torch.linalg.cross(normals, tangent) * sign
        uv = _mix(people.face_uvs[source], self.weights[rows])
        bend = sample_textures(people.textures, people.normal_map[part], uv)[:, :3] * 2 - 1
        bent = bend[:, :1] * tangent + bend[:, 1:2] * bitangent
        return F.normalize(bent + bend[:, 2:].clamp(min=0.2) * normals, dim=1)


def _visible(
    joints: torch.Tensor, z_front: torch.Tensor, mask: torch.Tensor, deep: torch.Tensor
) -> torch.Tensor:
    """Which joints (B, J, 3) lie in the image, at most ``deep`` (B,) behind what it shows there."""
    size = mask.shape[-1]
    u = (joints[..., 0] + 1) / 2 * (size - 1)
    v = (1 - joints[..., 1]) / 2 * (size - 1)
    inside = (u >= 0) & (v >= 0) & (u <= size - 1) & (v <= size - 1)
    safe = torch.where(inside, v.round() * size + u.round(), 0.0).long()
    shown = z_front.flatten(1).gather(1, safe) - joints[..., 2] < deep[:, None]
    return inside & mask.flatten(1).gather(1, safe) & shown


def render_views(
    people: People, person: Sequence[int], placements: Sequence[Placement], size: int
) -> Views:
    """Draws people, each view in one pass of the rasteriser with all others.

    Args:
        people: Whom to draw.
        person: Who is in each view.
        placements: Of each view.
        size: Of the square images, in pixels.
    """
    scene = _scene(people, "faces", person, placements, size)
    coverage = cover(scene.pixels, scene.faces, size, size, scene.view)
    coverage = _opaque(people, scene, coverage, placements)
    front = _Hits(people, scene, coverage, placements, size, 1.0)
    back = _Hits(people, scene, coverage, placements, size, -1.0)
    bare = _scene(people, "body_faces", person, placements, size)
    skin = cover(bare.pixels, bare.faces, size, size, bare.view)
    skin_front = _Hits(people, bare, skin, placements, size, 1.0)
    skin_back = _Hits(people, bare, skin, placements, size, -1.0)
    one = torch.ones(len(front.pixel), 1, device=front.pixel.device)
    mask, z_front = front.image(one)[:, 0] > 0, front.z()
    joints = torch.stack(
        [p.to_model(people.joints[who]) for who, p in zip(person, placements, strict=True)]
    )
    deep = torch.tensor([p.scale * _JOINT_DEPTH_M for p in placements], device=mask.device)
    return Views(
        albedo=front.albedo(),
        albedo_back=back.albedo(),
        normal_front=front.normals(people.faces, detailed=True),
        normal_back=back.normals(people.faces, detailed=True),
        body_front=skin_front.normals(people.body_faces, detailed=False),
        body_back=skin_back.normals(people.body_faces, detailed=False),
        z_front=z_front,
        z_back=back.z(),
        mask=mask,
        joints=joints,
        joints_visible=_visible(joints, z_front, mask, deep),
        person=tuple(person),
        placements=tuple(placements),
    )
