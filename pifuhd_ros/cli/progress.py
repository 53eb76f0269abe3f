"""A progress bar for work that reports stages and fractions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pifuhd_ros.types import OnProgress


@contextmanager
def progress_bar(*, disable: bool | None = None) -> Iterator[OnProgress]:
    """Draw a bar on stderr that names the stage; the callback moves it.

    Args:
        disable: True for no bar, None for none where stderr is not a terminal.
    """
    from tqdm import tqdm

    with tqdm(
        total=100,
        disable=disable,
        bar_format="{desc:<16} {percentage:3.0f}% |{bar}| {elapsed}",
        leave=False,
    ) as bar:

        def report(stage: str, fraction: float) -> None:
            bar.set_description_str(stage, refresh=False)
            # A part of the work may start a little before where another estimated its end.
            bar.update(max(0.0, 100 * fraction - bar.n))

        yield report
