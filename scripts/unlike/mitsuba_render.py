"""Renders a scene file with Mitsuba 3 and takes its noise away with Intel's Open Image Denoise.

Run by the Python that has both, it needs nothing of the package. A scene file is a scene of Mitsuba
as JSON: matrices are nested lists, other files lie beside it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import drjit
import mitsuba
import numpy as np
import numpy.typing as npt
import pyoidn

_MATRICES = ("to_world", "to_uv")
_GUIDE_SAMPLES = 4
Image = npt.NDArray[np.float32]
"""(H, W, 3), linear."""


def main() -> None:
    """Writes the radiance (H, W, 3), float32, as an .npy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", type=Path, help="JSON")
    parser.add_argument("out", type=Path, help=".npy to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    # The other variants need LLVM or a GPU.
    mitsuba.set_variant("scalar_rgb")
    drjit.set_thread_count(args.threads)
    described = json.loads(args.scene.read_text(encoding="utf-8"))
    scene = mitsuba.load_dict(_read(described, "", args.scene.parent))
    radiance = np.array(mitsuba.render(scene, seed=args.seed), dtype=np.float32)
    integrator = mitsuba.load_dict({"type": "aov", "aovs": "albedo:albedo,normal:sh_normal"})
    guides = mitsuba.render(scene, integrator=integrator, spp=_GUIDE_SAMPLES, seed=args.seed)
    albedo, normal = np.split(np.array(guides, dtype=np.float32), 2, axis=2)
    np.save(args.out, _denoised(radiance, albedo, normal, args.threads))


def _read(value: Any, key: str, folder: Path) -> Any:
    if isinstance(value, dict):
        return {name: _read(inner, name, folder) for name, inner in value.items()}
    if key in _MATRICES:
        return mitsuba.ScalarTransform4f(value)
    return str(folder / value) if key == "filename" else value


def _denoised(radiance: Image, albedo: Image, normal: Image, threads: int) -> Image:
    result = np.empty_like(radiance)
    inputs = (
        (pyoidn.OIDN_IMAGE_COLOR, radiance),
        (pyoidn.OIDN_IMAGE_ALBEDO, np.ascontiguousarray(albedo.clip(0, 1))),
        (pyoidn.OIDN_IMAGE_NORMAL, np.ascontiguousarray(normal)),
        (pyoidn.OIDN_IMAGE_OUTPUT, result),
    )
    with pyoidn.Device(pyoidn.OIDN_DEVICE_TYPE_CPU) as device:
        device.set_int("numThreads", threads)
        device.commit()
        run = pyoidn.Filter(device, pyoidn.OIDN_FILTER_TYPE_RT)
        try:
            for name, image in inputs:
                run.set_image(name, image, pyoidn.OIDN_FORMAT_FLOAT3)
            run.set_bool("hdr", True)
            run.commit()
            run.execute()
            if message := device.get_error():
                raise RuntimeError(f"Open Image Denoise failed: {message}")
        finally:
            run.release()
    return result


if __name__ == "__main__":
    main()
