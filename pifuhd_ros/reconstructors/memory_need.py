"""How much memory a reconstruction takes, told before it begins."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.mirror_mean import mean_coarse, mean_normals
from pifuhd_ros.networks.phorhum import PhorhumConfig, PhorhumNetwork
from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork

NetworkConfig = PifuhdConfig | PhorhumConfig
"""Of any system."""
POINTS_PER_SQUARE = 5.0
"""Points that a search visits, over the square of the resolution: a person's surface, and a bit."""
BYTES_PER_VISITED_POINT = 300
"""Keys, values and cells of the search, and the mesh, measured from 256³ to 1024³."""
MARGIN = 1.25
"""What the libraries' own work space and the allocator's rounding add."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes, by what they are needed for."""

    weights: int
    """Parameters of the network."""
    encoding: int
    """Most that the image networks hold at once, the features included."""
    search: int
    """Samples and mesh of the surface."""
    query: int
    """Activations of the points that are asked for at once."""

    @property
    def work(self) -> int:
        """At most, beside the weights: the search begins when the encoding is over."""
        return int(MARGIN * max(self.encoding, self.search + self.query))

    @property
    def total(self) -> int:
        """Weights and work."""
        return self.weights + self.work


def estimate_memory(
    config: NetworkConfig,
    resolution: int,
    dtype: torch.dtype = torch.float32,
    points_at_once: int = 2**16,
) -> MemoryNeed:
    """What one person costs; nothing is computed.

    Args:
        config: the network's sizes.
        resolution: cells of the surface grid along each axis.
        dtype: of the image networks' weights and activations.
        points_at_once: most points that are asked for at once.
    """
    parameters, encoding, features = _networks(config, dtype)
    query = points_at_once * _bytes_per_point(config, dtype)
    search = int(POINTS_PER_SQUARE * resolution**2 * BYTES_PER_VISITED_POINT)
    return MemoryNeed(parameters * dtype.itemsize, encoding, features + search, query)


def _bytes_per_point(config: NetworkConfig, dtype: torch.dtype) -> int:
    """Activations of a point that is asked for."""
    if isinstance(config, PhorhumConfig):
        # Float32, four corners of the features, and all layers for the gradient at the vertices.
        return 4 * (5 * config.trunk.out_channels + 2 * config.point.layers * config.point.width)
    widths = config.coarse_mlp.channels[1:] + config.fine_mlp.channels[1:]
    # Each point may stand in a column of its own, whose terms are kept beside two layers.
    return dtype.itemsize * (sum(widths) + 2 * max(widths))


@lru_cache(maxsize=8)
def _networks(config: NetworkConfig, dtype: torch.dtype) -> tuple[int, int, int]:
    """Number of parameters, most bytes held at once while encoding, bytes of the features."""
    if isinstance(config, PhorhumConfig):
        return _phorhum(config, dtype)
    with torch.device("meta"), torch.no_grad():
        network = PifuhdNetwork(config).eval().to(dtype)
        image = torch.empty(1, 3, config.fine_size, config.fine_size, dtype=dtype)
        with _Held() as held:
            front, back = mean_normals(network, image)
            joints = image.new_zeros(1, len(JOINTS), 4)
            coarse = network.draw_coarse(mean_coarse(network, image, front, back, joints))
            fine = network.encode_fine(image, front, back)
    features = 4 * (coarse.numel() + fine.numel())
    return sum(p.numel() for p in network.parameters()), held.most, features


def _phorhum(config: PhorhumConfig, dtype: torch.dtype) -> tuple[int, int, int]:
    with torch.device("meta"), torch.no_grad():
        network = PhorhumNetwork(config).eval()
        network.trunk.to(dtype)
        image = torch.empty(1, 3, config.image_size, config.image_size, dtype=dtype)
        with _Held() as held:
            features = network.encode(image)
    kept = 4 * sum(f.numel() for f in (features.maps, features.pixels, features.behind))
    return sum(p.numel() for p in network.parameters()), held.most, kept


class _Held(TorchDispatchMode):
    """Counts the bytes of tensors that are alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._now = 0
        self._seen: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor.untyped_storage())
        return result

    def _note(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._seen:
            return
        self._seen[key] = storage.nbytes()
        self._now += storage.nbytes()
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self._now -= self._seen.pop(key)
