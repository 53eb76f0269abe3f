"""The albedo of a person as two images: from the camera, and from behind in the same pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.evaluation.vertex_render import render_vertices
from pifuhd_ros.types import Mesh

_WHOLE = 0.99
"""From this cover on a pixel shows nothing but the person."""


@dataclass(frozen=True)
class AlbedoMaps:
    """Colours without light, in [0, 1] as files store them, and multiplied by ``cover``."""

    front: torch.Tensor
    """(3, H, W)."""
    back: torch.Tensor
    """(3, H, W) of the farthest surface, seen through the person."""
    cover: torch.Tensor
    """(H, W) in [0, 1], the share of each pixel that shows the person."""

    @property
    def whole(self) -> npt.NDArray[np.bool_]:
        """(H, W) the pixels that show nothing but the person: their colours are the albedo."""
        shown: npt.NDArray[np.bool_] = (self.cover >= _WHOLE).cpu().numpy()
        return shown


def render_albedo(mesh: Mesh, size: int) -> AlbedoMaps:
    """Draw a mesh's colours.

    Args:
        mesh: in model space, its colours the albedo.
        size: pixels of a side.

    Raises:
        ValueError: its colours are something else.
    """
    if mesh.colors is None or mesh.shows != "albedo":
        raise ValueError(f"expected a mesh with albedo, got one that shows {mesh.shows!r}")
    colors = torch.from_numpy(mesh.colors).float() / 255
    with_cover = torch.cat([colors, torch.ones_like(colors[:, :1])], 1)
    front, back = render_vertices(mesh, with_cover, size)
    return AlbedoMaps(front[:3], back[:3], front[3])
