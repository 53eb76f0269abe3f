"""One stage's training: resumable, the same from one run as from two, on one device as on many."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pifuhd_ros.networks.weights import save_weights
from pifuhd_ros.training.batches import PeopleSource
from pifuhd_ros.training.checkpoint import read_checkpoint, write_checkpoint
from pifuhd_ros.training.config import StageConfig, TrainingConfig
from pifuhd_ros.training.learners import learner_of
from pifuhd_ros.training.optimizers import optimizers_for, set_rates
from pifuhd_ros.training.pieces import pieces_in_order
from pifuhd_ros.training.tensorboard import Board
from pifuhd_ros.types import ConfigError, OnProgress, WeightsError

if TYPE_CHECKING:
    from lightning.fabric import Fabric

WEIGHTS = "weights.safetensors"
_VALIDATION_PIECES = 6
_VALIDATION_VIEWS = 8
_ASK_THE_TIME_EVERY = 10


def rate_share(stage: StageConfig, step: int) -> float:
    """Of the highest learning rates: linear warm-up, then a cosine to zero."""
    warm = min(1.0, (step + 1) / max(1, stage.warmup_steps))
    return warm * 0.5 * (1 + math.cos(math.pi * step / stage.steps))


def new_network(config: Any, seed: int) -> Any:
    """The network of a config, of any system, with seeded random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return learner_of(config).build(config)


