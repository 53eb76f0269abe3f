"""An albedo in another light."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.stages.export import FILE_FROM_OPTICAL
from pifuhd_ros.types.errors import MeshError
from pifuhd_ros.types.mesh import Mesh

AMBIENT, KEY = 0.25, 0.9
"""Light from everywhere, and of the lamp on what faces it; linear."""
_GAMMA = 2.2


def normals_towards_viewer(mesh: Mesh) -> npt.NDArray[np.float32]:
    """Normals (V, 3) of a mesh in the optical frame as x right, y up, z towards the camera.

    Raises:
        MeshError: the mesh has no normals.
    """
    if mesh.normals is None:
        raise MeshError("the mesh has no normals, so no light can be thrown on it")
    turned: npt.NDArray[np.float32] = mesh.normals @ FILE_FROM_OPTICAL.T
    return turned


def lamp_shading(
    normals: npt.NDArray[np.float32], light_xyz: tuple[float, float, float]
) -> npt.NDArray[np.float32]:
    """Shading (V, 1) of a lamp far away and a little light from everywhere.

    Args:
        normals: (V, 3) unit, x right, y up, z towards the camera.
        light_xyz: towards the lamp, in the same axes; any length but zero.

    Raises:
        ValueError: the direction is zero or not finite.
    """
    direction = np.asarray(light_xyz, dtype=np.float64)
    length = np.linalg.norm(direction)
    if not np.isfinite(length) or length == 0:
        raise ValueError(f"a light comes from a direction, not from {light_xyz}")
    facing = np.clip(normals @ (direction / length), 0, 1)[:, None]
    shading: npt.NDArray[np.float32] = ((AMBIENT + KEY * facing) ** (1 / _GAMMA)).astype(np.float32)
    return shading


def albedo_of(mesh: Mesh) -> npt.NDArray[np.uint8]:
    """The colours (V, 3) of a mesh that are its albedo.

    Raises:
        MeshError: they are none, or not the albedo.
    """
    if mesh.colors is None or mesh.shows != "albedo":
        shown = "no colours" if mesh.colors is None else f"the colours of the {mesh.shows}"
        raise MeshError(
            f"the mesh has {shown}, not its albedo: make it with pifuhd reconstruct "
            "--system phorhum --color albedo"
        )
    return mesh.colors


def relit(mesh: Mesh, shading: npt.NDArray[np.floating[Any]]) -> Mesh:
    """The mesh with its albedo multiplied by a shading, both as colours are stored.

    Args:
        mesh: its colours are the albedo.
        shading: (V, 3) or (V, 1).

    Raises:
        MeshError: its colours are none, or not the albedo.
    """
    colors = np.rint(np.clip(albedo_of(mesh) * shading, 0, 255)).astype(np.uint8)
    return replace(mesh, colors=colors, shows="shaded")
