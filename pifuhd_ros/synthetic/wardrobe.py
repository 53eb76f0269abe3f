"""What people can wear, have and do: the packed assets as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from pifuhd_ros.types import AssetError


@dataclass(frozen=True)
class Garment:
    """A mesh that hangs on the body: clothes, shoes, hair or brows."""

    name: str
    base: torch.Tensor
    """(V, 3) int64 body vertices that carry each vertex."""
    weights: torch.Tensor
    """(V, 3)."""
    offsets: torch.Tensor
    """(V, 3) metres before scaling."""
    scales: torch.Tensor
    """(3, 3) for each axis: body vertices a, b and their reference distance [m]."""
    hidden: torch.Tensor
    """(N,) int64 body vertices that it hides."""
    faces: torch.Tensor
    """(F, 3) int64."""
    face_uvs: torch.Tensor
    """(F, 3, 2)."""
    caps: torch.Tensor
    """(L, 3) int64: edge and apex number of the cones that close it."""
    texture: torch.Tensor | None
    """(3 or 4, S, S) uint8, rows from the bottom up."""
    normal_map: torch.Tensor | None
    """(3, S, S) uint8."""


@dataclass(frozen=True)
class Wardrobe:
    """All assets. Names are sorted, so that a seed means the same person everywhere."""

    outfits: tuple[Garment, ...]
    shoes: tuple[Garment, ...]
    hats: tuple[Garment, ...]
    hair: tuple[Garment, ...]
    eyebrows: tuple[Garment, ...]
    skins: tuple[tuple[str, torch.Tensor], ...]
    eyes: tuple[tuple[str, torch.Tensor], ...]
    poses: tuple[tuple[str, torch.Tensor], ...]
    """Names and rotations (frames, bones, 3, 3)."""
    body_faces: torch.Tensor
    """(F, 3) the closed skin."""
    tights_faces: torch.Tensor
    """(F, 3) helper surface around the whole body but head, hands and feet."""
    skirt_faces: torch.Tensor
    """(F, 3) helper surface of a long skirt."""


class _Pack:
    def __init__(self, path: Path, device: str) -> None:
        self._file = safe_open(str(path), "pt", device=device)
        self.keys = sorted(self._file.keys())

    def tensor(self, key: str) -> torch.Tensor:
        value: torch.Tensor = self._file.get_tensor(key)
        return value.long() if value.dtype == torch.int16 else value

    def maybe(self, key: str) -> torch.Tensor | None:
        return self.tensor(key) if key in self.keys else None

    def names(self, kind: str) -> list[str]:
        return sorted({key.split("/")[1] for key in self.keys if key.startswith(kind + "/")})

    def garment(self, kind: str, name: str) -> Garment:
        prefix = f"{kind}/{name}/"
        return Garment(
            name=name,
            base=self.tensor(prefix + "base"),
            weights=self.tensor(prefix + "weights"),
            offsets=self.tensor(prefix + "offsets"),
            scales=self.tensor(prefix + "scales"),
            hidden=self.tensor(prefix + "hidden"),
            faces=self.tensor(prefix + "faces"),
            face_uvs=self.tensor(prefix + "face_uvs").float(),
            caps=self.tensor(prefix + "caps"),
            texture=self.maybe(prefix + "texture"),
            normal_map=self.maybe(prefix + "normal_map"),
        )


def load_wardrobe(path: Path, device: torch.device | str = "cpu") -> Wardrobe:
    """Loads packed assets (``pifuhd pack-assets``). Raises AssetError where they are not there."""
    if not path.is_file():
        raise AssetError(
            f"no packed assets at {path}; make them with: pifuhd pack-assets FOLDER {path}"
        )
    pack = _Pack(path, str(device))
    clothes = [pack.garment("clothes", name) for name in pack.names("clothes")]
    return Wardrobe(
        outfits=tuple(g for g in clothes if "suit" in g.name),
        shoes=tuple(g for g in clothes if g.name.startswith("shoes")),
        hats=tuple(g for g in clothes if g.name.startswith("fedora")),
        hair=tuple(pack.garment("hair", name) for name in pack.names("hair")),
        eyebrows=tuple(pack.garment("eyebrows", name) for name in pack.names("eyebrows")),
        skins=tuple((n, pack.tensor(f"skins/{n}/texture")) for n in pack.names("skins")),
        eyes=tuple((n, pack.tensor(f"eyes/{n}/texture")) for n in pack.names("eyes")),
        poses=tuple((n, pack.tensor(f"poses/{n}/rotations")) for n in pack.names("poses")),
        body_faces=pack.tensor("base/body/faces"),
        tights_faces=pack.tensor("base/helper-tights/faces"),
        skirt_faces=pack.tensor("base/helper-skirt/faces"),
    )
