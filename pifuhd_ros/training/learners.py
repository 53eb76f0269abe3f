"""Which learner a network's config asks for."""

from __future__ import annotations

from pifuhd_ros.networks.phorhum import PhorhumConfig
from pifuhd_ros.networks.pifuhd import PifuhdConfig
from pifuhd_ros.training.learner import Learner
from pifuhd_ros.training.phorhum import PhorhumLearner
from pifuhd_ros.training.pifuhd import PifuhdLearner


def learner_of(config: PifuhdConfig | PhorhumConfig) -> Learner:
    """The system of a network's sizes, as it learns; a new system is one line here."""
    return PhorhumLearner() if isinstance(config, PhorhumConfig) else PifuhdLearner()
