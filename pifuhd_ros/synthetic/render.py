"""Draws a person as the networks see one: albedo, front and back normals, in the crop's box."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.rasterize import Coverage, cover, nearest
from pifuhd_ros.synthetic.paint import albedo_of, sample_textures, stack_paints
from pifuhd_ros.synthetic.person import Part, Person

_OPAQUE = 0.4


@dataclass(frozen=True)
class Placement:
    """Where the model box [-1, 1]^3 lies: model = (rotation @ p - centre) * scale."""

    rotation: torch.Tensor
    """(3, 3) model_from_person."""
    centre_m: torch.Tensor
    """(3,) of the box, in turned metres."""
    scale: float
    """Model units a metre."""

    def to_model(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, 3) of the person, in metres, in the model box."""
        return (points @ self.rotation.T - self.centre_m) * self.scale


@dataclass(frozen=True)
class View:
    """One orthographic view; maps are pixel-aligned with the crop (see PersonCrop)."""

    albedo: torch.Tensor
    """(3, S, S) in [0, 1], zero outside the mask."""
    normal_front: torch.Tensor
    """(3, S, S) unit, model space, z >= 0."""
    normal_back: torch.Tensor
    """(3, S, S) unit, model space, z <= 0."""
    z_front: torch.Tensor
    """(S, S) model-space z of the nearest surface, zero outside the mask."""
    z_back: torch.Tensor
    """(S, S) of the farthest surface."""
    mask: torch.Tensor
    """(S, S) bool."""
    placement: Placement


def place_person(
    person: Person,
    rotation: torch.Tensor,
    fill: float = 1 / 1.1,
    shift: tuple[float, float] = (0, 0),
) -> Placement:
    """The box in which the person's longer side fills ``fill`` of the crop.

    The box is centred on the drawn person's tight box in x and y, and on the pelvis in z, which an
    image shows better than the middle of the body's unseen depth.

    Args:
        person: Whom to place.
        rotation: (3, 3) model_from_person.
        fill: Share of the crop that the person's longer side takes.
        shift: Of the person inside the crop, as shares of the crop's half size.
    """
    used = torch.unique(torch.cat([part.faces.reshape(-1) for part in person.parts]))
    turned = person.vertices[used] @ rotation.T
    low, high = turned.amin(0), turned.amax(0)
    half = float((high - low)[:2].max()) / 2 / fill
    centre = (low + high) / 2
    centre[0] -= shift[0] * half
    centre[1] -= shift[1] * half
    centre[2] = 0
    return Placement(rotation, centre, 1 / half)


def _to_pixels(model: torch.Tensor, size: int) -> torch.Tensor:
    """Model points (N, 3) as pixel column, row and depth."""
    u = (model[:, 0] + 1) / 2 * (size - 1)
    v = (1 - model[:, 1]) / 2 * (size - 1)
    return torch.stack([u, v, -model[:, 2]], 1)


def _select(coverage: Coverage, keep: torch.Tensor) -> Coverage:
    return Coverage(
        coverage.pixel[keep],
        coverage.face[keep],
        coverage.barycentric[keep],
        coverage.depth[keep],
        coverage.is_front[keep],
    )


