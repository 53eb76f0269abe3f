"""PHORHUM: a crop of a person to a signed distance, with albedo, normals and shading."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from pifuhd_ros.fields.engine import resolve_precision
from pifuhd_ros.fields.float32_sums import sum_in_float32
from pifuhd_ros.geometry.perspective import seen_gradients
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.phorhum import PhorhumFeatures, PhorhumNetwork
from pifuhd_ros.networks.sampling import smooth_map
from pifuhd_ros.types.crop import PersonCrop
from pifuhd_ros.types.errors import WeightsError

# Points that are evaluated at once: the layers' outputs stay in a CPU's caches, and a GPU is busy.
_CPU_CHUNK = 4096
_GPU_CHUNK = 131072


@dataclass(frozen=True)
class Appearance:
    """How points of the surface look."""

    albedo: torch.Tensor
    """(N, 3) in [0, 1], as colours are stored."""
    shading: torch.Tensor
    """(N, 3) by which the light of the photo multiplies the albedo."""
    normals: torch.Tensor
    """(N, 3) unit, outward, in space: what the light sees."""
    box_normals: torch.Tensor
    """(N, 3) unit, outward, of the surface in the model box."""


@torch.no_grad()
def prepare_phorhum(network: PhorhumNetwork, precision: str = "auto") -> PhorhumNetwork:
    """Round a network's feature extractor, in place, to a precision of fields/engine.py.

    Distances, albedo and shading stay in float32. On CUDA the process adds up in float32 from then
    on, see sum_in_float32.

    Raises:
        ValueError: there is no such precision.
    """
    device = next(network.parameters()).device
    dtype = resolve_precision(precision, device)
    if device.type == "cuda":
        sum_in_float32()
    network.trunk.to(dtype)
    return network


@torch.no_grad()
def encode_phorhum(
    network: PhorhumNetwork, crop: PersonCrop, inverse_distance: float
) -> PhorhumField:
    """Encode a crop's image features and light.

    Args:
        network: in evaluation mode; it does the work, on its device.
        crop: of side ``network.config.image_size``.
        inverse_distance: one over the camera's distance from the person [1 / model units], see
            geometry/cameras.py; 0 for an orthographic camera.

    Returns:
        The field, on the network's device.

    Raises:
        ValueError: the crop is of another side.
        WeightsError: the network's precision cannot hold the features.

    Source: Alldieck et al., PHORHUM, CVPR 2022, section 3.
    """
    size = network.config.image_size
    if tuple(crop.image.shape) != (3, size, size):
        raise ValueError(f"expected a crop (3, {size}, {size}), got {tuple(crop.image.shape)}")
    weight = network.trunk.stem.weight
    image = crop.image.to(weight.device, torch.float32)[None] * 2 - 1
    joints = torch.zeros(len(JOINTS), 4) if crop.joints is None else crop.joints
    joints = joints.to(weight.device, torch.float32)[None]
    features = network.encode(image.to(weight.dtype), joints)
    told = (features.maps, features.pixels, features.behind, features.illumination)
    if not bool(torch.stack([part.isfinite().all() for part in told]).all()):
        raise WeightsError(
            f"the network's activations do not fit into {weight.dtype}: choose the precision "
            "bfloat16 or float32 for these weights"
        )
    # Its first features are depths: between pixels of 3 cm bilinear ones would show as facets.
    features = replace(features, maps=smooth_map(features.maps, network.config.trunk_size))
    return PhorhumField(network, features, torch.tensor([inverse_distance], device=weight.device))


@dataclass(frozen=True)
class PhorhumField:
    """Signed distance of one person in space, asked for in the model box; the surface lies at 0.

    Points outside x, y ∈ [-1, 1] see the border of the crop, which is background.
    """

    network: PhorhumNetwork
    features: PhorhumFeatures
    """Of one crop."""
    inverse_distance: torch.Tensor
    """(1,) of the camera."""

    @property
    def level(self) -> float:
        """Distance on the surface."""
        return 0.0

    @property
    def inside_is_above(self) -> bool:
        """Distances are negative inside."""
        return False

    @property
    def device(self) -> torch.device:
        """Where query expects its points."""
        return self.features.maps.device

    @torch.no_grad()
    def query(self, points: torch.Tensor) -> torch.Tensor:
        """Signed distance (N,) float32 [model units] at points (N, 3) of the model box."""
        parts = self._checked(points).split(self._chunk)
        return torch.cat([self._answer(self._in_space(part))[0] for part in parts])

    def appearance(self, points: torch.Tensor) -> Appearance:
        """How points (N, 3) of the model box look, the normals from the distance's gradient."""
        parts = [self._appearance(part) for part in self._checked(points).split(self._chunk)]
        names = Appearance.__dataclass_fields__
        return Appearance(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    @torch.no_grad()
    def shaded(self, points: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
        """Colours (N, 3) in [0, 1] in the light of the photo of another surface near this one.

        Args:
            points: (N, 3), in the model box.
            normals: (N, 3) unit, outward.
        """
        parts = self._checked(points).split(self._chunk)
        albedo = torch.cat([self._answer(self._in_space(part))[1] for part in parts])
        shading = self.network.shade(normals[None], self.features.illumination)[0]
        return (albedo * shading).clamp(0, 1)

    def slopes(self, points: torch.Tensor) -> torch.Tensor:
        """Length (N,) of the distance's gradient in space at points (N, 3) of the model box.

        That of a true distance is 1 everywhere.
        """
        parts = self._checked(points).split(self._chunk)
        return torch.cat([self._gradient(self._in_space(part))[0].norm(dim=1) for part in parts])

    @property
    def _chunk(self) -> int:
        return _CPU_CHUNK if self.device.type == "cpu" else _GPU_CHUNK

    def _checked(self, points: torch.Tensor) -> torch.Tensor:
        if points.dim() != 2 or points.shape[1] != 3:
            raise ValueError(f"expected points (N, 3), got {tuple(points.shape)}")
        if points.device != self.device:
            raise ValueError(f"expected points on {self.device}, got {points.device}")
        return points.to(torch.float32)

    def _in_space(self, points: torch.Tensor) -> torch.Tensor:
        return self.network.to_space(points[None], self.inverse_distance)[0]

    def _answer(self, space: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        distance, albedo = self.network.query(self.features, space[None], self.inverse_distance)
        return distance[0], albedo[0]

    def _gradient(self, space: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The distance's gradient (N, 3), and the albedo (N, 3)."""
        with torch.enable_grad():
            space = space.detach().requires_grad_()
            distance, albedo = self._answer(space)
            (gradient,) = torch.autograd.grad(distance.sum(), space)
        return gradient, albedo.detach()

    def _appearance(self, points: torch.Tensor) -> Appearance:
        gradient, albedo = self._gradient(self._in_space(points))
        with torch.no_grad():
            normals = F.normalize(gradient, dim=1)
            inverse = self.inverse_distance
            if self.network.config.camera == "orthographic":
                inverse = torch.zeros_like(inverse)
            box = F.normalize(seen_gradients(gradient[None], points[None], inverse)[0], dim=1)
            shading = self.network.shade(normals[None], self.features.illumination)[0]
        return Appearance(albedo, shading, normals, box)
