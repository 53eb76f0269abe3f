#!/usr/bin/env python3
"""Renders held-out people as another renderer and other places show them.

A path tracer draws them, Mitsuba 3 (BSD-3-Clause): cast shadows, light from walls and floor, sun,
neon and lamps, before rooms and streets full of things, by cameras as phones and robots have. Open
Image Denoise (Apache-2.0) takes its noise away. Neither is a dependency of the package; make a
place for them once:

    python3 -m venv .venv-mitsuba
    .venv-mitsuba/bin/pip install mitsuba==3.9.1 pyoidn==2.5.1.0

DIR gets the photos, and in DIR/truth the true shape of each: name.npz for
measure_unlike_people.py, name.ply for any viewer. The same seed gives the same photos.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm
from unlike.cameras import frame_person, sample_view
from unlike.develop import develop, save_jpeg
from unlike.meshes import coloured_parts
from unlike.places import PLACES
from unlike.stage import Stage
from unlike.truth import save_truth

from pifuhd_ros.assets.pack import packed_assets
from pifuhd_ros.body.model import BODY_FILE, BodyModel, load_body
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe

FIRST_SEED = 1_500_000
"""Of the people, who are others than those of ``pifuhd evaluate``."""
MITSUBA = Path(".venv-mitsuba/bin/python")
_RENDERER = Path(__file__).parent / "unlike" / "mitsuba_render.py"
_BOUNCES = 5


def main() -> None:
    """Writes the photos and the true shapes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--assets", type=Path, required=True, help="MakeHuman's folder, or packed")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first photo")
    parser.add_argument("--seed", type=int, default=0, help="of another set of photos")
    parser.add_argument("--samples", type=int, default=4, help="paths a pixel")
    parser.add_argument("--threads", type=int, default=1, help="of the renderer")
    parser.add_argument("--mitsuba", type=Path, default=MITSUBA, help="a Python that has Mitsuba")
    args = parser.parse_args()
    if not args.mitsuba.exists():
        sys.exit(
            f"there is no {args.mitsuba}: make it by\n  python3 -m venv .venv-mitsuba\n"
            "  .venv-mitsuba/bin/pip install mitsuba==3.9.1 pyoidn==2.5.1.0\n"
            "or name a Python that has both with --mitsuba"
        )
    (args.out / "truth").mkdir(parents=True, exist_ok=True)
    with packed_assets(args.assets, BODY_FILE) as assets:
        wardrobe = load_wardrobe(assets)
    body = load_body()
    for number in tqdm(range(args.first, args.first + args.count), unit="photo"):
        _take_photo(number, wardrobe, body, args)


def _take_photo(number: int, wardrobe: Wardrobe, body: BodyModel, args: argparse.Namespace) -> None:
    seed = FIRST_SEED + 1000 * args.seed + number
    kind = list(PLACES)[number % len(PLACES)]
    name = f"{number:02d}_{kind}"
    people = sample_people(wardrobe, body, [seed], "held_out")
    drawn = people.vertices[people.faces.unique()].double().numpy()
    shot = frame_person(drawn, sample_view(number, Dice(seed + 7)))
    save_truth(people, shot, args.out / "truth", name)
    with tempfile.TemporaryDirectory(prefix="unlike-") as path:
        folder = Path(path)
        reach_m = float(np.hypot(drawn[:, 0], drawn[:, 2]).max())
        stage = Stage(folder, shot, reach_m, np.random.default_rng(seed))
        stage.person(coloured_parts(people), people.textures.numpy())
        exposure = PLACES[kind](stage)
        stage.write(folder / "scene.json", args.samples, _BOUNCES)
        radiance_file = folder / "radiance.npy"
        command = [str(args.mitsuba), str(_RENDERER), str(folder / "scene.json")]
        command += [str(radiance_file)]
        command += ["--seed", str(seed), "--threads", str(args.threads)]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        subprocess.run(command, check=True, env=environment)
        radiance = np.load(radiance_file)
    save_jpeg(develop(radiance, exposure, seed), args.out / f"{name}.jpg", exposure)


if __name__ == "__main__":
    main()
