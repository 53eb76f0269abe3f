"""A scene of Mitsuba under construction: materials, boxes, sheets and lights around a person."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unlike.cameras import Shot
from unlike.meshes import ColouredPart, write_ply
from unlike.textures import PAINTERS, Colour, save_picture

Material = dict[str, Any]
_SAFETY_M = 0.15


def linear(colour: Sequence[float]) -> list[float]:
    """Linear light of an sRGB-like colour."""
    return [float(max(c, 0.0)) ** 2.2 for c in colour]


def matte(colour: Colour) -> Material:
    """One dull colour."""
    return {"type": "diffuse", "reflectance": {"type": "rgb", "value": linear(colour)}}


def shiny(colour: Colour, roughness: float = 0.2) -> Material:
    """Lacquer or plastic."""
    return {
        "type": "principled",
        "base_color": {"type": "rgb", "value": linear(colour)},
        "roughness": roughness,
        "specular": 0.6,
    }


def metal(colour: Colour, roughness: float = 0.3) -> Material:
    """Bare metal."""
    return {**shiny(colour, roughness), "metallic": 1.0}


def _moved(
    at: Sequence[float], half: Sequence[float], yaw_deg: float = 0.0
) -> npt.NDArray[np.float64]:
    """(4, 4): first grown, then turned about y, then moved."""
    s, c = math.sin(math.radians(yaw_deg)), math.cos(math.radians(yaw_deg))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) * np.asarray(half)
    matrix[:3, 3] = at
    return matrix


@dataclass
class Stage:
    """What is put around a person; all in the shot's space, in metres."""

    folder: Path
    """Where pictures and meshes go."""
    shot: Shot
    reach_m: float
    """Nothing of the person is farther from the y axis."""
    random: np.random.Generator
    scene: dict[str, Any] = field(default_factory=lambda: {"type": "scene"})

    @property
    def distance_m(self) -> float:
        """Of the camera from the person, along the floor."""
        return float(self.shot.position_m[2])

    def pick(self, low: float, high: float) -> float:
        """One number in [low, high)."""
        return float(self.random.uniform(low, high))

    def colour(self, low: float = 0.1, high: float = 0.9, vivid: float = 0.5) -> Colour:
        """Any colour; ``vivid`` 0 is grey."""
        value = self.random.uniform(low, high, 3)
        r, g, b = (value.mean() + vivid * (value - value.mean())).clip(0.02, 0.98).tolist()
        return r, g, b

    def add(self, thing: dict[str, Any]) -> None:
        """Puts something into the scene."""
        self.scene[f"thing{len(self.scene):03d}"] = thing

    def painted(
        self, painter: str, colour: Colour, repeat: tuple[float, float] = (1, 1), gloss: float = 0.0
    ) -> Material:
        """A material with a picture, which is written now.

        Args:
            painter: see ``PAINTERS``.
            colour: its main colour.
            repeat: how often along u and v.
            gloss: 0 is dull, 1 mirrors.
        """
        name = f"picture{len(list(self.folder.glob('picture*.png'))):03d}.png"
        save_picture(PAINTERS[painter](self.random, colour), str(self.folder / name))
        picture = {
            "type": "bitmap",
            "filename": name,
            "to_uv": np.diag([*repeat, 1.0, 1.0]).tolist(),
        }
        if gloss == 0:
            return {"type": "diffuse", "reflectance": picture}
        return {
            "type": "principled",
            "base_color": picture,
            "roughness": 1 - gloss,
            "specular": 0.3 + 0.5 * gloss,
        }

    def box(
        self,
        at: Sequence[float],
        size: Sequence[float],
        material: Material,
        yaw_deg: float = 0.0,
    ) -> None:
        """A box that stands on ``at``: the middle of its lower side."""
        half = [0.5 * s for s in size]
        middle = [at[0], at[1] + half[1], at[2]]
        matrix = _moved(middle, half, yaw_deg)
        self.add({"type": "cube", "to_world": matrix.tolist(), "bsdf": material})

    def ball(self, at: Sequence[float], radius: float, material: Material) -> None:
        """A ball around a point."""
        thing = {"type": "sphere", "center": list(at), "radius": radius, "bsdf": material}
        self.add(thing)

    def sheet(
        self,
        at: Sequence[float],
        facing: Sequence[float],
        size: tuple[float, float],
        material: Material | None = None,
        radiance: Sequence[float] | None = None,
    ) -> None:
        """A rectangle seen from both sides, or one that shines to the side that it faces.

        Args:
            at: its middle.
            facing: direction of its front.
            size: along the horizontal and along the other direction.
            material: of a dark one.
            radiance: linear, of a shining one.
        """
        front = np.asarray(facing, np.float64) / np.linalg.norm(facing)
        beside = np.array([0.0, 1.0, 0.0]) if abs(front[1]) < 0.9 else np.array([0.0, 0.0, -1.0])
        across = np.cross(beside, front)
        across /= np.linalg.norm(across)
        matrix = np.eye(4)
        matrix[:3, 0] = across * size[0] / 2
        matrix[:3, 1] = np.cross(front, across) * size[1] / 2
        matrix[:3, 2], matrix[:3, 3] = front, at
        thing: dict[str, Any] = {"type": "rectangle", "to_world": matrix.tolist()}
        if radiance is not None:
            value = {"type": "rgb", "value": list(radiance)}
            thing["emitter"] = {"type": "area", "radiance": value}
            thing["bsdf"] = matte((0.0, 0.0, 0.0))
        else:
            thing["bsdf"] = {"type": "twosided", "bsdf": material}
        self.add(thing)

    def bulb(self, at: Sequence[float], radius: float, radiance: Sequence[float]) -> None:
        """A shining ball."""
        value = {"type": "rgb", "value": list(radiance)}
        emitter = {"type": "area", "radiance": value}
        self.add({"type": "sphere", "center": list(at), "radius": radius, "emitter": emitter})

    def is_free(self, x: float, z: float, radius: float) -> bool:
        """Whether something so large hides nothing of the person and does not touch them."""
        room = self.reach_m + radius + _SAFETY_M
        if math.hypot(x, z) < room:
            return False
        return z < 0 or abs(x) > room

    def person(self, parts: Sequence[ColouredPart], textures: npt.NDArray[np.uint8]) -> None:
        """Puts the person into the scene.

        Args:
            parts: of the person, person space.
            textures: (T, 4, S, S), rows from the bottom up, which hold the normal maps.
        """
        for number, part in enumerate(parts):
            name = f"person{number:02d}.ply"
            matrix = np.eye(4)
            matrix[:3, :3], matrix[1, 3] = self.shot.turn, self.shot.floor_m
            write_ply(part, self.folder / name)
            material = _person_material(part.kind)
            if part.normal_map >= 0:
                picture = f"normals{part.normal_map:03d}.png"
                rows = textures[part.normal_map, :3, ::-1].transpose(1, 2, 0)
                Image.fromarray(np.ascontiguousarray(rows)).save(self.folder / picture)
                bitmap = {"type": "bitmap", "filename": picture, "raw": True}
                material = {"type": "normalmap", "normalmap": bitmap, "bsdf": material}
            self.scene[f"person{number:02d}"] = {
                "type": "ply",
                "filename": name,
                "to_world": matrix.tolist(),
                "bsdf": {"type": "twosided", "bsdf": material},
            }

    def write(self, path: Path, samples: int, bounces: int) -> None:
        """Writes the scene with its camera.

        Args:
            path: of the JSON.
            samples: paths a pixel.
            bounces: of each path.
        """
        shot = self.shot
        right, up, backward = shot.axes
        matrix = np.eye(4)
        # Mitsuba's cameras have their left, up and forward axes as columns.
        matrix[:3] = np.stack([-right, up, -backward, shot.position_m], axis=1)
        fov_deg = math.degrees(2 * math.atan(shot.height_px / 2 / shot.focal_px))
        scene = {
            **self.scene,
            "integrator": {"type": "path", "max_depth": bounces},
            "sensor": {
                "type": "perspective",
                "fov": fov_deg,
                "fov_axis": "y",
                "to_world": matrix.tolist(),
                "film": {
                    "type": "hdrfilm",
                    "width": shot.width_px,
                    "height": shot.height_px,
                    "rfilter": {"type": "box"},
                },
                "sampler": {"type": "independent", "sample_count": samples},
            },
        }
        path.write_text(json.dumps(scene), encoding="utf-8")


def _person_material(kind: str) -> Material:
    colour = {"type": "mesh_attribute", "name": "vertex_color"}
    shown = {"type": "principled", "base_color": colour}
    if kind == "skin":
        return {**shown, "roughness": 0.45, "specular": 0.45}
    if kind == "eyes":
        return {**shown, "roughness": 0.1, "specular": 0.6}
    if kind == "card":
        return {**shown, "roughness": 0.4, "specular": 0.5}
    return {**shown, "roughness": 0.85, "specular": 0.2, "sheen": 0.4}
