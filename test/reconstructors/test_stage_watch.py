"""Times and progress of stages."""

from __future__ import annotations

import pytest
import torch

from pifuhd_ros.reconstructors.devices import memory_errors_explained, resolve_device
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.types import DeviceError

CPU = torch.device("cpu")


def test_stages_are_timed_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = iter([10.0, 13.0, 13.5, 14.5, 20.0])
    monkeypatch.setattr("pifuhd_ros.reconstructors.stage_watch.time.perf_counter", clock_s.__next__)
    watch = StageWatch(CPU)
    watch("slow", 0.0)
    watch("fast", 0.5)
    watch("slow", 0.6)

    timings_s = watch.take_timings_s()

    assert list(timings_s.items()) == [("slow", 4.0), ("fast", 0.5)]
    assert watch.take_timings_s() == {}


def test_parts_are_scaled_into_the_whole() -> None:
    reports: list[tuple[str, float]] = []
    watch = StageWatch(CPU, lambda stage, fraction: reports.append((stage, fraction)))

    part = watch.part(0.2, 0.6)
    part("a", 0.0)
    part("b", 0.5)
    part("b", 1.0)

    assert [stage for stage, _ in reports] == ["a", "b", "b"]
    assert [fraction for _, fraction in reports] == pytest.approx([0.2, 0.4, 0.6])


def test_auto_is_what_is_there() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == CPU
    assert resolve_device(CPU) == CPU


@pytest.mark.parametrize(("device", "message"), [("tpu9", "unknown"), ("meta", "not supported")])
def test_other_devices_are_refused(device: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        resolve_device(device)


def test_a_gpu_that_is_too_small_is_explained() -> None:
    with pytest.raises(DeviceError, match="lower the resolution"), memory_errors_explained(CPU):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")
