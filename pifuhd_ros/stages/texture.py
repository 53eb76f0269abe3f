"""Colours for a mesh: measured where the camera saw it, guessed elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import grid_sample, max_pool2d

from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.geometry.rasterize import rasterize
from pifuhd_ros.stages.back_of_head import find_back_of_head
from pifuhd_ros.stages.color_fill import fill_colors
from pifuhd_ros.types.crop import PersonCrop
from pifuhd_ros.types.errors import SurfaceError
from pifuhd_ros.types.mesh import ColorSource, Mesh

MIN_FACING = 0.2
"""Least cosine between a seen vertex's normal and the direction to the camera (78 degrees)."""
DEPTH_TOLERANCE = 0.01
"""How far behind the nearest surface a seen vertex may lie, in model units (about 1 cm)."""
MIN_MASK = 0.9
"""A pixel belongs to the person where the mask is at least this."""
EDGE_FRACTION = 1 / 256
"""Pixels this close to the mask's edge, as part of the crop's size, may hold background."""


def texture_mesh(
    mesh: Mesh, crop: PersonCrop, hidden_colors: npt.NDArray[np.uint8] | None = None
) -> Mesh:
    """Colour each vertex from the photo and tell which vertices the camera saw.

    A vertex is seen when nothing is nearer to the camera within a pixel of it, its surface does not
    turn away too far, and it lies well inside the person's mask; it takes the photo's colour.
    What something covers, and that is all of the back, takes its ``hidden_colors``. Without these
    the guess for the back is a plain one: the colour of what is in front of it in the same pixel,
    but hair on the back of a head (see ``find_back_of_head``). What is grazing or at the mask's
    edge, and what else is hidden, takes its colour from around it.

    Args:
        mesh: in model space.
        crop: the photo that the mesh was made from.
        hidden_colors: (V, 3) sRGB of the albedo system, lit as the photo is; not looked at where
            the camera saw the vertex.

    Returns:
        The mesh with ``colors``, ``color_sources``, ``seen`` and ``normals``.

    Raises:
        SurfaceError: the camera saw no vertex.
    """
    visible = see_vertices(mesh, crop)
    vertices = torch.from_numpy(mesh.vertices).to(crop.image.device)
    colors = (255.0 * _sample(crop.image, vertices)).round().clamp(0, 255).byte().cpu().numpy()
    sources = np.where(visible.seen, ColorSource.PHOTO, ColorSource.GUESS).astype(np.uint8)
    if hidden_colors is None:
        known = visible.seen | (visible.in_mask & (visible.normals[:, 2] < 0))
        back = find_back_of_head(mesh.vertices, visible.normals, colors, visible.seen, crop.joints)
        if back is not None:
            colors[back.hair] = back.hair_color
            known = (known & ~back.vertices) | back.hair
    else:
        # At the mask's edge the albedo system, too, may have seen background.
        hidden = visible.covered & visible.in_mask
        colors[hidden] = hidden_colors[hidden]
        sources[hidden] = ColorSource.ALBEDO_SYSTEM
        known = visible.seen | hidden
    return replace(
        mesh,
        normals=visible.normals,
        colors=fill_colors(mesh, colors, known),
        seen=visible.seen,
        color_sources=sources,
    )


@dataclass(frozen=True)
class VisibleVertices:
    """What the camera saw of a mesh."""

    seen: npt.NDArray[np.bool_]
    """(V,) the vertices whose colours were measured."""
    in_mask: npt.NDArray[np.bool_]
    """(V,) those that lie well inside the person's mask, before or behind."""
    covered: npt.NDArray[np.bool_]
    """(V,) those that something nearer hides, or their own surface, whose back they are."""
    normals: npt.NDArray[np.float32]
    """(V, 3) the mesh's, or those of its faces."""


def see_vertices(mesh: Mesh, crop: PersonCrop) -> VisibleVertices:
    """Tell which vertices the camera saw; see ``texture_mesh``.

    Args:
        mesh: in model space.
        crop: the photo that the mesh was made from.

    Raises:
        SurfaceError: the camera saw no vertex.
    """
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    facing = torch.from_numpy(normals[:, 2]).to(crop.image.device)
    vertices = torch.from_numpy(mesh.vertices).to(crop.image.device)
    in_mask = _well_inside_mask(vertices, crop)
    is_nearest = _is_nearest(vertices, facing, mesh, crop)
    seen = in_mask & (facing > MIN_FACING) & is_nearest
    if not seen.any():
        raise SurfaceError(
            "the camera sees no part of the mesh inside the person's mask: nothing to colour"
        )
    covered = ~is_nearest | (facing < 0)
    return VisibleVertices(
        seen.cpu().numpy(), in_mask.cpu().numpy(), covered.cpu().numpy(), normals
    )


def _sample(image: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
    """Bilinear values (V, C) of an image (C, S, S) of the model box where vertices (V, 3) show."""
    where = vertices[:, :2] * vertices.new_tensor([1.0, -1.0])
    sampled = grid_sample(image[None], where[None, None], align_corners=True, padding_mode="border")
    return sampled[0, :, 0].T


def _well_inside_mask(vertices: torch.Tensor, crop: PersonCrop) -> torch.Tensor:
    """True (V,) where no pixel near a vertex may hold background."""
    edge_px = max(2, round(crop.mask.shape[-1] * EDGE_FRACTION))
    outside = (crop.mask < MIN_MASK).to(torch.float32)[None]
    near_outside = max_pool2d(outside, 2 * edge_px + 1, stride=1, padding=edge_px)
    return _sample(near_outside, vertices)[:, 0] == 0


def _is_nearest(
    vertices: torch.Tensor, facing: torch.Tensor, mesh: Mesh, crop: PersonCrop
) -> torch.Tensor:
    """True (V,) where no other part of the mesh covers a vertex, as seen by the camera."""
    size = crop.image.shape[-1]
    scale = (size - 1) / 2
    pixels = torch.stack(
        ((vertices[:, 0] + 1) * scale, (1 - vertices[:, 1]) * scale, -vertices[:, 2]), dim=-1
    )
    faces = torch.from_numpy(mesh.faces).to(vertices.device)
    depth = rasterize(pixels, faces, size, size).depth
    nearest_around = -max_pool2d(-depth[None], 3, stride=1, padding=1)[0]
    u, v = pixels[:, :2].round().long().clamp(0, size - 1).unbind(dim=-1)
    # Up to 1.5 pixels aside, a surface with this normal is nearer by this much.
    slope = (1 / facing.clamp(min=MIN_FACING) ** 2 - 1).clamp(min=0).sqrt()
    tolerance = DEPTH_TOLERANCE + 1.5 / scale * slope
    return pixels[:, 2] <= nearest_around[v, u] + tolerance