class Trainer:
    """Trains one stage in one folder, which holds its checkpoint, weights, log and pictures."""

    def __init__(
        self,
        fabric: Fabric,
        network: Any,
        config: TrainingConfig,
        stage: StageConfig,
        train: PeopleSource,
        validation: PeopleSource,
        folder: Path,
        board: Board | None = None,
    ) -> None:
        """Prepare, on every process alike.

        Args:
            fabric: Launched.
            network: Of the config's system, to start from; it is trained in place.
            config: Of the run.
            stage: Of its stages.
            train: People to learn from.
            validation: Others, to measure with.
            folder: Of this stage; it is made.
            board: Where curves and pictures go.

        Raises:
            ConfigError: The processes cannot share out the batch.
        """
        self._fabric = fabric
        self._config = config
        self.stage = stage
        self._folder = folder
        self._board = board
        self.pieces = math.lcm(stage.pieces, fabric.world_size)
        if stage.batch % self.pieces:
            raise ConfigError(
                f"stage {stage.name}: a batch of {stage.batch} cannot be cut into the "
                f"{self.pieces} equal pieces that {fabric.world_size} processes ask for: change "
                "its batch or its pieces"
            )
        self._learner = learner_of(config.network)
        self._train, self._validation = (
            self._learner.pieces(config, stage, source, purpose, count)
            for source, purpose, count in (
                (train, "train", stage.batch // self.pieces),
                (validation, "validation", min(stage.batch, _VALIDATION_VIEWS)),
            )
        )
        # The step of the lite network's coarse level is 7 % faster on this layout, on one CPU core.
        # (Torch's types do not know this form of to.)
        layout: dict[str, Any] = {"memory_format": torch.channels_last}
        self.network = network.train().to(**layout)
        self.average = self._learner.build(network.config).to(**layout)
        self.average.load_state_dict(network.state_dict())
        self.average.eval().requires_grad_(False).to(fabric.device)
        self._learner.freeze(network, stage.levels)
        self._learning = {k: p for k, p in network.named_parameters() if p.requires_grad}
        self._optimizers = optimizers_for(self._learning, stage)
        losses = self._learner.losses(network, stage)
        self._losses, *self._fabric_optimizers = fabric.setup(losses, *self._optimizers)
        self.step = 0
        self.minutes = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def is_done(self) -> bool:
        """Whether the last step is taken."""
        return self.step >= self.stage.steps

    @property
    def views_seen(self) -> int:
        """How many views the steps so far have learned from."""
        return self.step * self.stage.batch

    def _own_pieces(self, first_step: int) -> list[int]:
        """The numbers of all pieces that this process takes from a step on."""
        share = self.pieces // self._fabric.world_size
        start = self._fabric.global_rank * share
        return [
            step * self.pieces + place
            for step in range(first_step, self.stage.steps)
            for place in range(start, start + share)
        ]

    def backward(self, pieces: Iterator[Any]) -> torch.Tensor:
        """Leaves the gradients of one step's mean loss in the network, the same on every process.

        Args:
            pieces: From which this process's share of the step is taken.

        Returns:
            This process's mean loss.
        """
        share = self.pieces // self._fabric.world_size
        total = torch.zeros((), device=self._fabric.device)
        for place in range(share):
            waits = self._fabric.world_size > 1 and place < share - 1
            quiet = self._fabric.no_backward_sync(self._losses) if waits else nullcontext()
            with quiet:
                terms = self._losses(**vars(next(pieces)))
                loss = torch.stack([term.float() for term in terms.values()]).sum() / share
                self._fabric.backward(loss)
            total += loss.detach()
        return total

    def _take_step(self, pieces: Iterator[Any]) -> torch.Tensor:
        set_rates(self._optimizers, rate_share(self.stage, self.step))
        loss = self.backward(pieces)
        # The norm is that of all the gradients, whichever optimiser is named.
        self._fabric.clip_gradients(
            self._losses, self._fabric_optimizers[0], max_norm=self.stage.clip_norm
        )
        for optimizer in self._fabric_optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        # Early on the average follows closely, else it would remember the random start.
        decay = min(self.stage.ema_decay, (1 + self.step) / (10 + self.step))
        means = dict(self.average.named_parameters())
        with torch.no_grad():
            for name, value in self._learning.items():
                means[name].lerp_(value, 1 - decay)
        return loss

    def validate(self) -> Any:
        """The learner's figures of the averaged weights; always on the same people."""
        pieces = [self._validation(i).to(self._fabric.device) for i in range(_VALIDATION_PIECES)]
        with self._fabric.autocast():
            result = self._learner.validate(self.average, pieces, self.stage)
            if self._board is not None:
                drawn = self._learner.draw(self.average, pieces[0], self.stage)
                self._board.add_pictures(self.stage.name, drawn, self.step)
        if self._board is not None:
            self._board.add_figures(self.stage.name, vars(result), self.step)
        return result

    def save(self) -> None:
        """Writes the checkpoint and the averaged weights; one process does."""
        if self._fabric.is_global_zero:
            own = set(self._learning)
            mean = {k: v for k, v in self.average.named_parameters() if k in own}
            state = {
                "stage": self.stage.name,
                "levels": list(self.stage.levels),
                "step": self.step,
                "minutes": self.minutes,
                "network": dict(self.network.named_parameters()),
                "average": mean,
                "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            }
            write_checkpoint(self._folder, self.step, state)
            save_weights(self._folder / WEIGHTS, self.average)
        self._fabric.barrier()

    def resume(self) -> bool:
        """Goes on from the folder's checkpoint, if there is one.

        Raises:
            WeightsError: It is of other networks or damaged.
        """
        state = read_checkpoint(self._folder)
        if state is None:
            return False
        if state["levels"] != list(self.stage.levels):
            raise WeightsError(
                f"{self._folder} trained {', '.join(state['levels'])}, this run trains "
                f"{', '.join(self.stage.levels)}: give another folder with --out"
            )
        own = dict(self.network.named_parameters())
        saved = state["network"]
        if {k: v.shape for k, v in saved.items()} != {k: v.shape for k, v in own.items()}:
            raise WeightsError(
                f"{self._folder} holds a network of other sizes: give another folder with --out"
            )
        self.network.load_state_dict(saved, strict=False)
        self.average.load_state_dict({**saved, **state["average"]}, strict=False)
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = state["step"]
        self.minutes = state["minutes"]
        return True

    def run(self, deadline_s: float = math.inf, on_progress: OnProgress | None = None) -> bool:
        """Trains to the last step, saving on the way.

        Args:
            deadline_s: On time.monotonic()'s clock; then it saves and stops.
            on_progress: Called after each step.

        Returns:
            Whether the stage is done.
        """
        started, before = time.monotonic(), self.minutes
        recent, saved = math.nan, self.step
        with pieces_in_order(
            self._train,
            self._own_pieces(self.step),
            self._fabric.device,
            self._config.workers,
            self._config.ahead,
        ) as pieces:
            while not self.is_done:
                loss = self._take_step(pieces)
                # Reading the loss waits for the device: not at every step.
                if self.step % _ASK_THE_TIME_EVERY == 0 or self._fabric.device.type == "cpu":
                    latest = float(loss)
                    recent = latest if math.isnan(recent) else 0.9 * recent + 0.1 * latest
                self.minutes = before + (time.monotonic() - started) / 60
                if on_progress is not None:
                    on_progress(
                        f"{self.stage.name}: loss {recent:.3f}", self.step / self.stage.steps
                    )
                if self.step % self.stage.validate_every == 0 or self.is_done:
                    self.save()
                    saved = self.step
                    self._log(recent)
                elif self._time_is_up(deadline_s):
                    break
        if saved != self.step:
            self.save()
        return self.is_done

    def _time_is_up(self, deadline_s: float) -> bool:
        if deadline_s == math.inf:
            return False
        if self._fabric.world_size == 1:
            return time.monotonic() >= deadline_s
        if self.step % _ASK_THE_TIME_EVERY:
            return False
        # The processes must stop at the same step: the first one's clock is everyone's.
        return bool(self._fabric.broadcast(time.monotonic() >= deadline_s))

    def _log(self, loss: float) -> None:
        if self._fabric.is_global_zero:
            entry = {
                "step": self.step,
                "views": self.views_seen,
                "minutes": round(self.minutes, 2),
                "loss": loss,
                **vars(self.validate()),
            }
            with (self._folder / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(entry) + "\n")
            if self._board is not None:
                share = rate_share(self.stage, self.step)
                figures = {"loss": loss, "learning_rate": self.stage.learning_rate * share}
                self._board.add_figures(self.stage.name, figures, self.step)
        self._fabric.barrier()
