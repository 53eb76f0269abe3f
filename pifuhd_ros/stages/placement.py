"""From the crop's model space to metres in the camera's optical frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.geometry.cameras import camera_from_fov, rays_through_pixels
from pifuhd_ros.geometry.crop_transforms import (
    apply_transform,
    crop_from_model,
    middle_of_seen,
)
from pifuhd_ros.stages.body_pose import stands_upright, stature_px
from pifuhd_ros.types import Camera, Frame, Mesh, PersonCrop, PersonDetection, ScaleSource

DEFAULT_STATURE_M = 1.70
DEFAULT_VERTICAL_FOV_DEG = 60.0
PLAUSIBLE_STATURE_M = (0.5, 2.3)
"""A depth image that makes the person smaller or taller is not believed."""

_MIN_DEPTH_SAMPLES = 100
_MIN_DEPTH_SHARE = 0.3
_MAX_DEPTH_SPREAD = 0.15
# Nothing comes nearer than a tenth of the distance of the person's middle.
_MAX_NEARING = 0.9
_STEP = 1e-3


@dataclass(frozen=True)
class Placement:
    """A mesh in the world."""

    mesh: Mesh
    """In metres in the camera's optical frame: x right, y down, z forward (REP-103)."""
    scale_source: ScaleSource
    camera: Camera
    """The camera used: the frame's, or a guess."""
    distance_m: float
    """From the camera to the middle of the person."""
    notices: tuple[str, ...]
    """What is guessed, in sentences."""


def place_in_camera(
    mesh: Mesh,
    crop: PersonCrop,
    frame: Frame,
    detection: PersonDetection | None = None,
    *,
    stature_m: float = DEFAULT_STATURE_M,
    vertical_fov_deg: float = DEFAULT_VERTICAL_FOV_DEG,
) -> Placement:
    """Put a mesh where the person stands, so that its image is the person's image.

    Each vertex lies exactly on the ray through its own pixel of the frame (lens distortion
    included), at a depth that follows its model z: the networks' box is orthographic but aligned
    with the pixels, so a rigid placement would miss the image by the person's depth over their
    distance, several per cent. Depth is measured along the ray through the middle of what is seen
    of the person, in which direction they were seen. For one who stands whole in the image it is
    the middle of the crop; of one cut off near the camera the crop's middle may lie far beyond the
    image's border, and the body would lean by as much.

    One scale is left, the distance. It comes from the frame's depth image where that is dense,
    consistent and gives a plausible height; else the person is taken to be ``stature_m`` tall:
    the mesh's vertical extent for one who stands upright and whole, else a length estimated from
    the keypoints (see ``stature_px``).

    Args:
        mesh: in model space.
        crop: what the mesh was made from.
        frame: what the crop was made from.
        detection: the person; None where only a mesh is known, taken as upright and whole.
        stature_m: assumed height of the standing person.
        vertical_fov_deg: assumed where the frame has no camera.

    Returns:
        The placed mesh; its normals are turned with it, colours and faces are the mesh's.
    """
    notices: list[str] = []
    camera = frame.camera
    if camera is None:
        height, width = frame.rgb.shape[:2]
        camera = camera_from_fov(vertical_fov_deg, width, height)
    if camera.is_guess:
        notices.append(
            "The camera is not calibrated; with an assumed focal length of "
            f"{camera.K[1, 1]:.0f} px the distance is approximate."
        )
    view = _View.of(camera, crop)
    middle_z = float((mesh.vertices[:, 2].min() + mesh.vertices[:, 2].max()) / 2)
    points = view.points_at_unit_distance(mesh.vertices, middle_z)
    standing, height_notice = _standing_height(view, points, detection)
    scale_source: ScaleSource = "stature_prior"
    distance_m = stature_m / standing
    if frame.depth_m is not None:
        measured_m, depth_notice = _distance_by_depth(view, points, mesh, crop, frame.depth_m)
        low, high = PLAUSIBLE_STATURE_M
        if measured_m is not None and not low <= measured_m * standing <= high:
            depth_notice = (
                f"By the depth image the person would be {measured_m * standing:.2f} m tall; "
                "it is not used."
            )
            measured_m = None
        if measured_m is not None:
            scale_source, distance_m = "depth", measured_m
        if depth_notice:
            notices.append(depth_notice)
    if scale_source == "stature_prior" and height_notice:
        notices.append(height_notice)
    normals = None
    if mesh.normals is not None:
        normals = view.turn_normals(mesh.vertices, mesh.normals, middle_z)
    placed = replace(mesh, vertices=(distance_m * points).astype(np.float32), normals=normals)
    return Placement(placed, scale_source, camera, distance_m, tuple(notices))


