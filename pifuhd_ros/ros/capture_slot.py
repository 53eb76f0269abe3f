"""One capture at a time, and a way to stop the one that runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pifuhd_ros.types import CaptureCancelled


def never() -> bool:
    """Stand in for a client that cannot cancel."""
    return False


class CaptureTicket:
    """The right to run one capture, from ``CaptureSlot.take`` to ``CaptureSlot.give_back``."""

    def __init__(self, is_cancel_requested: Callable[[], bool]) -> None:
        """Make a ticket; ``is_cancel_requested`` asks the client."""
        self._is_cancel_requested = is_cancel_requested
        self._reason: str | None = None

    def cancel(self, reason: str) -> None:
        """Ask the capture to stop, whatever the client wants."""
        self._reason = reason

    def check(self) -> None:
        """Go on, or stop where asked to.

        Raises:
            CaptureCancelled: Somebody asked the capture to stop; the message is the reason.
        """
        if self._reason is not None:
            raise CaptureCancelled(self._reason)
        if self._is_cancel_requested():
            raise CaptureCancelled("cancelled on request")


class CaptureSlot:
    """Room for one running capture."""

    def __init__(self) -> None:
        """Make an empty slot."""
        self._changed = threading.Condition()
        self._ticket: CaptureTicket | None = None

    @property
    def is_taken(self) -> bool:
        """Whether a capture runs."""
        return self._ticket is not None

    def take(self, is_cancel_requested: Callable[[], bool]) -> CaptureTicket | None:
        """Return the ticket for a new capture, or None while another one runs."""
        with self._changed:
            if self._ticket is not None:
                return None
            self._ticket = CaptureTicket(is_cancel_requested)
            return self._ticket

    def give_back(self) -> None:
        """End the running capture."""
        with self._changed:
            self._ticket = None
            self._changed.notify_all()

    def clear(self, reason: str) -> None:
        """Ask the running capture, if any, to stop, and wait until it has."""
        with self._changed:
            if self._ticket is not None:
                self._ticket.cancel(reason)
            self._changed.wait_for(lambda: self._ticket is None)
