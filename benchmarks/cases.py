"""What is measured. Each case runs in a process of its own; see bench.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from arithmetic import encoding_gflop, point_mflop
from components import extraction_components, people_components
from continuous import continuous
from goals import GOALS
from measure import Case, peak_memory_gb, peak_of, summarize_stages, time_matrix_product
from person_shape import HARD_SHAPES, CapsulePerson, PersonInstead, ThinSheet
from precision import people_precision, precision
from publishing import publishing
from synthesis import measure_synthesis

from pifuhd_ros.fields.engine import prepare_engine
from pifuhd_ros.fields.pifuhd import encode_pifuhd
from pifuhd_ros.networks.pifuhd import LITE, PUBLISHED, PifuhdNetwork
from pifuhd_ros.reconstructors.host_memory import keep_freed_memory
from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.reconstructors.work_plan import MOST_POINTS_AT_ONCE
from pifuhd_ros.stages.cropping import crop_person
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import ImplicitField, PersonCrop

DEMO_IMAGE = Path(str(resources.files("pifuhd_ros"))) / "data" / "demo.png"
"""The image that the package ships."""

PUBLISHED_CODE_S = 107.0
"""What the published code takes for 256³ on two cores of such a machine, cold."""


@dataclass(frozen=True)
class Settings:
    """What all cases share."""

    device: torch.device
    runs: int
    quick: bool
    """Everything as small as it gets: only whether it runs."""
    weights: Path | None
    phorhum_weights: Path | None
    assets: Path | None
    """Packed, for people to be made of."""


def matrix(settings: Settings) -> Case:
    """The denominator of all ratios: what a large float32 matrix product reaches."""
    size = 256 if settings.quick else 4096
    timing = time_matrix_product(settings.device, size, settings.runs)
    return Case(
        "matrix",
        f"float32 matrix product, {size}²",
        total=timing,
        figures={"rate_gflops": 2e-9 * size**3 / timing.median_s},
    )


def surface(settings: Settings, resolution: int) -> Case:
    """Surface extraction alone: a field that costs next to nothing."""
    resolution = 64 if settings.quick else resolution
    person = CapsulePerson(settings.device)
    seconds = []
    for _ in range(settings.runs):
        watch = StageWatch(settings.device)
        watch("extract", 0.0)
        found = extract_surface(person, resolution)
        seconds.append(watch.take_timings_s())
    return Case(
        f"surface_{resolution}",
        f"surface extraction alone, {resolution}³, a person of capsules",
        total=summarize_stages(seconds)[1],
        peak_memory_gb=peak_memory_gb(),
        figures={
            "visited_points": float(found.visited_points),
            "of_grid_percent": 100 * found.visited_fraction,
            "vertices": float(len(found.mesh.vertices)),
        },
    )


def components(settings: Settings) -> Case:
    """The search against the full grid, on shapes that are hard for it."""
    shapes: list[ImplicitField] = [CapsulePerson(settings.device), ThinSheet(settings.device)]
    shapes += [CapsulePerson(settings.device, capsules) for capsules in HARD_SHAPES.values()]
    return extraction_components(shapes, 64 if settings.quick else 256)


def components_of_people(settings: Settings) -> Case:
    """The same where it counts; on a CPU the full grid is kept small, for it costs most."""
    resolution = 32 if settings.quick else 128 if settings.device.type == "cpu" else 256
    people = 1 if settings.quick else 30
    return people_components(
        _assets(settings), settings.weights, settings.device, people, resolution
    )


def precision_of_people(settings: Settings) -> Case:
    """How far half precision moves their surfaces."""
    resolution = 32 if settings.quick else 128 if settings.device.type == "cpu" else 256
    people = 1 if settings.quick else 10
    return people_precision(
        _assets(settings), settings.weights, settings.device, people, resolution
    )


def lite(settings: Settings) -> Case:
    """The shipped network: from the photo's pixels to a mesh placed in metres."""
    resolution = 64 if settings.quick else 256
    model = PifuhdReconstructor.from_pretrained(
        settings.weights, settings.device, resolution=resolution
    )
    dtypes = (model.engine.dtype, model.engine.dtype)
    return _photo_to_mesh(settings, "lite", model, model.network.config.fine_size, dtypes)


def phorhum_lite(settings: Settings) -> Case:
    """The same of the system that tells the albedo from the light."""
    resolution = 64 if settings.quick else 256
    model = PhorhumReconstructor.from_pretrained(
        settings.phorhum_weights, settings.device, resolution=resolution
    )
    dtypes = (model.network.trunk.stem.weight.dtype, torch.float32)
    return _photo_to_mesh(settings, "phorhum_lite", model, model.network.config.image_size, dtypes)