@dataclass(frozen=True)
class _View:
    """How a crop looks into the world, at unit distance."""

    camera: Camera
    frame_from_model: npt.NDArray[np.float64]
    """(3, 3): homogeneous frame pixel = frame_from_model @ (x, y, 1) of model space."""
    axis: npt.NDArray[np.float64]
    """(3,) unit vector through the middle of what is seen of the person."""
    up: npt.NDArray[np.float64]
    """(3,) unit vector of model y in the world."""
    unit: float
    """Length of one model unit at unit distance."""

    @classmethod
    def of(cls, camera: Camera, crop: PersonCrop) -> _View:
        frame_from_model = crop.image_from_crop @ crop_from_model(crop.mask.shape[-1])
        middle = middle_of_seen(crop.mask.numpy())
        (ray,) = rays_through_pixels(camera, apply_transform(frame_from_model, middle[None]))
        axis = ray / np.linalg.norm(ray)
        view = cls(camera, frame_from_model, axis, np.zeros(3), 1.0)
        right, left, top, bottom = view.on_unit_plane(
            middle + np.array([[_STEP, 0], [-_STEP, 0], [0, _STEP], [0, -_STEP]])
        )
        across, upward = (right - left) / (2 * _STEP), (top - bottom) / (2 * _STEP)
        lengths = np.linalg.norm(across), np.linalg.norm(upward)
        return cls(
            camera=camera,
            frame_from_model=frame_from_model,
            axis=axis,
            up=upward / lengths[1],
            unit=float(lengths[0] + lengths[1]) / 2,
        )

    def on_unit_plane(self, xy: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Points (N, 3) where the rays of model points (N, 2) reach depth 1 along the axis."""
        rays = rays_through_pixels(self.camera, apply_transform(self.frame_from_model, xy))
        points: npt.NDArray[np.float64] = rays / (rays @ self.axis)[:, None]
        return points

    def depths(self, z: npt.NDArray[Any], middle_z: float) -> npt.NDArray[np.float64]:
        """Depth (N,) along the axis of model z; the middle of the person at 1."""
        nearing = self.unit * (z.astype(np.float64) - middle_z)
        return 1.0 - np.minimum(nearing, _MAX_NEARING)

    def points_at_unit_distance(
        self, vertices: npt.NDArray[np.float32], middle_z: float
    ) -> npt.NDArray[np.float64]:
        """Vertices (V, 3) in the optical frame, to be scaled by the distance."""
        return self.on_unit_plane(vertices[:, :2]) * self.depths(vertices[:, 2], middle_z)[:, None]

    def turn_normals(
        self,
        vertices: npt.NDArray[np.float32],
        normals: npt.NDArray[np.float32],
        middle_z: float,
    ) -> npt.NDArray[np.float32]:
        """Normals (V, 3) by the inverse transposed Jacobian of the placement."""
        xy = vertices[:, :2].astype(np.float64)
        depths = self.depths(vertices[:, 2], middle_z)[:, None]
        here = self.on_unit_plane(xy)
        along_x = (self.on_unit_plane(xy + np.array([_STEP, 0])) - here) / _STEP * depths
        along_y = (self.on_unit_plane(xy + np.array([0, _STEP])) - here) / _STEP * depths
        along_z = -self.unit * here
        # The columns of the cofactor matrix: as the inverse transposed, but never singular.
        turned = (
            normals[:, :1] * np.cross(along_y, along_z)
            + normals[:, 1:2] * np.cross(along_z, along_x)
            + normals[:, 2:] * np.cross(along_x, along_y)
        )
        unit: npt.NDArray[np.float32] = (
            turned / np.linalg.norm(turned, axis=1, keepdims=True)
        ).astype(np.float32)
        return unit


def _standing_height(
    view: _View, points: npt.NDArray[np.float64], detection: PersonDetection | None
) -> tuple[float, str | None]:
    """Height of the standing person at unit distance, and what to say about it."""
    along = points @ view.up
    extent = float(along.max() - along.min())
    if detection is None or (stands_upright(detection) and not detection.is_cut_off):
        return extent, None
    estimate_px = stature_px(detection)
    if estimate_px is None:
        return extent, "The person is cut off, and the scale takes what is seen for the whole."
    px_per_model_unit = float(np.abs(view.frame_from_model[1, 1]))
    return (
        view.unit * estimate_px / px_per_model_unit,
        "The person does not stand upright and whole in the image; the height was estimated "
        "from the pose, so the scale is approximate.",
    )


def _distance_by_depth(
    view: _View,
    points: npt.NDArray[np.float64],
    mesh: Mesh,
    crop: PersonCrop,
    depth_m: npt.NDArray[np.float32],
) -> tuple[float | None, str | None]:
    """The distance at which the mesh's visible side meets the depth image; or why there is none."""
    if mesh.seen is not None:
        visible = mesh.seen
    else:
        visible = np.ones(len(mesh.vertices), bool)
        if mesh.normals is not None:
            visible = mesh.normals[:, 2] > 0
    height, width = depth_m.shape
    pixels = apply_transform(view.frame_from_model, mesh.vertices[visible, :2])
    columns, rows = np.rint(pixels).astype(np.int64).T
    in_frame = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    measured = depth_m[rows[in_frame], columns[in_frame]].astype(np.float64)
    is_known = np.isfinite(measured) & (measured > 0)
    if is_known.sum() < max(_MIN_DEPTH_SAMPLES, _MIN_DEPTH_SHARE * np.count_nonzero(visible)):
        return None, "The depth image has too few values on the person; it is not used."
    ratios = measured[is_known] / points[visible][in_frame][is_known, 2]
    low, median, high = np.percentile(ratios, [25, 50, 75])
    if (high - low) / median > _MAX_DEPTH_SPREAD:
        return None, "The depth image does not fit the person's shape; it is not used."
    return float(median), None
