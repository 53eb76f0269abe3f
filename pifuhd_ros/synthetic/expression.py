"""Faces: mostly calm, often a smile or a word, seldom more."""

from __future__ import annotations

import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.random import Dice

_MOODS: tuple[tuple[float, dict[str, float]], ...] = (
    (0.40, {}),
    (0.26, {"mouthSmile": 0.9, "cheekSquint": 0.5, "eyeSquint": 0.2, "mouthDimple": 0.2}),
    (0.06, {"mouthSmile": 0.9, "cheekSquint": 0.6, "mouthUpperUp": 0.4, "jawOpen": 0.35}),
    (0.12, {"jawOpen": 0.45, "mouthFunnel": 0.25, "mouthLowerDown": 0.3}),
    (0.04, {"mouthPucker": 0.6, "mouthFunnel": 0.3}),
    (0.06, {"browInnerUp": 0.8, "browOuterUp": 0.8, "eyeWide": 0.6, "jawOpen": 0.3}),
    (0.06, {"browDown": 0.8, "mouthFrown": 0.6, "eyeSquint": 0.4, "mouthPress": 0.4}),
)
"""How often, and the actions (Left and Right together) of the mood at its strongest."""
_CALM = ("browInnerUp", "browDown", "browOuterUp", "eyeSquint", "mouthSmile", "mouthPress",
         "mouthFrown", "jawOpen")  # fmt: skip
_STRONG = ("browDown", "browOuterUp", "eyeBlink", "jawOpen", "mouthSmile", "mouthStretch",
           "mouthPucker", "mouthFrown", "noseSneer", "cheekPuff", "mouthLeft", "mouthRight",
           "jawLeft", "jawRight")  # fmt: skip


def sample_expression(body: BodyModel, dice: Dice) -> torch.Tensor:
    """How far each of the body's facial actions goes, (E,) in [0, 1], for ``BodyModel.rest``."""
    row = {name: i for i, name in enumerate(body.expression_names)}
    weights = torch.zeros(len(row))

    def act(action: str, amount: float) -> None:
        """Both sides, not quite alike."""
        for name in (action, f"{action}Left", f"{action}Right"):
            if name in row:
                weights[row[name]] += amount * dice.uniform(0.8, 1.0)

    for action in _CALM:
        act(action, 0.12 * dice.uniform(0, 1) ** 2)
    shares = torch.tensor([share for share, _ in _MOODS])
    mood = int((shares.cumsum(0) <= dice.uniform(0, float(shares.sum()))).sum())
    strength = dice.uniform(0.3, 1.0)
    for action, amount in _MOODS[mood][1].items():
        act(action, amount * strength)
    if dice.chance(0.04):
        for _ in range(3):
            act(dice.choice(_STRONG), dice.uniform(0.3, 0.8))
    across, up = (0.35 * dice.normal(2)).tolist()
    sides = ("OutLeft", "InRight") if across > 0 else ("InLeft", "OutRight")
    heights = ("UpLeft", "UpRight") if up > 0 else ("DownLeft", "DownRight")
    for side, amount in [(s, abs(across)) for s in sides] + [(h, abs(up)) for h in heights]:
        weights[row[f"eyeLook{side}"]] = amount
    if dice.chance(0.05):
        act("eyeBlink", dice.uniform(0.5, 1.0))
    return weights.clamp(0, 1).to(body.mean.device)
