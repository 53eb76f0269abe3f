"""What each case is to reach, on which machine."""

from __future__ import annotations

from measure import Case

NOT_MEASURED = "not yet measured"

GOALS: dict[tuple[str, str], str] = {
    ("published_512", "cuda"): "25 ms in the median on one H200, under 6 GB of its memory",
    ("published_256", "cuda"): "12 ms in the median on one H200",
    ("continuous", "cuda"): "60 frames a second on one H200, latency under 40 ms",
    ("published_256", "cpu"): "1.5 times the floor on two cores",
    ("lite", "cpu"): "1.5 s and 1.5 GB on two cores",
    ("publishing", "cpu"): "60 ms",
}
"""By case and kind of device."""

_TITLES = {
    "published_512": "network of the published size, crop to mesh, 512³",
    "published_256": "network of the published size, crop to mesh, 256³",
    "continuous": "`pifuhd-lite`, 256³, continuous, image to messages",
}


def missing_on_gpu() -> list[Case]:
    """Rows for what no GPU was at hand for."""
    return [
        Case(f"{name}_cuda", f"{_TITLES[name]}, on a GPU", goal=goal, note=NOT_MEASURED)
        for (name, kind), goal in GOALS.items()
        if kind == "cuda"
    ]
