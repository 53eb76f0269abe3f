#!/usr/bin/env python3
"""Draws docs/relighting.jpg: a photo, its albedo and shape, and both in the light of others."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.stages.relight import normals_towards_viewer, relit
from pifuhd_ros.stages.turntable import render_styles
from pifuhd_ros.types import Frame, PifuhdError

_HEIGHT = 480
_VIEWS_DEG = (0.0, 180.0)
_SMALL = _HEIGHT // 4


def _photo(frame: Frame, height: int) -> npt.NDArray[np.uint8]:
    rows, columns = frame.rgb.shape[:2]
    picture = Image.fromarray(frame.rgb)
    return np.asarray(
        picture.resize((round(columns * height / rows), height), Image.Resampling.BOX)
    )


def _cut(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A square picture without its empty sides."""
    side = round(picture.shape[1] * 0.22)
    return picture[:, side:-side]


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument(
        "--like", type=Path, nargs="+", required=True, help="photos of other lights"
    )
    parser.add_argument("--weights", type=Path, help="of phorhum (default: the shipped)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    model = PhorhumReconstructor.from_pretrained(args.weights, "cpu", resolution=512)
    frame = read_frame(args.photo)
    people = model.infer(frame)
    if not people:
        raise PifuhdError(f"{args.photo}: nobody was found")
    mesh = people[0].mesh
    columns = [_photo(frame, 2 * _HEIGHT)]
    for style in ("shaded", "albedo", "normals"):
        views = [render_styles(mesh, (style,), yaw, _HEIGHT)[0] for yaw in _VIEWS_DEG]
        columns.append(np.concatenate([_cut(view) for view in views]))
    normals = normals_towards_viewer(mesh)
    for path in args.like:
        other = read_frame(path)
        lit = relit(mesh, model.shade(normals, model.light_of(other)))
        views = [render_styles(lit, ("flat",), yaw, _HEIGHT)[0] for yaw in _VIEWS_DEG]
        column = np.concatenate([_cut(view) for view in views]).copy()
        rows, columns_px = other.rgb.shape[:2]
        small = _photo(other, min(_SMALL, column.shape[1] * rows // (3 * columns_px)))
        column[-len(small) :, : small.shape[1]] = small
        columns.append(column)
    Image.fromarray(np.concatenate(columns, axis=1)).save(args.out, quality=88, optimize=True)


if __name__ == "__main__":
    main()
