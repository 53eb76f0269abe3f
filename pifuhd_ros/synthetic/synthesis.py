"""From seeds to people with all that a network learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.occlusion import Occlusion, ambient_occlusion
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.placement import Placement, sample_placement
from pifuhd_ros.synthetic.pose_rig import make_pose_rig
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.render import Views, render_views
from pifuhd_ros.synthetic.samples import PointSamples, SamplingConfig, sample_points
from pifuhd_ros.synthetic.split import Split
from pifuhd_ros.synthetic.volume import occupancy_volumes
from pifuhd_ros.synthetic.wardrobe import Wardrobe

MakePeople = Callable[[Sequence[int]], People]
"""People of seeds: generated ones, or scans by their numbers."""
OnStage = Callable[[str], None]
"""Told which stage begins."""
_VIEW_SEED = 1_000_003


@dataclass(frozen=True)
class SynthesisConfig:
    """What is made of each person."""

    size_px: int = 512
    """Side of the square views."""
    views: int = 3
    """Of each person; the first faces the camera more or less."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    """The labelled points."""


@dataclass(frozen=True)
class Supervision:
    """People with their views and points; view v shows person ``views.person[v]``."""

    views: Views
    occlusion: Occlusion
    """Of the views."""
    samples: PointSamples
    stature_m: torch.Tensor
    """(P,)."""


def person_maker(wardrobe: Wardrobe, body: BodyModel, split: Split = "train") -> MakePeople:
    """Makes people of this wardrobe and split."""
    rig = make_pose_rig(body.to("cpu"))
    return lambda seeds: sample_people(wardrobe, body, seeds, split, rig)


def sample_placements(people: People, person: int, count: int, seed: int) -> list[Placement]:
    """Cameras around one person, who fills the crop as the detector would cut it, more or less.

    Every other one is before a person who looks at it, as most are that are captured.
    """
    drawn = people.vertices_of(person)[people.faces_of("faces", person).unique()]
    dice = Dice(seed + _VIEW_SEED)
    result = []
    for i in range(count):
        fill = dice.uniform(0.86, 0.95)
        shift = (dice.uniform(-0.03, 0.03), dice.uniform(-0.03, 0.03))
        result.append(sample_placement(drawn, dice, i % 2 == 0, fill, shift))
    return result


def synthesize(
    make: MakePeople,
    seeds: Sequence[int],
    config: SynthesisConfig | None = None,
    on_stage: OnStage = lambda stage: None,
) -> Supervision:
    """Makes people, draws them and labels points around them.

    Args:
        make: Gives the people of the seeds.
        seeds: One a person; the same seed gives the same result on the same kind of device,
            whoever else is in the batch.
        config: What is made.
        on_stage: Told of "people", "placements", "render", "volume and occlusion" and "points and
            distances".
    """
    config = config or SynthesisConfig()
    on_stage("people")
    people = make(seeds)
    on_stage("placements")
    who = [i for i in range(len(people)) for _ in range(config.views)]
    placements = [
        placement
        for i, seed in enumerate(seeds)
        for placement in sample_placements(people, i, config.views, seed)
    ]
    on_stage("render")
    views = render_views(people, who, placements, config.size_px)
    on_stage("volume and occlusion")
    volumes = occupancy_volumes(people, views)
    mask = views.mask[:, None].float()
    occlusion = ambient_occlusion(volumes, views.z_front, views.normal_front, mask)
    on_stage("points and distances")
    samples = sample_points(people, seeds, config.sampling)
    return Supervision(views, occlusion, samples, people.stature_m)
