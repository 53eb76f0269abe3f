"""Batches for PHORHUM: photos of people under many lights, their surfaces and rays to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.skeleton import mirrored
from pifuhd_ros.geometry.vectors import sphere_directions
from pifuhd_ros.synthetic.dataset import ViewSample
from pifuhd_ros.synthetic.detector_joints import skeletons
from pifuhd_ros.synthetic.frame_edges import sample_frame_edges
from pifuhd_ros.synthetic.light import white_shading
from pifuhd_ros.synthetic.occlusion import Occlusion
from pifuhd_ros.synthetic.photograph import take_photo
from pifuhd_ros.training.batches import PeopleSource
from pifuhd_ros.training.config import PhorhumStageConfig
from pifuhd_ros.training.pieces import piece_generator
from pifuhd_ros.types import AssetError

WHOLE = 0.99
"""A pixel shows nothing but the person from this mask value on."""
_BALL_NORMALS = 48


@dataclass(frozen=True)
class PhorhumBatch:
    """Views with their supervision; points in the model box, directions and distances in space."""

    image: torch.Tensor
    """(B, 3, S, S) in [-1, 1], background black (-1)."""
    joints: torch.Tensor
    """(B, J, 4), see geometry/skeleton.py."""
    inverse_distance: torch.Tensor
    """(B,) of the cameras [1 / model units]."""
    mask: torch.Tensor
    """(B, 1, S, S) in [0, 1]."""
    depth: torch.Tensor
    """(B, 2, S, S) z of the nearest and the farthest surface."""
    normals: torch.Tensor
    """(B, 6, S, S) of the front and of the back."""
    albedo: torch.Tensor
    """(B, 6, S, S) of the front and of the back, zero outside the mask."""
    pixels: torch.Tensor
    """(B, N) int64 pixels that the person fills, row · S + column: the surface's samples."""
    off_surface: torch.Tensor
    """(B, N) how far off the surface, along its normal, each sample's neighbour lies."""
    points: torch.Tensor
    """(B, M, 3)."""
    inside: torch.Tensor
    """(B, M) 1 inside, 0 outside."""
    distance: torch.Tensor
    """(B, M) signed, negative inside [model units]."""
    patches: torch.Tensor
    """(B, P, 2) int64 row and column of each patch's first pixel."""
    ball: torch.Tensor
    """(B, K, 3) shading of a white ball in the light of the photo, at ``ball_normals``."""
    relit: torch.Tensor
    """(B, 3, S, S) another photo of the same, in another light; S = 0 where the stage asks for
    none."""
    relit_ball: torch.Tensor
    """(B, K, 3) a white ball in that light; K = 0 where there is none."""
    knows_depth: torch.Tensor
    """(B,) bool: points are asked with the true depths."""

    def to(self, device: torch.device) -> PhorhumBatch:
        """The same batch on a device."""
        named = {k: v.to(device, non_blocking=True) for k, v in vars(self).items()}
        return PhorhumBatch(**named)


@dataclass(frozen=True)
class PhorhumPieceMaker:
    """Makes any piece of a stage's batches; each depends on the seed and its number alone."""

    source: PeopleSource
    seed: int
    """Of the run."""
    purpose: str
    """Of the stage: training or validation."""
    count: int
    """Views in a piece."""
    stage: PhorhumStageConfig
    image_size: int
    """Side of the images and maps [px]."""

    def __call__(self, number: int) -> PhorhumBatch:
        """The piece of that number."""
        generator = piece_generator(self.seed, f"{self.stage.name}/{self.purpose}", number)
        views = self.source.draw(self.count, self.image_size, generator, with_body=True)
        return make_phorhum_batch(views, self.stage, generator)


