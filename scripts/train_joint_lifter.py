"""Trains the joint lifter on how the detector sees generated people.

    pifuhd synthesize --assets assets.safetensors --out runs/people --count 1600
    python scripts/train_joint_lifter.py --data runs/people

Runs the detector on the views (0.1 s each; what it saw lies beside the shards, and only new views
are shown to it), then trains in some minutes. Writes

- pifuhd_ros/weights/joint-lifter.safetensors;
- beside the shards the joints as lifted by networks that have not seen the person, from which the
  other networks learn (pifuhd_ros/synthetic/detected_views.py);
- pifuhd_ros/synthetic/lifted_joints.safetensors: errors of these, from which detections are
  imitated where the detector has not been asked.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from tqdm import tqdm

from pifuhd_ros.geometry.crop_transforms import CropSquare, image_from_crop
from pifuhd_ros.geometry.skeleton import JOINTS, mirrored
from pifuhd_ros.networks.joint_lifter import MIRRORED_POINTS, JointLifter
from pifuhd_ros.stages.detected_joints import LIFTER_FILE, points_in_crop
from pifuhd_ros.stages.detection import DetectionConfig, PersonDetector
from pifuhd_ros.synthetic.dataset import Shard, ViewSample
from pifuhd_ros.synthetic.detected_views import read_detections, write_detections
from pifuhd_ros.synthetic.detector_joints import (
    BANK_FILE,
    BANK_STEP,
    from_hips,
    skeleton_rows,
)
from pifuhd_ros.synthetic.occlusion import Occlusion
from pifuhd_ros.synthetic.photograph import take_photo
from pifuhd_ros.types import Frame

PHOTO_PX = 512
FOLDS = 4
POSES = 48
BANK_VIEWS = 4000
"""Errors that are kept to imitate."""
EPOCHS = 60
BATCH = 128
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.1
MOST_ROLL_RAD = 0.2
MOST_GROWTH = 0.15

Pairs = dict[str, torch.Tensor]
"""true (N, 19, 3) and detected (N, 33, 4), model space."""


class View(NamedTuple):
    """Where a pair is from."""

    shard: Path
    name: str
    """Of the view in its shard: ``person/view``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of pifuhd synthesize"
    )
    parser.add_argument("--views", type=int, default=4, help="of each person, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only-detect", action="store_true", help="train nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    shards = [path for folder in args.data for path in sorted(folder.glob("shard-*.safetensors"))]
    ask_detector(shards, args.views)
    if args.only_detect:
        return
    views, pairs = read_pairs(shards)
    torch.manual_seed(args.seed)
    fold = pose_folds(pairs["true"])
    lifted = torch.zeros_like(pairs["true"])
    for number in range(FOLDS):
        lifter = train({k: v[fold != number] for k, v in pairs.items()})
        lifted[fold == number] = lift(lifter, pairs["detected"][fold == number])
    report(pairs, lifted)
    write_joints(shards, views, lifted)
    final = train(pairs)
    state = {k: v.half().contiguous() for k, v in final.state_dict().items()}
    save_file(state, str(LIFTER_FILE))
    some = torch.randperm(len(lifted))[:BANK_VIEWS]
    save_file({"true": packed(pairs["true"][some]), "lifted": packed(lifted[some])}, str(BANK_FILE))


def ask_detector(shards: list[Path], views: int) -> None:
    """Photographs the first views of the shards' people and runs the detector on them."""
    detector = PersonDetector(DetectionConfig(faces=False))
    for path in tqdm(shards, desc="detector", unit="shard"):
        shard, found = Shard(path), read_detections(path)
        asked = [
            View(path, f"{person}/{view}")
            for person in range(shard.people)
            for view in range(min(views, shard.views))
        ]
        missing = [view for view in asked if f"{view.name}/points" not in found]
        for view in missing:
            person, number = map(int, view.name.split("/"))
            generator = torch.Generator().manual_seed(
                zlib.crc32(f"{path.name}/{view.name}".encode())
            )
            points = detect(detector, shard.read(person, number), generator)
            found[f"{view.name}/points"] = torch.zeros(0, 4) if points is None else points
        if missing:
            write_detections(path, found)


def read_pairs(shards: list[Path]) -> tuple[list[View], Pairs]:
    """All views in which the detector found someone."""
    views: list[View] = []
    rows: dict[str, list[torch.Tensor]] = {"true": [], "detected": []}
    for path in shards:
        shard = Shard(path)
        for key, points in read_detections(path).items():
            name, what = key.rsplit("/", 1)
            if what == "points" and len(points):
                person, view = name.split("/")
                joints = shard.read(int(person), int(view)).joints
                rows["true"].append(joints[skeleton_rows()])
                rows["detected"].append(points)
                views.append(View(path, name))
    return views, {name: torch.stack(of_all) for name, of_all in rows.items()}


def pose_folds(true: torch.Tensor) -> torch.Tensor:
    """Folds (N,) of views such that poses alike are in one: a lifter knows the poses it has seen.

    Folds of people would share their poses, and errors on new poses would be larger than measured.
    """
    poses = turned_to_front(from_hips(true))
    left, right = (
        poses[:, [i for i, name in enumerate(JOINTS) if name.startswith(side)], 1].sum(1)
        for side in ("left", "right")
    )
    # A pose and its mirror image are one pose.
    poses = torch.where((left > right)[:, None, None], mirrored(poses), poses).flatten(1)
    middles = poses[torch.randperm(len(poses))[:POSES]]
    for _ in range(30):
        nearest = torch.cdist(poses, middles).argmin(1)
        middles = torch.stack(
            [
                poses[nearest == i].mean(0) if bool((nearest == i).any()) else middles[i]
                for i in range(len(middles))
            ]
        )
    return nearest % FOLDS


def turned_to_front(joints: torch.Tensor) -> torch.Tensor:
    """Skeletons (N, 19, 3) about the vertical, so that their hips are across x."""
    left, right = JOINTS.index("left_hip"), JOINTS.index("right_hip")
    across = joints[:, left] - joints[:, right]
    angle = torch.atan2(across[:, 2], across[:, 0])
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    x, y, z = joints.unbind(2)
    return torch.stack([cos * x + sin * z, y, cos * z - sin * x], 2)


def write_joints(shards: list[Path], views: list[View], lifted: torch.Tensor) -> None:
    """Writes the skeletons beside the points."""
    own = dict(zip(views, lifted, strict=True))
    known = torch.ones(len(JOINTS), 1)
    for path in shards:
        found = read_detections(path)
        for name in {key.rsplit("/", 1)[0] for key in found}:
            joints = own.get(View(path, name))
            found[f"{name}/joints"] = (
                torch.zeros(len(JOINTS), 4) if joints is None else torch.cat([joints, known], 1)
            )
        write_detections(path, found)


def detect(
    detector: PersonDetector, sample: ViewSample, generator: torch.Generator
) -> torch.Tensor | None:
    """The detector's points (33, 4) in the view's model space, or None."""
    photo = take_photo(
        sample.albedo[None],
        sample.normal_front[None],
        sample.mask[None, None],
        Occlusion(sample.ambient[None, None], sample.bent[None]),
        generator,
    )
    image = F.interpolate(photo.image, size=PHOTO_PX, mode="bilinear")[0]
    rgb = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).contiguous().numpy()
    people = detector.detect(Frame(rgb=rgb))
    half_px = (PHOTO_PX - 1) / 2
    whole = image_from_crop(CropSquare(half_px, half_px, half_px), PHOTO_PX)
    return points_in_crop(people[0], whole, PHOTO_PX) if people else None


