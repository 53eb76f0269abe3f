"""Scans as people, so that the same code draws and samples them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.synthetic.paint import OPAQUE, Paint, stack_paints
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.sheet import vertex_normals
from pifuhd_ros.types import Scan

PELVIS_HEIGHT = 0.53
"""Of the whole height, above the ground; the scan's middle in x and z stands for its place there.
In the generator's bodies the pelvis joint lies at 0.52 to 0.55."""


def scan_people(
    scans: Sequence[Scan], joint_count: int, device: torch.device | str = "cpu"
) -> People:
    """Scans as a batch of people: one part a material, no body under the clothes, no joints.

    Args:
        scans: Whom; a scan may be there several times.
        joint_count: How many joints a generated person has.
        device: Where the tensors go.
    """
    first = list(accumulate((len(scan.vertices) for scan in scans), initial=0))
    parts = list(accumulate((len(scan.tints) for scan in scans), initial=0))

    def stacked(name: str) -> torch.Tensor:
        return torch.from_numpy(np.concatenate([getattr(scan, name) for scan in scans])).to(device)

    def joined(rows: list[torch.Tensor]) -> torch.Tensor:
        none = torch.zeros(0, 3, dtype=torch.int64)
        return torch.cat([none, *rows]).to(device)

    drawn = [torch.from_numpy(scan.faces) + i for scan, i in zip(scans, first, strict=False)]
    caps = [torch.from_numpy(scan.caps) + i for scan, i in zip(scans, first, strict=False)]
    closed = [row for i, scan in enumerate(scans) if scan.is_surface for row in (drawn[i], caps[i])]
    loose = [drawn[i] for i, scan in enumerate(scans) if not scan.is_surface]
    boxes = [_box(scan) for scan in scans]
    heights = torch.tensor([float(high[1] - low[1]) for low, high in boxes])
    pelvis = np.stack([(low + high) / 2 for low, high in boxes])
    pelvis[:, 1] = [low[1] + PELVIS_HEIGHT * (high[1] - low[1]) for low, high in boxes]
    counts = torch.tensor(first).diff()
    origin = torch.from_numpy(pelvis).float().repeat_interleave(counts, 0).to(device)
    vertices = stacked("vertices") - origin
    faces = joined(drawn)
    textures, index = _textures(scans)
    none = torch.zeros(0, 3, dtype=torch.int64, device=device)
    return People(
        vertices=vertices,
        rest=vertices,
        normals=vertex_normals(vertices, faces),
        first_vertex=tuple(first),
        faces=faces,
        face_uvs=stacked("face_uvs"),
        face_part=torch.cat(
            [
                torch.from_numpy(scan.face_material) + i
                for scan, i in zip(scans, parts, strict=False)
            ]
        ).to(device),
        paints=stack_paints(
            [
                Paint((float(r), float(g), float(b)), 1.0)
                for scan in scans
                for r, g, b in scan.tints
            ],
            index,
            device,
        ),
        normal_map=torch.full((parts[-1],), -1, device=device),
        is_card=torch.tensor([card for scan in scans for card in _cards(scan)], device=device),
        textures=textures.to(device),
        closed_faces=joined(closed),
        open_faces=joined(loose),
        body_faces=none,
        joints=torch.full((len(scans), joint_count, 3), torch.nan, device=device),
        stature_m=heights.to(device),
        colours=_colours(scans, device),
    )


def _box(scan: Scan) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    used = scan.vertices[scan.faces.reshape(-1)]
    return used.min(0), used.max(0)


def _cards(scan: Scan) -> list[bool]:
    """Of each material: whether it shows its inner side, through holes of mesh or texture."""
    has_holes = not scan.is_surface or len(scan.caps) > 0
    return [
        has_holes or (texture is not None and bool((texture[3] < 255 * OPAQUE).any()))
        for texture in scan.textures
    ]


def _textures(scans: Sequence[Scan]) -> tuple[torch.Tensor, list[int]]:
    """Each texture once (T, 4, S, S), and its number, or -1, for each material of each scan."""
    number: dict[int, int] = {}
    found: list[torch.Tensor] = []
    index: list[int] = []
    for scan in scans:
        for texture in scan.textures:
            if texture is None:
                index.append(-1)
                continue
            if id(texture) not in number:
                number[id(texture)] = len(found)
                found.append(torch.from_numpy(texture))
            index.append(number[id(texture)])
    white = torch.full((4, 1, 1), 255, dtype=torch.uint8)
    return torch.stack(found or [white]), index


def _colours(scans: Sequence[Scan], device: torch.device | str) -> torch.Tensor | None:
    if all(scan.colours is None for scan in scans):
        return None
    rows = [np.ones_like(scan.vertices) if scan.colours is None else scan.colours for scan in scans]
    return torch.from_numpy(np.concatenate(rows)).to(device)