def make_phorhum_batch(
    views: list[ViewSample], stage: PhorhumStageConfig, generator: torch.Generator
) -> PhorhumBatch:
    """Photographs views.

    Args:
        views: From PeopleSource.draw, with their bodies.
        stage: How many of what.
        generator: Of everything random.

    Raises:
        AssetError: The views lack what a body view holds.
    """
    device = views[0].albedo.device
    flips = (torch.rand(len(views), generator=generator) < 0.5).to(device)
    maps = torch.stack([_maps(view) for view in views])
    maps = torch.where(flips[:, None, None, None], maps.flip(3), maps)
    albedo, normals, bent, depth, mask, ambient = maps.split([6, 6, 3, 2, 1, 1], 1)
    sign = torch.ones(len(views), 3, 1, 1, device=device)
    sign[:, 0, 0, 0] = torch.where(flips, -1.0, 1.0)
    normals, bent = normals * sign.repeat(1, 2, 1, 1), bent * sign

    joints = skeletons(views, generator)
    joints = torch.where(flips[:, None, None], mirrored(joints), joints)
    rows = torch.stack([_labelled(v, stage.points, generator) for v in views])
    points = rows[..., :3] * sign[:, None, :, 0, 0]
    occlusion = Occlusion(ambient, bent)
    photo = take_photo(albedo[:, :3], normals[:, :3], mask, occlusion, generator)
    other = photo
    if stage.constancy_weight:
        other = take_photo(albedo[:, :3], normals[:, :3], mask, occlusion, generator)
    edges = sample_frame_edges(len(views), generator, device)
    inverse = torch.tensor([view.placement.inverse_distance for view in views], device=device)
    size = mask.shape[-1]
    shown = edges.shown(size)
    albedo, normals, mask = albedo * shown, normals * shown, mask * shown
    pixels = _filled_pixels(mask, stage.surface_points, generator)
    near = torch.randn(pixels.shape, generator=generator).to(device) * 0.02
    corners = _filled_pixels(mask, stage.patches, generator) if stage.patches else pixels[:, :0]
    corners = torch.stack([corners // size, corners % size], -1) - stage.patch_px // 2
    knows = torch.rand(len(views), generator=generator) < stage.true_depth_share
    # As the crop of a detected person looks: black where its mask says background.
    image, relit = (p.image * p.mask * shown * 2 - 1 for p in (photo, other))
    ball, relit_ball = (white_shading(p.lights, ball_normals(device)) for p in (photo, other))
    if other is photo:
        relit, relit_ball = relit[..., :0, :0], relit_ball[:, :0]
    return PhorhumBatch(
        image=image,
        joints=joints,
        inverse_distance=inverse,
        mask=mask,
        depth=depth,
        normals=normals,
        albedo=albedo,
        pixels=pixels,
        off_surface=near,
        points=points,
        inside=rows[..., 3] * edges.contain(points[..., 0], points[..., 1]),
        distance=torch.maximum(rows[..., 4], edges.beyond(points, inverse)),
        patches=corners.clamp(0, size - min(stage.patch_px, size)),
        ball=ball,
        relit=relit,
        relit_ball=relit_ball,
        knows_depth=knows.to(device),
    )


def ball_normals(device: torch.device) -> torch.Tensor:
    """(K, 3) unit normals at which a ball tells its light."""
    return sphere_directions(_BALL_NORMALS, device)


def _maps(view: ViewSample) -> torch.Tensor:
    """All maps of a view, (19, S, S)."""
    if view.body is None:
        raise AssetError("these views have no albedo of their backs, which PHORHUM learns from")
    return torch.cat(
        [
            *(view.albedo, view.body.albedo_back, view.normal_front, view.normal_back, view.bent),
            torch.stack([view.z_front, view.z_back, view.mask, view.ambient]),
        ]
    )


def _labelled(view: ViewSample, count: int, generator: torch.Generator) -> torch.Tensor:
    """Points in the model box (count, 5): position, 1 if inside, distance in model units."""
    usable = torch.nonzero((view.points.abs() <= 1).all(1))[:, 0]
    chosen = usable[torch.randint(len(usable), (count,), generator=generator).to(usable.device)]
    distance = view.signed_distance[chosen, None] * view.placement.scale
    return torch.cat([view.points[chosen], view.inside[chosen, None].float(), distance], 1)


def _filled_pixels(mask: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Random pixels (B, count) that the person fills; any where there are none."""
    result = []
    for person in (mask >= WHOLE).flatten(1):
        filled = torch.nonzero(person)[:, 0]
        if len(filled) == 0:
            filled = torch.arange(person.numel(), device=mask.device)
        rows = torch.randint(len(filled), (count,), generator=generator)
        result.append(filled[rows.to(mask.device)])
    return torch.stack(result)
