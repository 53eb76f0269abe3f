"""From the model space of a crop to the space in which the truth lies.

A system sees a crop and answers in the crop's model space: pixel-aligned, so that x and y are where
a point is *seen*, and z is its height towards the camera over the pelvis in the same unit. The
truth lies in photo space: the photo's own box, x and y where a point *is*. From one to the other
lead a similarity of the image plane, the same scale along z, and the camera's perspective.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps
from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.systems import Prediction
from pifuhd_ros.geometry.crop_transforms import apply_transform, crop_from_model, middle_of_seen
from pifuhd_ros.geometry.rotations import matrix_from_axis_angle
from pifuhd_ros.types import Mesh, NormalMaps, PersonCrop


def from_model(points: npt.NDArray[np.float64], inverse_distance: float) -> npt.NDArray[np.float64]:
    """Undo the perspective of pixel-aligned points.

    A camera at distance d sees (x, y, z) at (x, y) / (1 - z / d).

    Args:
        points: (N, 3), x and y as they are seen, relative to the optical axis.
        inverse_distance: 1 / d in the same unit; 0 for an orthographic camera.

    Returns:
        (N, 3), x and y as they are.
    """
    shrink = 1.0 - points[:, 2:] * inverse_distance
    return np.concatenate([points[:, :2] * shrink, points[:, 2:]], axis=1)


def prediction_in_photo(prediction: Prediction, crop: PersonCrop, truth: GroundTruth) -> Prediction:
    """The prediction where the truth is: mesh and light in photo space, maps in the photo's pixels.

    Args:
        prediction: of the crop.
        crop: of the truth's photo.
        truth: whose photo it is.
    """
    albedo, light = prediction.albedo, prediction.light
    return replace(
        prediction,
        mesh=mesh_in_photo(prediction.mesh, crop, truth),
        normals=normals_in_photo(prediction.normals, crop, truth.mask.shape),
        albedo=None if albedo is None else albedo_in_photo(albedo, crop, truth.mask.shape),
        light=None if light is None else photo_from_crop_axes(crop, truth) @ light,
    )


def mesh_in_photo(mesh: Mesh, crop: PersonCrop, truth: GroundTruth) -> Mesh:
    """A mesh of the crop's model space in photo space; its normals and colours are dropped."""
    seen_from_model = (
        np.linalg.inv(truth.image_from_model)
        @ crop.image_from_crop
        @ crop_from_model(crop.mask.shape[-1])
    )
    vertices = mesh.vertices.astype(np.float64)
    seen = np.concatenate(
        [
            apply_transform(seen_from_model, vertices[:, :2]),
            vertices[:, 2:] * seen_from_model[0, 0],
        ],
        axis=1,
    )
    return Mesh(from_model(seen, truth.inverse_distance).astype(np.float32), mesh.faces)


def normals_in_photo(normals: NormalMaps, crop: PersonCrop, shape: tuple[int, ...]) -> NormalMaps:
    """Maps in the crop's pixels resampled to the photo's (H, W); zero beyond the crop."""
    maps_from_image = _maps_from_image(crop, normals.front.shape[-1])
    return NormalMaps(
        resample(normals.front, maps_from_image, shape[0], shape[1]),
        resample(normals.back, maps_from_image, shape[0], shape[1]),
    )


def albedo_in_photo(albedo: AlbedoMaps, crop: PersonCrop, shape: tuple[int, ...]) -> AlbedoMaps:
    """Maps in the crop's pixels resampled to the photo's (H, W); nothing beyond the crop."""
    maps_from_image = _maps_from_image(crop, albedo.front.shape[-1])
    maps = torch.cat([albedo.front, albedo.back, albedo.cover[None]])
    moved = resample(maps, maps_from_image, shape[0], shape[1])
    return AlbedoMaps(moved[:3], moved[3:6], moved[6])


def photo_from_crop_axes(crop: PersonCrop, truth: GroundTruth) -> npt.NDArray[np.float64]:
    """The rotation (3, 3) of directions in a crop's model space to photo space.

    A crop shows a person as a camera would that looks at the middle of what is seen of them: its
    z points along the ray from there to the camera, as ``place_in_camera`` has it, and not along
    the photo's own axis.
    """
    size = crop.mask.shape[-1]
    seen_from_model = (
        np.linalg.inv(truth.image_from_model) @ crop.image_from_crop @ crop_from_model(size)
    )
    (middle,) = apply_transform(seen_from_model, middle_of_seen(crop.mask.numpy())[None])
    ray = torch.tensor([*(-middle * truth.inverse_distance), 1.0])
    ray = ray.double() / ray.norm()
    z = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    axis = torch.linalg.cross(z, ray)
    turn = axis * torch.arcsin(axis.norm()) / axis.norm().clamp(min=1e-12)
    rotation: npt.NDArray[np.float64] = matrix_from_axis_angle(turn).numpy()
    return rotation


def _maps_from_image(crop: PersonCrop, size: int) -> npt.NDArray[np.float64]:
    """Pixels of the photo to those of square maps that span the crop."""
    scale = (crop.mask.shape[-1] - 1) / (size - 1)
    pixels: npt.NDArray[np.float64] = np.linalg.inv(
        crop.image_from_crop @ np.diag([scale, scale, 1.0])
    )
    return pixels


def resample(
    image: torch.Tensor, source_from_target: npt.NDArray[np.float64], height: int, width: int
) -> torch.Tensor:
    """An image (C, h, w) as seen through an affine map of pixels: bilinear, zero beyond it.

    Args:
        image: float, any device.
        source_from_target: (3, 3) of homogeneous pixels.
        height: of the result.
        width: of the result.

    Returns:
        (C, height, width) float32 on the CPU.
    """
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    pixels = apply_transform(source_from_target, np.stack([columns, rows], -1).reshape(-1, 2))
    last = np.array([image.shape[-1] - 1, image.shape[-2] - 1])
    grid = torch.from_numpy(2 * pixels / last - 1).float().view(1, height, width, 2)
    source = image.detach().float().cpu()[None]
    return F.grid_sample(source, grid, mode="bilinear", align_corners=True)[0]
