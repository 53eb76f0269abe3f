"""The parametric body: a linear shape space, a skeleton and linear blend skinning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

BODY_FILE = Path(__file__).with_name("body.safetensors")


@dataclass(frozen=True)
class BodyModel:
    """Rest space: metres, y up, facing +z, MakeHuman's vertex order (V = 19158 with helpers)."""

    mean: torch.Tensor
    """(V + bones, 3): vertices, then bone heads."""
    basis: torch.Tensor
    """(K, V + bones, 3): one standard deviation each."""
    known_betas: torch.Tensor
    """(P, K): the sampled people that the basis was made from."""
    known_gender: torch.Tensor
    """(P,) 0 male, 1 female."""
    skin_bones: torch.Tensor
    """(V, 6) int64."""
    skin_weights: torch.Tensor
    """(V, 6), rows sum to one."""
    parents: tuple[int, ...]
    """Of each bone; -1 for the root. A parent stands before its children."""
    bones: tuple[str, ...]
    faces: torch.Tensor
    """(F, 3) int64: skin, eyes, tongue."""
    face_uvs: torch.Tensor
    """(F, 3, 2)."""

    @property
    def vertex_count(self) -> int:
        """Vertices, helpers included."""
        return len(self.skin_bones)

    def rest(self, betas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rest vertices (B, V, 3) and bone heads (B, bones, 3) of shapes betas (B, K)."""
        both = self.mean + torch.tensordot(betas, self.basis, dims=1)
        return both[:, : self.vertex_count], both[:, self.vertex_count :]

    def bone_transforms(
        self, heads: torch.Tensor, rotations: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Forward kinematics.

        Args:
            heads: (B, bones, 3) rest heads.
            rotations: (B, bones, 3, 3) relative to the parent, in the rest pose's axes.

        Returns:
            posed_from_rest (B, bones, 3, 4) and the posed heads (B, bones, 3).
        """
        turned: list[torch.Tensor] = []
        placed: list[torch.Tensor] = []
        for bone, parent in enumerate(self.parents):
            if parent < 0:
                turned.append(rotations[:, bone])
                placed.append(heads[:, bone])
                continue
            offset = heads[:, bone] - heads[:, parent]
            turned.append(turned[parent] @ rotations[:, bone])
            placed.append(placed[parent] + (turned[parent] @ offset[..., None])[..., 0])
        R, p = torch.stack(turned, 1), torch.stack(placed, 1)
        t = p - (R @ heads[..., None])[..., 0]
        return torch.cat([R, t[..., None]], -1), p

    def vertex_transforms(self, transforms: torch.Tensor) -> torch.Tensor:
        """Linear blend skinning's matrices (B, V, 3, 4) from bone transforms (B, bones, 3, 4)."""
        flat = transforms.flatten(2)
        result = torch.zeros(
            flat.shape[0], self.vertex_count, 12, dtype=flat.dtype, device=flat.device
        )
        for k in range(self.skin_bones.shape[1]):
            result += flat[:, self.skin_bones[:, k]] * self.skin_weights[:, k, None]
        return result.view(-1, self.vertex_count, 3, 4)


def apply_transforms(transforms: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Points (..., N, 3) moved by their own matrices (..., N, 3, 4)."""
    return (transforms[..., :3] @ points[..., None])[..., 0] + transforms[..., 3]


def load_body(path: Path = BODY_FILE, device: torch.device | str = "cpu") -> BodyModel:
    """Loads the baked body."""
    with safe_open(str(path), "pt", device=str(device)) as file:
        bones = tuple(file.metadata()["bones"].split(","))
        weights = file.get_tensor("skin_weights").float()
        return BodyModel(
            mean=file.get_tensor("mean"),
            basis=file.get_tensor("basis").float(),
            known_betas=file.get_tensor("betas").float(),
            known_gender=file.get_tensor("gender").float(),
            skin_bones=file.get_tensor("skin_bones").long(),
            skin_weights=weights / weights.sum(1, keepdim=True),
            parents=tuple(file.get_tensor("parents").tolist()),
            bones=bones,
            faces=file.get_tensor("faces").long(),
            face_uvs=file.get_tensor("face_uvs").float(),
        )
