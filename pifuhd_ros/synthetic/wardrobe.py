"""What people can wear, have and do: the packed assets as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from pifuhd_ros.body.model import load_body
from pifuhd_ros.synthetic.body_solid import body_solid
from pifuhd_ros.synthetic.sheet import boundary_edges, connected
from pifuhd_ros.synthetic.weave import LOGOS, weave_normal_maps, without_logos
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
    component: torch.Tensor
    """(V,) int64 which of its unconnected pieces each vertex belongs to."""
    texture: int
    """Index into Wardrobe.textures, -1 for none."""
    normal_map: int
    """The same, of its normal map."""


@dataclass(frozen=True)
class Wardrobe:
    """All assets. Names are sorted, so that a seed means the same person everywhere."""

    outfits: tuple[Garment, ...]
    shoes: tuple[Garment, ...]
    hats: tuple[Garment, ...]
    hair: tuple[Garment, ...]
    eyebrows: tuple[Garment, ...]
    skins: tuple[tuple[str, int], ...]
    """Names and indices into textures."""
    eyes: tuple[tuple[str, int], ...]
    """The same."""
    poses: tuple[tuple[str, torch.Tensor], ...]
    """Names and rotations (frames, bones, 3, 3)."""
    body_faces: torch.Tensor
    """(F, 3) the body as a solid: ``body_solid``."""
    tights_faces: torch.Tensor
    """(F, 3) helper surface around the whole body but head, hands and feet."""
    skirt_faces: torch.Tensor
    """(F, 3) helper surface of a long skirt."""
    skirt_grid: torch.Tensor
    """(rows, columns) vertices of that surface: rows from the waist down, columns from the front
    towards +x and around."""
    textures: torch.Tensor
    """(T, 4, S, S) uint8, rows from the bottom up: all colour textures and normal maps. The fourth
    channel is the opacity. Stored channels last, so that a texel is one read."""
    weaves: tuple[int, ...]
    """Indices of the normal maps that cloth without one of its own may use."""


class _Pack:
    def __init__(self, path: Path, device: str) -> None:
        self._file = safe_open(str(path), "pt", device=device)
        self.keys = sorted(self._file.keys())
        self.textures: list[torch.Tensor] = []

    def tensor(self, key: str) -> torch.Tensor:
        value: torch.Tensor = self._file.get_tensor(key)
        return value.long() if value.dtype == torch.int16 else value

    def names(self, kind: str) -> list[str]:
        return sorted({key.split("/")[1] for key in self.keys if key.startswith(kind + "/")})

    def add(self, texture: torch.Tensor) -> int:
        """Keeps a texture (3 or 4, S, S); returns its index."""
        if texture.shape[0] == 3:
            texture = torch.cat([texture, torch.full_like(texture[:1], 255)])
        self.textures.append(texture)
        return len(self.textures) - 1

    def texture(self, key: str, name: str) -> int:
        if key not in self.keys:
            return -1
        texture = self.tensor(key)
        if key.endswith("/texture"):
            texture = without_logos(texture, LOGOS.get(name, ()))
        return self.add(texture)

    def named(self, kind: str) -> tuple[tuple[str, int], ...]:
        return tuple((n, self.texture(f"{kind}/{n}/texture", n)) for n in self.names(kind))

    def garment(self, kind: str, name: str) -> Garment:
        prefix = f"{kind}/{name}/"
        faces = self.tensor(prefix + "faces")
        base = self.tensor(prefix + "base")
        return Garment(
            name=name,
            base=base,
            weights=self.tensor(prefix + "weights"),
            offsets=self.tensor(prefix + "offsets"),
            scales=self.tensor(prefix + "scales"),
            hidden=self.tensor(prefix + "hidden"),
            faces=faces,
            face_uvs=self.tensor(prefix + "face_uvs").float(),
            caps=self.tensor(prefix + "caps"),
            component=connected(len(base), faces),
            texture=self.texture(prefix + "texture", name),
            normal_map=self.texture(prefix + "normal_map", name),
        )


def _skirt_grid(faces: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Rows from the waist down are the steps of a walk over the faces from the upper rim."""
    rim = torch.unique(boundary_edges(faces))
    row = rim[mean[rim, 1] > mean[rim, 1].mean()]
    seen = row
    rows: list[torch.Tensor] = []
    while len(row):
        angle = torch.atan2(mean[row, 0], mean[row, 2])
        # Column 0 is the front's middle, whichever side rounding puts it on.
        rows.append(row[torch.remainder(angle + 0.05, 2 * torch.pi).argsort()])
        around = torch.unique(faces[torch.isin(faces, row).any(1)])
        row = around[~torch.isin(around, seen)]
        seen = torch.cat([seen, row])
    return torch.stack(rows)


def load_wardrobe(path: Path, device: torch.device | str = "cpu") -> Wardrobe:
    """Loads packed assets (``pifuhd pack-assets``). Raises AssetError where they are not there."""
    if not path.is_file():
        raise AssetError(
            f"no packed assets at {path}; make them with: pifuhd pack-assets FOLDER {path}"
        )
    pack = _Pack(path, str(device))
    clothes = [pack.garment("clothes", name) for name in pack.names("clothes")]
    hair = tuple(pack.garment("hair", name) for name in pack.names("hair"))
    eyebrows = tuple(pack.garment("eyebrows", name) for name in pack.names("eyebrows"))
    skins, eyes = pack.named("skins"), pack.named("eyes")
    skirt_faces = pack.tensor("base/helper-skirt/faces")
    body = load_body(device=device)
    size = pack.textures[0].shape[-1]
    weaves = tuple(pack.add(weave.to(device)) for weave in weave_normal_maps(size))
    return Wardrobe(
        outfits=tuple(g for g in clothes if "suit" in g.name),
        shoes=tuple(g for g in clothes if g.name.startswith("shoes")),
        hats=tuple(g for g in clothes if g.name.startswith("fedora")),
        hair=hair,
        eyebrows=eyebrows,
        skins=skins,
        eyes=eyes,
        poses=tuple((n, pack.tensor(f"poses/{n}/rotations")) for n in pack.names("poses")),
        body_faces=body_solid(body),
        tights_faces=pack.tensor("base/helper-tights/faces"),
        skirt_faces=skirt_faces,
        skirt_grid=_skirt_grid(skirt_faces, body.mean),
        textures=torch.stack(pack.textures).contiguous(memory_format=torch.channels_last),
        weaves=weaves,
    )
