"""The training loop: resumable, the same from one run as from two."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork
from pifuhd_ros.networks.weights import save_weights
from pifuhd_ros.training.batches import Batch, People, make_batch
from pifuhd_ros.training.config import TrainingConfig
from pifuhd_ros.training.losses import compute_losses, depth_error, run_levels
from pifuhd_ros.types import OnProgress, WeightsError

_CHECKPOINT = "checkpoint.pt"
_WEIGHTS = "weights.safetensors"
_VALIDATION_BATCHES = 6


@dataclass(frozen=True)
class Validation:
    """How the averaged weights do on people of the training kind that they have not seen."""

    step: int
    front_deg: float
    """Mean angle between predicted and true front normals."""
    back_deg: float
    depth_error: float
    """Mean absolute error of the coarse features' front and back z, model units; NaN if not run."""
    coarse_accuracy: float
    """Share of the labelled points that the coarse level puts on the right side; NaN if not run."""
    fine_accuracy: float


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Linear warm-up, then a cosine to zero."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    return config.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / config.steps))


class Trainer:
    """Trains one network in one folder, which holds its checkpoint, weights and log."""

    def __init__(
        self,
        network: PifuhdNetwork,
        config: TrainingConfig,
        people: Path,
        folder: Path,
        device: torch.device,
    ) -> None:
        self.config = config
        self.folder = folder
        self.device = device
        self.train_people = People(people)
        self.validation_people = People(people, validation=True)
        self.network = network.to(device)
        self.average = PifuhdNetwork(network.config).to(device)
        self.average.load_state_dict(network.state_dict())
        self.average.eval().requires_grad_(False)
        self._freeze()
        learning = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(learning, weight_decay=config.weight_decay)
        self.step = 0
        self.minutes = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def _freeze(self) -> None:
        parts: dict[str, list[torch.nn.Module]] = {
            "normals": [self.network.netG.normals],
            "coarse": [self.network.netG.image_filter, self.network.netG.mlp],
            "fine": [self.network.image_filter, self.network.mlp],
        }
        for level, modules in parts.items():
            for module in modules:
                module.requires_grad_(level in self.config.levels)

    def _batch(self, people: People, seed: int, count: int) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        sizes = self.network.config
        image_size = sizes.fine_size if "fine" in self.config.levels else sizes.coarse_size
        batch = make_batch(
            people.draw(count, image_size, generator),
            sizes.coarse_size,
            self.config.points,
            generator,
        )
        return Batch(**{k: v.to(self.device) for k, v in vars(batch).items()})

    def _step(self) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.step)
        batch = self._batch(
            self.train_people, self.config.seed * 1_000_003 + self.step, self.config.batch
        )
        outputs = run_levels(self.network, batch, self.config.levels)
        loss = compute_losses(outputs, batch, self.config.levels).total()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(
            [p for p in self.network.parameters() if p.requires_grad], self.config.clip_norm
        )
        self.optimizer.step()
        self.step += 1
        # Early on the average follows closely, else it would remember the random start.
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, value in zip(
                self.average.parameters(), self.network.parameters(), strict=True
            ):
                mean.lerp_(value, 1 - decay)
        return float(loss.detach())

    @torch.no_grad()
    def validate(self) -> Validation:
        """Measures the averaged weights; always on the same people."""
        front: list[float] = []
        back: list[float] = []
        depth: list[float] = []
        right: dict[str, list[float]] = {"coarse": [], "fine": []}
        for i in range(_VALIDATION_BATCHES):
            batch = self._batch(self.validation_people, 7_777_777 + i, self.config.batch)
            outputs = run_levels(self.average, batch, self.config.levels)
            seen = batch.mask[:, 0] > 0.5
            for angles, predicted, true in (
                (front, outputs.front, batch.front),
                (back, outputs.back, batch.back),
            ):
                cosine = (predicted * true).sum(1).clamp(-1, 1)
                angles.append(float(torch.rad2deg(cosine.arccos())[seen].mean()))
            if outputs.depth is not None:
                error = depth_error(outputs.depth, batch.depth, seen[:, None].float())
                depth.append(float(error) / 2)
            for name, logits in (("coarse", outputs.coarse), ("fine", outputs.fine)):
                if logits is not None:
                    correct = (logits > 0) == (batch.inside > 0.5)
                    right[name].append(float(correct.float().mean()))

        def mean(values: list[float]) -> float:
            return sum(values) / len(values) if values else float("nan")

        return Validation(
            self.step,
            mean(front),
            mean(back),
            mean(depth),
            mean(right["coarse"]),
            mean(right["fine"]),
        )

    def save(self) -> None:
        """Writes the checkpoint and the averaged weights, each in one step."""
        partial = self.folder / (_CHECKPOINT + ".partial")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "minutes": self.minutes,
                "levels": list(self.config.levels),
            },
            partial,
        )
        os.replace(partial, self.folder / _CHECKPOINT)
        save_weights(self.folder / _WEIGHTS, self.average)

    def resume(self) -> bool:
        """Goes on from the folder's checkpoint, if there is one."""
        path = self.folder / _CHECKPOINT
        if not path.is_file():
            return False
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["levels"] != list(self.config.levels):
            raise WeightsError(
                f"{path} trained {', '.join(state['levels'])}, this run trains "
                f"{', '.join(self.config.levels)}: give another folder with --out"
            )
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.minutes = state["minutes"]
        return True

    def run(self, on_progress: OnProgress | None = None) -> None:
        """Trains to the last step, saving on the way."""
        started, before = time.monotonic(), self.minutes
        recent = 0.0
        while self.step < self.config.steps:
            loss = self._step()
            recent = loss if recent == 0 else 0.98 * recent + 0.02 * loss
            self.minutes = before + (time.monotonic() - started) / 60
            if on_progress is not None:
                on_progress(f"loss {recent:.3f}", self.step / self.config.steps)
            if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                result = self.validate()
                self.save()
                entry = {"minutes": round(self.minutes, 2), "loss": recent, **vars(result)}
                with (self.folder / "log.jsonl").open("a") as log:
                    log.write(json.dumps(entry) + "\n")


def new_network(config: PifuhdConfig, seed: int) -> PifuhdNetwork:
    """A network with seeded random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PifuhdNetwork(config)
