"""The reconstruction systems by name."""

from __future__ import annotations

from pifuhd_ros.reconstructors.base import Reconstructor
from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor

__all__ = ["RECONSTRUCTORS", "Reconstructor"]

RECONSTRUCTORS: dict[str, type[Reconstructor]] = {
    PifuhdReconstructor.name: PifuhdReconstructor,
    PhorhumReconstructor.name: PhorhumReconstructor,
}
"""Every system that users can name; a new one is one line here."""
