"""What a training run does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from pifuhd_ros.networks.phorhum import PhorhumConfig
from pifuhd_ros.networks.pifuhd import PifuhdConfig

Level = Literal["normals", "coarse", "fine"]
LEVELS: tuple[Level, ...] = ("normals", "coarse", "fine")
Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True)
class StageConfig:
    """One part of a run: some of the networks learn for some steps."""

    name: str
    """Of the stage and of its folder."""
    levels: tuple[str, ...]
    """Networks that learn; those before them run, those after them do not."""
    steps: int
    """Optimiser steps."""
    batch: int = 8
    """Views in a step, over all processes."""
    pieces: int = 1
    """A step's batch is made of so many equal pieces, each from its own seed. Processes share the
    pieces out, so that a run's data is the same on one device and on as many as there are pieces;
    a single process sums up the gradients of its pieces, which needs less memory."""
    points: int = 6000
    """Labelled points of each view in a step."""
    learning_rate: float = 1.2e-3
    """Highest learning rate of AdamW."""
    muon_rate: float = 0.02
    """Highest learning rate of Muon, which takes the hidden convolutions: see optimizers.py."""
    warmup_steps: int = 200
    """Steps in which the learning rates rise from zero; then they fall to zero on a cosine."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    ema_decay: float = 0.998
    """Of the average of the weights, which is what is validated and shipped."""
    validate_every: int = 500
    """Steps between validations and checkpoints."""
    balance_sides: bool = False
    """Weigh the points inside and outside so that both sides count alike, as the paper does."""

    all_levels: ClassVar[tuple[str, ...]] = LEVELS
    """Of the system."""

    def __post_init__(self) -> None:
        unknown = set(self.levels) - set(self.all_levels)
        if unknown or not self.levels:
            raise ValueError(f"levels are some of {', '.join(self.all_levels)}; got {self.levels}")
        if not self.name.isidentifier():
            raise ValueError(f"a stage's name is letters, digits and _; got {self.name!r}")
        counts = (self.steps, self.batch, self.pieces, self.points, self.validate_every)
        if min(counts) < 1:
            raise ValueError("steps, batch, pieces, points and validate_every are at least 1")
        if self.batch % self.pieces:
            raise ValueError(f"{self.pieces} pieces do not divide a batch of {self.batch}")


@dataclass(frozen=True)
class PhorhumStageConfig(StageConfig):
    """One part of a run of PHORHUM: what it samples and how its losses weigh; 0 leaves one out.

    The names follow Alldieck et al., CVPR 2022, section 3.
    """

    levels: tuple[str, ...] = ("field", "light")
    """"field": the features, distance and albedo; "light": illumination code and shading."""
    steps: int = 10_000
    surface_points: int = 1000
    """Of each view on its front and back surface; near it there are as many again."""
    eikonal_share: float = 0.25
    """Of the labelled points, whose gradients are computed."""
    patches: int = 0
    """Of each view that are rendered; 0: no rendering losses."""
    patch_px: int = 16
    """Side of a patch."""
    trace_steps: int = 12
    """Of sphere tracing."""
    true_depth_share: float = 0.0
    """Of the views in which points are asked with the true depths in the features that estimate
    them, for networks that have such; see training/losses.py."""
    surface_weight: float = 1.0
    """L_g: the distance is zero on the surface."""
    normal_weight: float = 0.1
    """L_g: its gradient there is the normal."""
    label_weight: float = 0.1
    """L_l: its sign off the surface, sharpened by a factor that is learned."""
    eikonal_weight: float = 0.05
    """L_e: its gradient is of length one."""
    albedo_weight: float = 1.0
    """L_a: on the surface."""
    near_albedo_weight: float = 0.5
    """L_a: near the surface."""
    silhouette_weight: float = 0.1
    """L_r: rays through the person hit it, and no others do."""
    rendered_albedo_weight: float = 0.5
    """L_r: of front and back."""
    rendered_shaded_weight: float = 0.5
    """L_c: front in the light of the photo, against the photo."""
    patch_weight: float = 0.2
    """In place of the paper's perceptual loss: differences of neighbours at several scales."""
    shaded_weight: float = 0.0
    """Beyond the paper: the shading network alone, on true normals and true albedo."""
    light_weight: float = 0.0
    """Beyond the paper: the shading of a white ball in the true light, from all sides."""
    distance_weight: float = 0.0
    """Beyond the paper: the true distance of the labelled points, up to 0.1 model units."""
    depth_weight: float = 0.0
    """Beyond the paper: the features that are depths."""
    painted_weight: float = 0.0
    """Beyond the paper: the images of networks that paint, against the albedo of both sides."""
    constancy_weight: float = 0.0
    """Beyond the paper: the albedo stays the same in a second photo in another light."""

    all_levels: ClassVar[tuple[str, ...]] = ("field", "light")

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.surface_points, self.trace_steps, self.patch_px) < 1 or self.patches < 0:
            raise ValueError("surface_points, trace_steps and patch_px are at least 1")
        if not (0 < self.eikonal_share <= 1 and 0 <= self.true_depth_share <= 1):
            raise ValueError("eikonal_share and true_depth_share are shares")


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run, from nothing to weights."""

    network: PifuhdConfig | PhorhumConfig
    """Sizes of the network, which say which system it is."""
    stages: tuple[StageConfig, ...]
    """In this order; each starts from the averaged weights of the one before."""
    seed: int = 0
    """Of the first weights and of every step's data."""
    precision: Precision = "32-true"
    """Of the arithmetic; the weights are float32 always."""
    workers: int = 0
    """Processes that make batches; 0: this one does."""
    ahead: int = 2
    """Batches that are ready before they are needed, by a thread; 0: each is made when needed."""

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a run has at least one stage, each of its own name; got {names}")
        kind = PhorhumStageConfig if isinstance(self.network, PhorhumConfig) else StageConfig
        if any(type(stage) is not kind for stage in self.stages):
            raise ValueError(f"every stage of this network is a {kind.__name__}")
        if self.precision not in get_args(Precision):
            allowed = ", ".join(get_args(Precision))
            raise ValueError(f"precision is one of {allowed}; got {self.precision!r}")
        if self.workers < 0 or self.ahead < 0:
            raise ValueError("workers and ahead are not negative")