def _mix(values: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
    """(N, 3 corners, C) weighted by (N, 3)."""
    return (values * barycentric[..., None]).sum(1)


def _tangent_normals(
    person: Person, part: Part, face: torch.Tensor, uv: torch.Tensor, normals: torch.Tensor
) -> torch.Tensor:
    """Normals (N, 3) bent by the part's normal map."""
    a, b, c = person.vertices[part.faces[face]].unbind(1)
    ta, tb, tc = part.face_uvs[face].unbind(1)
    e1, e2 = b - a, c - a
    d1, d2 = tb - ta, tc - ta
    area = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
    sign = torch.where(area >= 0, 1.0, -1.0)[:, None]
    tangent = torch.nn.functional.normalize((e1 * d2[:, 1:] - e2 * d1[:, 1:]) * sign, dim=1)
    tangent = tangent - normals * (tangent * normals).sum(1, keepdim=True)
    bitangent = torch.linalg.cross(normals, tangent) * sign
    index = torch.full_like(face, part.normal_map)
    bend = sample_textures(person.textures, index, uv) * 2 - 1
    bent = bend[:, :1] * tangent + bend[:, 1:2] * bitangent + bend[:, 2:3].clamp(min=0.2) * normals
    return torch.nn.functional.normalize(bent, dim=1)


class _Surface:
    """The person's drawn faces, all parts in one list."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.faces = torch.cat([part.faces for part in person.parts])
        counts = [len(part.faces) for part in person.parts]
        device = self.faces.device
        self.part = torch.repeat_interleave(
            torch.arange(len(counts), device=device), torch.tensor(counts, device=device)
        )
        self.first = [sum(counts[:i]) for i in range(len(counts))]

    def of_part(self, index: int, coverage: Coverage) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of the coverage that show this part, and the part's own face numbers."""
        rows = torch.nonzero(self.part[coverage.face] == index)[:, 0]
        return rows, coverage.face[rows] - self.first[index]

    def opaque(self, coverage: Coverage) -> Coverage:
        """Without the transparent places of hair and brow cards."""
        keep = torch.ones(len(coverage.pixel), dtype=torch.bool, device=coverage.pixel.device)
        for i, part in enumerate(self.person.parts):
            if not part.is_card or part.texture < 0:
                continue
            rows, face = self.of_part(i, coverage)
            uv = _mix(part.face_uvs[face], coverage.barycentric[rows])
            index = torch.full_like(face, part.texture)
            keep[rows] = sample_textures(self.person.textures, index, uv)[:, 3] > _OPAQUE
        return _select(coverage, keep)

    def normals(self, hits: Coverage, rotation: torch.Tensor, towards: float) -> torch.Tensor:
        """Model-space normals (N, 3) at the hits, facing the viewer at z = ``towards``."""
        values = _mix(self.person.normals[self.faces[hits.face]], hits.barycentric)
        values = torch.nn.functional.normalize(values, dim=1)
        for i, part in enumerate(self.person.parts):
            if part.normal_map >= 0:
                rows, face = self.of_part(i, hits)
                uv = _mix(part.face_uvs[face], hits.barycentric[rows])
                values[rows] = _tangent_normals(self.person, part, face, uv, values[rows])
        values = values @ rotation.T
        away = values[:, 2] * towards < 0
        is_card = torch.tensor([p.is_card for p in self.person.parts], device=away.device)
        flip = away & is_card[self.part[hits.face]]
        values = torch.where(flip[:, None], -values, values)
        # A smooth normal may lean past the silhouette; what is seen cannot face away.
        z = values[:, 2:] * towards
        values = torch.cat([values[:, :2], z.clamp(min=0) * towards], 1)
        return torch.nn.functional.normalize(values, dim=1)

    def albedo(self, hits: Coverage) -> torch.Tensor:
        """(N, 3) at the hits."""
        rest = _mix(self.person.rest[self.faces[hits.face]], hits.barycentric)
        face_uvs = torch.cat([part.face_uvs for part in self.person.parts])
        uv = _mix(face_uvs[hits.face], hits.barycentric)
        parts = self.person.parts
        paints = stack_paints([p.paint for p in parts], [p.texture for p in parts], uv.device)
        return albedo_of(paints, self.person.textures, self.part[hits.face], uv, rest)


def _image(values: torch.Tensor, pixel: torch.Tensor, size: int) -> torch.Tensor:
    canvas = torch.zeros(size * size, values.shape[1], device=values.device)
    canvas[pixel] = values
    return canvas.T.reshape(-1, size, size)


def render_views(person: Person, placements: list[Placement], size: int) -> list[View]:
    """Draws the person once for each placement, all in one pass of the rasteriser.

    Args:
        person: Whom to draw.
        placements: The views.
        size: Of the square images, in pixels.
    """
    surface = _Surface(person)
    count = len(person.vertices)
    points = torch.cat([_to_pixels(p.to_model(person.vertices), size) for p in placements])
    faces = torch.cat([surface.faces + i * count for i in range(len(placements))])
    per_image = len(surface.faces)
    image = torch.arange(len(placements), device=faces.device).repeat_interleave(per_image)
    everything = cover(points, faces, size, size, image)
    everything = Coverage(
        everything.pixel,
        everything.face % per_image,
        everything.barycentric,
        everything.depth,
        everything.is_front,
    )
    everything = surface.opaque(everything)
    pixels = size * size
    front = nearest(everything, pixels * len(placements))
    from_behind = Coverage(
        everything.pixel,
        everything.face,
        everything.barycentric,
        -everything.depth,
        everything.is_front,
    )
    back = nearest(from_behind, pixels * len(placements))
    views: list[View] = []
    for i, placement in enumerate(placements):
        here = slice(i * pixels, (i + 1) * pixels)
        pixel = torch.nonzero(front[here] >= 0)[:, 0]
        near = _select(everything, front[here][pixel])
        far = _select(everything, back[here][pixel])
        views.append(
            View(
                albedo=_image(surface.albedo(near), pixel, size),
                normal_front=_image(surface.normals(near, placement.rotation, 1.0), pixel, size),
                normal_back=_image(surface.normals(far, placement.rotation, -1.0), pixel, size),
                z_front=_image(-near.depth[:, None], pixel, size)[0],
                z_back=_image(-far.depth[:, None], pixel, size)[0],
                mask=(front[here] >= 0).view(size, size),
                placement=placement,
            )
        )
    return views
