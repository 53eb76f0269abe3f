"""What a system makes of a folder of photos, in one picture to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pifuhd_ros.evaluation.contact_sheet import (
    TILE_PX,
    Picture,
    SheetRow,
    mask_colours,
    normal_colours,
    save_contact_sheet,
    with_box,
)
from pifuhd_ros.reconstructors.base import Reconstructor
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.stages.turntable import render_view
from pifuhd_ros.types import Frame, ImageError, OnProgress, PifuhdError, Reconstruction

TITLES = (
    "photo",
    "mask",
    "front normals",
    "back normals",
    "mesh, front",
    "mesh, from the right",
    "mesh, back",
    "coloured",
)
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def find_photos(folder: Path) -> list[Path]:
    """The image files of a folder, by name.

    Raises:
        ImageError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder} is no folder: name one that holds photos")
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not photos:
        raise ImageError(f"there is no image in {folder}: it needs {', '.join(ENDINGS)}")
    return photos


def save_photo_sheet(
    model: Reconstructor, photos: Sequence[Path], path: Path, on_progress: OnProgress
) -> list[str]:
    """Reconstruct the most prominent person of each photo and draw a row for it.

    A photo of which nothing can be made is shown with what went wrong; the others follow.

    Args:
        model: any system.
        photos: image files, at least one.
        path: of the PNG; its folder is made.
        on_progress: told each photo.

    Returns:
        What went wrong, a line for each photo that failed.
    """
    rows, errors = [], []
    for number, photo in enumerate(photos):
        on_progress(photo.name, number / len(photos))
        frame: Frame | None = None
        try:
            frame = read_frame(photo)
            person = model.infer(frame)[0]
        except PifuhdError as error:
            errors.append(f"{photo.name}: {error}")
            shown = None if frame is None else frame.rgb
            rows.append(SheetRow([shown, *[None] * (len(TITLES) - 1)], [errors[-1]]))
        else:
            rows.append(SheetRow(_tiles(frame, person), _captions(photo, person)))
    on_progress("draw", 1.0)
    save_contact_sheet(TITLES, rows, path)
    return errors


def _tiles(frame: Frame, person: Reconstruction) -> list[Picture | None]:
    normals = person.normals
    return [
        with_box(frame.rgb, person.detection.box_xyxy_px),
        mask_colours(person.detection.mask),
        None if normals is None else normal_colours(normals.front),
        None if normals is None else normal_colours(normals.back),
        *(render_view(person.mesh, yaw, TILE_PX, "clay") for yaw in (0.0, 90.0, 180.0)),
        render_view(person.mesh, 0.0, TILE_PX),
    ]


def _captions(photo: Path, person: Reconstruction) -> list[str]:
    seconds = sum(person.timings_s.values())
    return [
        f"{photo.name}: {len(person.mesh.faces)} faces, {seconds:.1f} s, "
        f"score of the detection {person.detection.score:.2f}",
        *(f"note: {notice}" for notice in person.notices),
    ]
