"""How long work reports where it is."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[str, float], None]
"""Called with (stage, fraction of the whole work in [0, 1]).

It may raise CaptureCancelled to stop the work: the exception passes through unchanged.
"""
