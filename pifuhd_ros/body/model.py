"""The parametric body: a linear shape space, a skeleton and linear blend skinning."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

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
    expression_names: tuple[str, ...]
    """Of the E facial actions, such as jawOpen; Left and Right are the person's own."""
    expression_vertices: torch.Tensor
    """(M,) int64: those that any action moves."""
    expressions: torch.Tensor
    """(E, M, 3) offsets [m] of a full action, in rest space."""
    face_region: torch.Tensor
    """(R,) int64: skin vertices from the chin to the hairline, from ear to ear."""
    joint_names: tuple[str, ...]
    """COCO's 17, head_top, hands (middle knuckles) and toes (tips of the big ones)."""
    joint_rows: torch.Tensor
    """(J,) int64 into vertices, then bone heads."""
    coarse_vertices: torch.Tensor
    """(C,) int64: vertices that stand for the skin around them."""
    coarse_faces: torch.Tensor
    """(G, 3) int64 into ``coarse_vertices``: the skin with few faces, still closed."""

    @property
    def vertex_count(self) -> int:
        """Vertices, helpers included."""
        return len(self.skin_bones)

    @cached_property
    def _levels(self) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
        """Bones of each depth of the tree, and their parents' places in the depth before."""
        device = self.mean.device
        levels: list[tuple[torch.Tensor, torch.Tensor]] = []
        above = [-1]
        while len(children := [i for i, p in enumerate(self.parents) if p in above]) > 0:
            places = [above.index(self.parents[i]) for i in children]
            levels.append(
                (torch.tensor(children, device=device), torch.tensor(places, device=device))
            )
            above = children
        return tuple(levels)

    @cached_property
    def _bone_order(self) -> torch.Tensor:
        """Where each bone stands once the levels are put one after the other."""
        return torch.cat([bones for bones, _ in self._levels]).argsort()

    def to(self, device: torch.device | str) -> BodyModel:
        """The same body on a device."""
        moved: dict[str, Any] = {
            field.name: value.to(device)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), torch.Tensor)
        }
        return replace(self, **moved)

    def rest(
        self, betas: torch.Tensor, expression: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The unposed body.

        Args:
            betas: (B, K) shapes, in standard deviations.
            expression: (B, E) how far each facial action goes, 0 to 1; None is a neutral face.

        Returns:
            Vertices (B, V, 3) and bone heads (B, bones, 3).
        """
        both = self.mean + torch.tensordot(betas, self.basis, dims=1)
        vertices, heads = both[:, : self.vertex_count], both[:, self.vertex_count :]
        if expression is not None:
            moved = torch.tensordot(expression, self.expressions, dims=1)
            vertices = vertices.index_add(1, self.expression_vertices, moved)
        return vertices, heads

    def body_joints(self, vertices: torch.Tensor, heads: torch.Tensor) -> torch.Tensor:
        """Joints (B, J, 3), named by ``joint_names``.

        Args:
            vertices: (B, V, 3), posed or not.
            heads: (B, bones, 3) in the same space.
        """
        return torch.cat([vertices, heads], 1)[:, self.joint_rows]

    def bone_transforms(
        self, heads: torch.Tensor, rotations: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Forward kinematics, all bones of one depth at once.

        Args:
            heads: (B, bones, 3) rest heads.
            rotations: (B, bones, 3, 3) relative to the parent, in the rest pose's axes.

        Returns:
            posed_from_rest (B, bones, 3, 4) and the posed heads (B, bones, 3).
        """
        root = self._levels[0][0]
        turned, placed = [rotations[:, root]], [heads[:, root]]
        for (above, _), (bones, places) in pairwise(self._levels):
            turn = turned[-1][:, places]
            offset = heads[:, bones] - heads[:, above[places]]
            turned.append(turn @ rotations[:, bones])
            placed.append(placed[-1][:, places] + (turn @ offset[..., None])[..., 0])
        R = torch.cat(turned, 1)[:, self._bone_order]
        p = torch.cat(placed, 1)[:, self._bone_order]
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
        metadata = file.metadata()
        weights = file.get_tensor("skin_weights").float()
        moved = file.get_tensor("expression_vertices").long()
        names = tuple(metadata["expressions"].split(","))
        expressions = torch.zeros(len(names), len(moved), 3, device=device)
        action = file.get_tensor("expression_actions").long()
        place = file.get_tensor("expression_places").long()
        expressions[action, place] = file.get_tensor("expression_offsets").float()
        return BodyModel(
            mean=file.get_tensor("mean"),
            basis=file.get_tensor("basis").float(),
            known_betas=file.get_tensor("betas").float(),
            known_gender=file.get_tensor("gender").float(),
            skin_bones=file.get_tensor("skin_bones").long(),
            skin_weights=weights / weights.sum(1, keepdim=True),
            parents=tuple(file.get_tensor("parents").tolist()),
            bones=tuple(metadata["bones"].split(",")),
            faces=file.get_tensor("faces").long(),
            face_uvs=file.get_tensor("face_uvs").float(),
            expression_names=names,
            expression_vertices=moved,
            expressions=expressions,
            face_region=file.get_tensor("face_region").long(),
            joint_names=tuple(metadata["joints"].split(",")),
            joint_rows=file.get_tensor("joint_rows").long(),
            coarse_vertices=file.get_tensor("coarse_vertices").long(),
            coarse_faces=file.get_tensor("coarse_faces").long(),
        )
