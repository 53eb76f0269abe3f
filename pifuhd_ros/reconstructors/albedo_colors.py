"""Colours of the albedo system for a surface that another system found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.fields.phorhum import PhorhumField, encode_phorhum, prepare_phorhum
from pifuhd_ros.geometry.crop_transforms import apply_transform, crop_from_model
from pifuhd_ros.networks.phorhum import PhorhumNetwork
from pifuhd_ros.networks.weights import load_phorhum
from pifuhd_ros.types import Mesh, PersonCrop, WeightsError


def stored_colors(colors: torch.Tensor) -> npt.NDArray[np.uint8]:
    """Colours (V, 3) in [0, 1] as bytes."""
    stored: npt.NDArray[np.uint8] = (255.0 * colors).round().clamp(0, 255).byte().cpu().numpy()
    return stored


@dataclass(frozen=True)
class ColoredView:
    """What the albedo system knows of one person."""

    distance: PhorhumField
    crop: PersonCrop
    """What it saw."""

    def colors_of(self, mesh: Mesh, crop: PersonCrop) -> npt.NDArray[np.uint8]:
        """Albedo in the light of the photo (V, 3) sRGB, at the vertices of any mesh of the person.

        Args:
            mesh: in the model space of ``crop``, with normals.
            crop: any of the same frame.

        Raises:
            ValueError: the mesh has no normals.
        """
        if mesh.normals is None:
            raise ValueError("light falls on a surface by its normals, and the mesh has none")
        own_from_other = np.linalg.inv(_frame_from_model(self.crop)) @ _frame_from_model(crop)
        points = np.column_stack(
            [
                apply_transform(own_from_other, mesh.vertices[:, :2]),
                own_from_other[0, 0] * mesh.vertices[:, 2],
            ]
        )
        device = self.distance.device
        colors = self.distance.shaded(
            torch.from_numpy(points.astype(np.float32)).to(device),
            torch.from_numpy(mesh.normals).to(device),
        )
        return stored_colors(colors)


class AlbedoColors:
    """The network of the albedo system, loaded to colour what the camera did not see."""

    def __init__(self, network: PhorhumNetwork, precision: str) -> None:
        """Take over a loaded network.

        Args:
            network: on its device; prepared for inference in place.
            precision: of its image networks, see ReconstructionSettings.
        """
        self.network = prepare_phorhum(network, precision)

    @classmethod
    def load(cls, weights: str | Path | None, device: torch.device, precision: str) -> AlbedoColors:
        """Read its weights; None for those that the package ships.

        Raises:
            WeightsError: the file is missing, damaged or of another network.
        """
        try:
            network = load_phorhum(weights)
        except WeightsError as error:
            raise WeightsError(
                f"the colours photo+albedo need phorhum's weights (albedo_weights): {error}"
            ) from error
        return cls(network.to(device), precision)

    @property
    def crop_size(self) -> int:
        """Side of the crops that it looks at [px]."""
        return self.network.config.image_size

    def look_at(self, crop: PersonCrop, inverse_distance: float) -> ColoredView:
        """Encode a person.

        Args:
            crop: framed around the mask, of side ``crop_size``.
            inverse_distance: one over the camera's distance [1 / model units].

        Raises:
            ValueError: the crop is of another side.
        """
        return ColoredView(encode_phorhum(self.network, crop, inverse_distance), crop)


def _frame_from_model(crop: PersonCrop) -> npt.NDArray[np.float64]:
    """(3, 3): pixels of the frame from x, y of the crop's model space."""
    return crop.image_from_crop @ crop_from_model(crop.mask.shape[-1])