def train(pairs: Pairs) -> JointLifter:
    """A lifter that has learned these pairs, their mirror images, turned and scaled."""
    true, points = from_hips(pairs["true"]), pairs["detected"].clone()
    # In the image they stay where they are; only the depth counts from the hips.
    true[..., :2] = pairs["true"][..., :2]
    true = torch.cat([true, mirrored(true)])
    points = torch.cat([points, mirrored(points, MIRRORED_POINTS)])
    lifter = JointLifter()
    optimizer = torch.optim.AdamW(lifter.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * (len(true) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(true)).split(BATCH)[: len(true) // BATCH]:
            motion = random_motion(len(rows))
            lifted = lifter(move(points[rows], motion))
            loss = (lifted - move(true[rows], motion)).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return lifter.eval()


def random_motion(count: int) -> torch.Tensor:
    """Rolls of the camera and scales, (count, 3, 3)."""
    angle = MOST_ROLL_RAD * (2 * torch.rand(count) - 1)
    scale = 1 + MOST_GROWTH * (2 * torch.rand(count) - 1)
    motion = torch.eye(3).repeat(count, 1, 1)
    motion[:, 0, 0] = motion[:, 1, 1] = angle.cos()
    motion[:, 0, 1], motion[:, 1, 0] = -angle.sin(), angle.sin()
    return motion * scale[:, None, None]


def move(points: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
    return torch.cat([points[..., :3] @ motion.mT, points[..., 3:]], 2)


def lift(lifter: JointLifter, points: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return lifter(points)


def packed(joints: torch.Tensor) -> torch.Tensor:
    return (joints / BANK_STEP).round().clamp(-32767, 32767).to(torch.int16)


def report(pairs: Pairs, lifted: torch.Tensor) -> None:
    """Prints the mean errors of people that a lifter has not seen."""
    true = from_hips(pairs["true"])
    raw = JointLifter.first_guess(pairs["detected"])
    print(f"{len(true)} views; mean error in model units, detected -> lifted")
    flat = (raw[..., :2] - pairs["true"][..., :2]).norm(dim=2).mean()
    better = (lifted[..., :2] - pairs["true"][..., :2]).norm(dim=2).mean()
    print(f"in the image {flat:.4f} -> {better:.4f}")
    errors = [(joints[..., 2] - true[..., 2]).abs().mean(0) for joints in (raw, lifted)]
    print(f"in depth {errors[0].mean():.4f} -> {errors[1].mean():.4f}")
    for name, before, after in zip(JOINTS, *map(np.asarray, errors), strict=True):
        print(f"  {name:15} {before:.3f} -> {after:.3f}")


if __name__ == "__main__":
    main()
