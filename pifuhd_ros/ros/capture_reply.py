"""The answer to a trigger, whether it came by service or by action."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pifuhd_ros.action import Reconstruct
from pifuhd_ros.msg import PersonMesh
from pifuhd_ros.srv import Capture

Response = TypeVar("Response", Capture.Response, Reconstruct.Result)


@dataclass(frozen=True)
class CaptureReply:
    """What became of one trigger."""

    success: bool
    message: str
    """One sentence for a person to read."""
    is_cancelled: bool = False
    people: tuple[PersonMesh, ...] = ()
    files: tuple[Path, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each stage, in the order they ran."""

    def fill(self, response: Response) -> Response:
        """Write the reply into the response of the service or the result of the action."""
        response.success = self.success
        response.message = self.message
        response.people = list(self.people)
        response.files = [str(path) for path in self.files]
        response.stage_names = list(self.timings_s)
        response.stage_seconds = array("f", self.timings_s.values())
        return response
