"""The pieces of a run's batches: which views they hold, and how they are ready in time."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from pifuhd_ros.training.batches import Batch, PeopleSource, make_batch

_POLL_S = 0.1
_T = TypeVar("_T")
_Piece = TypeVar("_Piece", bound="Piece")


class Piece(Protocol):
    """Tensors by name: a frozen dataclass."""

    def to(self: _Piece, device: torch.device) -> _Piece:
        """The same piece on a device."""


def piece_generator(seed: int, stage: str, number: int) -> torch.Generator:
    """Of everything random in a piece; it depends on these three alone.

    Args:
        seed: Of the run.
        stage: Stages of one run see different people.
        number: Of the piece: step · pieces + its place in the step's batch.
    """
    key = f"{seed}/{stage}/{number}".encode()
    digest = hashlib.blake2b(key, digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


@dataclass(frozen=True)
class PieceMaker:
    """Makes any piece of a stage's batches; each depends on the seed and its number alone."""

    source: PeopleSource
    seed: int
    """Of the run."""
    stage: str
    """Stages of one run see different people."""
    count: int
    """Views in a piece."""
    points: int
    """Of each view."""
    image_size: int
    """Side of the images [px]."""
    coarse_size: int
    """Side of the true normal maps [px]."""

    def __call__(self, number: int) -> Batch:
        """The piece of that number: step · pieces + its place in the step's batch."""
        generator = piece_generator(self.seed, self.stage, number)
        views = self.source.draw(self.count, self.image_size, generator)
        return make_batch(views, self.coarse_size, self.points, generator)


class _Numbered(Dataset[_Piece]):
    """A map-style data set over piece numbers."""

    def __init__(self, make: Callable[[int], _Piece]) -> None:
        self._make = make

    def __getitem__(self, number: int) -> _Piece:
        return self._make(number)


@contextmanager
def pieces_in_order(
    make: Callable[[int], _Piece],
    numbers: Sequence[int],
    device: torch.device,
    workers: int,
    ahead: int,
) -> Iterator[Iterator[_Piece]]:
    """The pieces of these numbers, in order, on the device.

    However they are made, the pieces are the same.

    Args:
        make: Gives the piece of a number; pickled where there are workers.
        numbers: Which pieces.
        device: Where they are needed.
        workers: Processes that make them; 0: this process.
        ahead: Pieces that are ready before they are needed (with workers: in each besides), by a
            thread; 0: no thread.
    """
    made: Iterable[_Piece]
    if workers:
        made = DataLoader(
            _Numbered(make),
            batch_size=None,
            sampler=numbers,
            num_workers=workers,
            prefetch_factor=max(1, ahead),
            multiprocessing_context="spawn",  # A forked child cannot use a GPU, nor autograd.
        )
    else:
        made = map(make, numbers)
    placed = (piece.to(device) for piece in made)
    if ahead == 0:
        yield placed
        return
    with _from_thread(placed, ahead) as ready:
        yield ready


@contextmanager
def _from_thread(items: Iterable[_T], ahead: int) -> Iterator[Iterator[_T]]:
    """The items, made by a thread that keeps so many ready; its errors are raised here."""
    ready: queue.Queue[_T | BaseException | None] = queue.Queue(ahead)
    stop = threading.Event()

    def put(item: _T | BaseException | None) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=_POLL_S)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:  # Whatever it is, the reader must not wait for ever.
            put(error)

    def read() -> Iterator[_T]:
        while True:
            item = ready.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=work, name="pieces", daemon=True)
    thread.start()
    try:
        yield read()
    finally:
        stop.set()
        thread.join()
