"""One capture, from camera topics to messages and files: the recipe of the node."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pifuhd_ros.reconstructors.table import Reconstructor
from pifuhd_ros.ros.capture_outputs import CaptureOutputs
from pifuhd_ros.ros.capture_reply import CaptureReply
from pifuhd_ros.ros.frame_source import FrameSource, Shot
from pifuhd_ros.ros.frames import frame_from_shot
from pifuhd_ros.ros.parameters import CaptureParameters, ParameterError
from pifuhd_ros.ros.stage_clock import StageClock
from pifuhd_ros.stages.export import export_mesh
from pifuhd_ros.stages.selection import select_frame
from pifuhd_ros.stages.turntable import render_turntable
from pifuhd_ros.types import ExportError, Frame, OnProgress, PersonDetection, Reconstruction

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SELECT_START, _INFER_START, _INFER_END, _SAVE_START = 0.05, 0.1, 0.9, 0.95


@dataclass(frozen=True)
class CaptureRequest:
    """What a service call or an action goal asks for."""

    file_name: str = ""
    """Plain name of the files to write, or "" for none."""
    timeout_s: float = 0.0
    """How long to wait for the first image; 0: as the parameter says."""


def check_request(request: CaptureRequest) -> None:
    """Refuse a request that cannot be served, before any work.

    Raises:
        ExportError: The file name is more than a plain name.
        ParameterError: The timeout is no time.
    """
    if request.file_name and not _PLAIN_NAME.fullmatch(request.file_name):
        raise ExportError(
            f"file_name must be a plain name of letters, digits, '.', '_' and '-' without folder, "
            f"not {request.file_name[:120]!r}: files go to the folder of parameter output_folder"
        )
    if not math.isfinite(request.timeout_s) or request.timeout_s < 0:
        raise ParameterError(f"timeout_s must be 0 or more seconds, not {request.timeout_s}")


def run_capture(
    request: CaptureRequest,
    reconstructor: Reconstructor,
    *,
    parameters: CaptureParameters,
    source: FrameSource,
    outputs: CaptureOutputs,
    check: Callable[[], None],
    on_progress: OnProgress,
) -> CaptureReply:
    """Wait for images, reconstruct the people in the best one, publish and save them.

    Args:
        request: What was asked for; checked.
        reconstructor: The system to use.
        parameters: As they are at this moment.
        source: Where the images come from.
        outputs: Where the results go.
        check: Called again and again; raises where the capture is to stop.
        on_progress: Told the stage and the fraction of the whole capture.

    Raises:
        PifuhdError: There is nothing to reconstruct, or something cannot be used or written.
        CaptureCancelled: From ``check``.
    """

    def report(stage: str, progress: float) -> None:
        check()
        on_progress(stage, progress)

    def report_infer(stage: str, progress: float) -> None:
        report(stage, _INFER_START + (_INFER_END - _INFER_START) * progress)

    clock = StageClock()
    with clock.stage("image"):
        report("image", 0.0)
        shots = source.gather(
            window_s=parameters.window_s,
            max_frames=parameters.max_frames,
            timeout_s=request.timeout_s or parameters.image_timeout_s,
            check=check,
        )
    with clock.stage("select"):
        report("select", _SELECT_START)
        frame, notices = _best_frame(shots, reconstructor, check)
    people = [
        replace(person, notices=(*notices, *person.notices))
        for person in reconstructor.infer(frame, on_progress=report_infer)
    ]
    for person in people:
        clock.add(person.timings_s)
    with clock.stage("publish"):
        report("publish", _INFER_END)
        messages = outputs.publish(frame, people, parameters)
    files: list[Path] = []
    for path, write in plan_files(people, request.file_name, parameters):
        stage = "turntable" if path.suffix == ".png" else "save"
        with clock.stage(stage):
            report(stage, _SAVE_START)
            files.append(write(path))
    return CaptureReply(
        success=True,
        message=_summary(people, clock),
        people=messages,
        files=tuple(files),
        timings_s=clock.timings_s,
    )


def _best_frame(
    shots: Sequence[Shot], reconstructor: Reconstructor, check: Callable[[], None]
) -> tuple[Frame, tuple[str, ...]]:
    """Return the frame that shows a person best, and what could not be used of it."""

    def detect(frame: Frame) -> list[PersonDetection]:
        check()
        return reconstructor.detect(frame)

    candidates = [frame_from_shot(shot) for shot in shots]
    best = select_frame([frame for frame, _ in candidates], detect)
    return next(candidate for candidate in candidates if candidate[0] is best)


def plan_files(
    people: Sequence[Reconstruction], file_name: str, parameters: CaptureParameters
) -> list[tuple[Path, Callable[[Path], Path]]]:
    """List the files of people, each with what writes it; none where no name is given.

    One person's files carry the name itself, several people's the name and a number from 1.

    Raises:
        ExportError: The output folder cannot be made.
    """
    if not file_name:
        return []
    folder = Path(parameters.output_folder).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"output_folder {folder} cannot be made: {error}") from error
    plan: list[tuple[Path, Callable[[Path], Path]]] = []
    for number, person in enumerate(people, start=1):
        stem = file_name if len(people) == 1 else f"{file_name}_{number}"
        for ending in parameters.save_formats:
            write = render_turntable if ending == "png" else export_mesh
            plan.append((folder / f"{stem}.{ending}", partial(write, person.mesh)))
    return plan


def _summary(people: Sequence[Reconstruction], clock: StageClock) -> str:
    who = "1 person" if len(people) == 1 else f"{len(people)} people"
    seconds = sum(clock.timings_s.values())
    return f"{who} reconstructed in {seconds:.1f} s"
