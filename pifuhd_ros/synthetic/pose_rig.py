"""What posing needs of the body, found once: pairs of bones, landmarks, probes of the limbs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.body.model import BodyModel, apply_transforms
from pifuhd_ros.synthetic.gestures import LANDMARKS
from pifuhd_ros.synthetic.self_intersection import LimbProbes, limb_probes

_LANDMARK_ROW = {name: i for i, name in enumerate(LANDMARKS)}


@dataclass(frozen=True)
class PoseRig:
    """On the CPU, where poses are drawn."""

    body: BodyModel
    bones: dict[str, int]
    """Number of each bone."""
    opposite: torch.Tensor
    """(bones,) int64: the same bone of the other side."""
    landmarks: torch.Tensor
    """(2 L,) int64 vertices: the left ones in the order of LANDMARKS, then the right ones."""
    probes: LimbProbes

    def posed_landmarks(self, rest: torch.Tensor, transforms: torch.Tensor) -> torch.Tensor:
        """(2, L, 3) left and right landmarks [m] of bone transforms (bones, 3, 4)."""
        bones, weights = (x[self.landmarks] for x in (self.body.skin_bones, self.body.skin_weights))
        blended = (transforms.flatten(1)[bones] * weights[..., None]).sum(1).view(-1, 3, 4)
        return apply_transforms(blended, rest[self.landmarks]).view(2, -1, 3)


def make_pose_rig(body: BodyModel) -> PoseRig:
    """Prepares a body that lies on the CPU."""
    bones = {name: i for i, name in enumerate(body.bones)}
    swap = {".L": ".R", ".R": ".L"}
    opposite = [bones[name[:-2] + swap.get(name[-2:], name[-2:])] for name in body.bones]
    return PoseRig(
        body=body,
        bones=bones,
        opposite=torch.tensor(opposite),
        landmarks=torch.tensor(list(LANDMARKS.values())).T.flatten(),
        probes=limb_probes(body),
    )


def landmark_row(name: str) -> int:
    """Where a landmark stands in ``PoseRig.posed_landmarks``."""
    return _LANDMARK_ROW[name]
