"""Measures where the detector sees the joints of generated people.

    python scripts/measure_detected_joints.py --data runs/people

writes pifuhd_ros/synthetic/detected_joints.safetensors, from which the training imitates the
detector's errors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tqdm import tqdm

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.stages.detected_joints import joints_in_crop
from pifuhd_ros.stages.detection import PersonDetector
from pifuhd_ros.synthetic.dataset import Shard
from pifuhd_ros.synthetic.detector_joints import BANK_FILE, BANK_STEP, skeleton_rows
from pifuhd_ros.synthetic.occlusion import Occlusion
from pifuhd_ros.synthetic.photograph import take_photo
from pifuhd_ros.types import Frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of pifuhd synthesize")
    parser.add_argument("--count", type=int, default=1000, help="people; one view of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=BANK_FILE)
    args = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(args.seed)
    detector = PersonDetector()
    true, detected, missed = [], [], 0
    everyone = [
        (path, person)
        for path in sorted(args.data.glob("shard-*.safetensors"))
        for person in range(Shard(path).people)
    ]
    for path, person in tqdm(everyone[: args.count], unit="person"):
        shard = Shard(path)
        view = int(torch.randint(shard.views, (), generator=generator))
        sample = shard.read(person, view)
        light = Occlusion(sample.ambient[None, None], sample.bent[None])
        photo = take_photo(
            sample.albedo[None],
            sample.normal_front[None],
            sample.mask[None, None],
            light,
            generator,
        )
        rgb = (photo.image[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        found = detector.detect(Frame(rgb=np.ascontiguousarray(rgb)))
        joints = joints_in_crop(found[0], np.eye(3), len(rgb)) if found else None
        if joints is None:
            missed += 1
            continue
        true.append(sample.joints[skeleton_rows()])
        detected.append(joints[:, :3])
    print(f"{len(true)} found, {missed} missed")

    def packed(rows_of: list[torch.Tensor]) -> torch.Tensor:
        steps = torch.stack(rows_of) / BANK_STEP
        return steps.round().clamp(-32767, 32767).to(torch.int16)

    save_file({"true": packed(true), "detected": packed(detected)}, str(args.out))
    error = (torch.stack(detected) - torch.stack(true)).abs().mean(0)
    for name, (x, y, z) in zip(JOINTS, error.tolist(), strict=True):
        print(f"{name:15} {x:.3f} {y:.3f} {z:.3f}")


if __name__ == "__main__":
    main()