def _photo_to_mesh(
    settings: Settings,
    name: str,
    model: PifuhdReconstructor | PhorhumReconstructor,
    crop_size: int,
    dtypes: tuple[torch.dtype, torch.dtype],
) -> Case:
    """A system on the shipped photo; its image networks and its points compute in ``dtypes``."""
    loaded_gb = peak_memory_gb()
    frame = read_frame(DEMO_IMAGE)
    rates = {dtype: _matrix_rate_gflops(settings, dtype) for dtype in dict.fromkeys(dtypes)}
    model.infer(frame)  # The first run allocates, and loads the detector.
    runs = [model.infer(frame)[0] for _ in range(settings.runs)]
    peak_gb = peak_of(settings.device)
    stages, total = summarize_stages([dict(run.timings_s) for run in runs])
    crop = crop_person(frame, model.detect(frame)[0], crop_size, "mask")
    visited = model.reconstruct_crop(crop).visited_points
    resolution = model.settings.resolution
    model.close()
    config = model.network.config
    encoding, points = encoding_gflop(config), 1e-3 * point_mflop(config) * visited
    floor_s = encoding / rates[dtypes[0]] + points / rates[dtypes[1]]
    return Case(
        name,
        f"`{config.name}`, photo to mesh, {resolution}³",
        stages,
        total,
        peak_gb,
        {
            "visited_points": float(visited),
            "of_grid_percent": 100 * visited / (resolution + 1) ** 3,
            "arithmetic_gflop": encoding + points,
            "floor_at_matrix_rate_s": floor_s,
            "times_the_floor": total.median_s / floor_s,
            "memory_after_loading_gb": loaded_gb,
        },
        goal=GOALS.get((name, settings.device.type), ""),
    )


def published(settings: Settings, resolution: int) -> Case:
    """The network of the published size: from the crop to the surface, each stage apart."""
    name = f"published_{resolution}"
    config, resolution = (LITE, 64) if settings.quick else (PUBLISHED, resolution)
    torch.manual_seed(0)
    if settings.device.type == "cpu":
        keep_freed_memory()
    engine = prepare_engine(PifuhdNetwork(config).eval().to(settings.device))
    rate_gflops = _matrix_rate_gflops(settings, engine.dtype)
    crop = _capsule_crop(config.fine_size)
    seconds = []
    for _ in range(settings.runs):
        watch = StageWatch(settings.device)
        _, field = encode_pifuhd(engine, crop, watch)
        watch("surface", 0.0)
        found = extract_surface(
            PersonInstead(field),
            resolution,
            max_points_per_query=MOST_POINTS_AT_ONCE[settings.device.type],
        )
        seconds.append(watch.take_timings_s())
    stages, total = summarize_stages(seconds)
    gflop = encoding_gflop(config) + 1e-3 * point_mflop(config) * found.visited_points
    return Case(
        name,
        f"network of the published size, crop to mesh, {resolution}³",
        stages,
        total,
        peak_of(settings.device),
        {
            "visited_points": float(found.visited_points),
            "of_grid_percent": 100 * found.visited_fraction,
            "arithmetic_gflop": gflop,
            "floor_at_matrix_rate_s": gflop / rate_gflops,
            "times_the_floor": total.median_s * rate_gflops / gflop,
            **({"published_code_s": PUBLISHED_CODE_S} if resolution == 256 else {}),
        },
        goal=GOALS.get((name, settings.device.type), ""),
        note="untrained weights: the network is asked, at its full cost, at every point that the "
        "search visits around a person of capsules, which answers in its place.",
    )


def _matrix_rate_gflops(settings: Settings, dtype: torch.dtype) -> float:
    """In the type that the networks compute in, just before they are timed."""
    size = 256 if settings.quick else 4096 if settings.device.type == "cpu" else 8192
    return 2e-9 * size**3 / time_matrix_product(settings.device, size, 3, dtype).median_s


def _capsule_crop(size: int) -> PersonCrop:
    """A crop with noise where the capsule person is: the networks' cost knows no content."""
    axis = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    person = CapsulePerson(torch.device("cpu"))
    depths = [torch.full_like(x, z) for z in (0.0, 0.05, 0.1)]
    slices = [person.query(torch.stack([x, y, z], dim=-1).view(-1, 3)) for z in depths]
    mask = (torch.stack(slices).amax(dim=0) > 0.5).float().view(size, size)
    image = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0)) * mask
    return PersonCrop(image, mask, np.eye(3))


def synthesize(settings: Settings) -> Case:
    """The generator: people with all that a network learns from."""
    return measure_synthesis(_assets(settings), settings.device, settings.runs, settings.quick)


def _assets(settings: Settings) -> Path:
    if settings.assets is None:
        raise ValueError("people are made of assets: name the packed file with --assets")
    return settings.assets


RUN: dict[str, Callable[[Settings], Case]] = {
    "matrix": matrix,
    "surface_256": lambda settings: surface(settings, 256),
    "surface_512": lambda settings: surface(settings, 512),
    "surface_1024": lambda settings: surface(settings, 1024),
    "components": components,
    "people_components": components_of_people,
    "precision": lambda settings: precision(
        settings.device, DEMO_IMAGE, settings.weights, 64 if settings.quick else 256
    ),
    "people_precision": precision_of_people,
    "lite": lite,
    "phorhum_lite": phorhum_lite,
    "continuous": lambda settings: continuous(
        settings.device,
        DEMO_IMAGE,
        settings.weights,
        settings.runs if settings.device.type == "cpu" else 10 * settings.runs,
        quick=settings.quick,
    ),
    "publishing": lambda settings: publishing(settings.runs, quick=settings.quick),
    "published_256": lambda settings: published(settings, 256),
    "published_512": lambda settings: published(settings, 512),
    "synthesize": synthesize,
}
