"""A coarse solid of every view, for the light that reaches each place."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from pifuhd_ros.geometry.rasterize import cover
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.render import Views


def occupancy_volumes(people: People, views: Views, size: int = 96) -> torch.Tensor:
    """Occupancy (B, D, H, W) in [0, 1] of the model box of every view, axes z, y, x, all upwards.

    The rows of cells run along the view's rays: what the rasteriser finds on the way in and out of
    the closed surfaces adds up to their winding number. Hair, which is open, counts where its
    vertices are.

    Args:
        people: Who is in the views.
        views: Give the placements.
        size: Cells a side.
    """
    device = people.vertices.device
    volumes = torch.zeros(len(views) * size**2 * (size + 1), device=device)
    pixels, faces, image, hair, count = [], [], [], [], 0
    for i, (who, placement) in enumerate(zip(views.person, views.placements, strict=True)):
        model = placement.to_model(people.vertices_of(who))
        cells = (model + 1) * (size / 2) - 0.5
        pixels.append(cells)
        faces.append(people.faces_of("closed_faces", who) + count)
        image.append(torch.full((len(faces[-1]),), i, device=device))
        strands = cells[people.faces_of("open_faces", who).reshape(-1)].round().long()
        strands = strands[((strands >= 0) & (strands < size)).all(1)]
        hair.append(((i * size + strands[:, 2]) * size + strands[:, 1]) * size + strands[:, 0])
        count += len(model)
    crossings = cover(torch.cat(pixels), torch.cat(faces), size, size, torch.cat(image))
    first = crossings.depth.ceil().clamp(0, size).long()
    # Rows count upwards here: mirrored, so that fronts look like backs. Entered where a face looks
    # to -z.
    step = torch.where(crossings.is_front, 1.0, -1.0)
    volumes.index_add_(0, crossings.pixel * (size + 1) + first, step)
    winding = volumes.view(len(views), size, size, size + 1).cumsum(3)[..., :size]
    solid = (winding > 0.5).float().permute(0, 3, 1, 2).contiguous()
    solid.view(-1)[torch.cat(hair)] = 1.0
    return F.avg_pool3d(solid[:, None], 3, 1, 1)[:, 0]
