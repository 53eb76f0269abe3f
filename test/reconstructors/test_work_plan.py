"""Memory: what is estimated, what is done where there is less, and what running out looks like."""

from __future__ import annotations

import pytest
import torch

from pifuhd_ros.networks.pifuhd import LITE, PUBLISHED
from pifuhd_ros.reconstructors.devices import memory_errors_explained
from pifuhd_ros.reconstructors.memory_need import estimate_memory
from pifuhd_ros.reconstructors.work_plan import (
    FEWEST_POINTS_AT_ONCE,
    MOST_POINTS_AT_ONCE,
    WorkPlan,
    free_memory,
    plan_work,
)
from pifuhd_ros.types import DeviceError

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
PLENTY = 2**40


def plan(free: int, device: torch.device = CUDA, lowest: int = 64) -> WorkPlan:
    return plan_work(PUBLISHED, 512, lowest, torch.float16, device, free)


def test_weights_are_counted_to_the_byte() -> None:
    assert estimate_memory(PUBLISHED, 256).weights == 4 * 387_049_625
    assert estimate_memory(PUBLISHED, 256, torch.float16).weights == 2 * 387_049_625


def test_encoding_is_what_the_published_code_size_holds() -> None:
    """The fine filter works on tensors of 256 MiB; a handful of them lives at once."""
    tensor = 256 * 512 * 512 * 4
    assert 3 * tensor < estimate_memory(PUBLISHED, 256).encoding < 7 * tensor
    assert estimate_memory(LITE, 256).encoding < 0.25 * tensor


def test_features_count_as_they_are_drawn_for_the_surface() -> None:
    drawn = 4 * LITE.coarse_filter.out_channels * LITE.coarse_size**2
    assert estimate_memory(LITE, 32).search > drawn


def test_need_grows_with_resolution_and_points() -> None:
    totals = [estimate_memory(LITE, r).total for r in (128, 256, 512, 1024)]
    assert totals == sorted(totals)
    assert len(set(totals)) == 4
    few, many = (estimate_memory(LITE, 256, points_at_once=n).query for n in (2**12, 2**16))
    assert many == 16 * few


def test_the_published_size_at_512_stays_under_six_gigabytes() -> None:
    points = MOST_POINTS_AT_ONCE["cuda"]
    assert estimate_memory(PUBLISHED, 512, torch.float16, points).total < 6e9


def test_with_plenty_of_memory_nothing_is_changed() -> None:
    assert plan(PLENTY) == WorkPlan(512, MOST_POINTS_AT_ONCE["cuda"])
    assert plan(PLENTY, CPU) == WorkPlan(512, MOST_POINTS_AT_ONCE["cpu"])


def test_with_less_fewer_points_are_asked_for_at_once_and_the_result_says_so() -> None:
    half = MOST_POINTS_AT_ONCE["cuda"] // 2
    tiled = plan(estimate_memory(PUBLISHED, 512, torch.float16, half).work)
    assert (tiled.resolution, tiled.points_at_once) == (512, half)
    [notice] = tiled.notices
    assert f"{half} points at a time, which takes longer: cuda has only" in notice


def test_with_still_less_the_resolution_is_lowered_and_the_result_says_so() -> None:
    free = estimate_memory(LITE, 512, torch.float16, FEWEST_POINTS_AT_ONCE).work
    lowered = plan_work(LITE, 1024, 64, torch.float16, CUDA, free)
    assert lowered.resolution == 512
    assert "from 1024 to 512" in lowered.notices[0]


def test_the_resolution_is_not_lowered_further_than_allowed() -> None:
    with pytest.raises(DeviceError, match=r"0\.1 GB of free memory .* resolution 512 takes"):
        plan(10**8, lowest=512)


def test_with_nothing_at_all_it_is_an_error() -> None:
    with pytest.raises(DeviceError, match="lower the resolution"):
        plan(1)


def test_free_memory_of_this_machine() -> None:
    assert 0 < free_memory(CPU) < PLENTY


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_running_out_is_told(error: Exception) -> None:
    with pytest.raises(DeviceError, match="too little free memory"), memory_errors_explained(CPU):
        raise error


def test_the_allocator_of_the_cpu_is_understood() -> None:
    with pytest.raises(DeviceError, match="too little free memory"), memory_errors_explained(CPU):
        torch.empty(2**60, dtype=torch.uint8)


def test_other_errors_pass_through() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_errors_explained(CPU):
        raise RuntimeError("shapes differ")
