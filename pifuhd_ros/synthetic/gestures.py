"""What people do with their arms and legs in front of a robot, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Vector = tuple[float, float, float]
Hand = Literal["relaxed", "open", "fist", "point"]


@dataclass(frozen=True)
class Gesture:
    """One arm, given for the left one: x to the person's left, y up, z to the front.

    Directions are those of a person whose chest points to +z; they turn with the chest.
    """

    name: str
    upper: Vector
    """Direction of the upper arm, or, where the hand touches something, of the elbow."""
    lower: Vector = (0.0, 0.0, 0.0)
    """Direction of the forearm; unused where the hand touches something."""
    touches: str = ""
    """Name of the place that the wrist is brought to (see LANDMARKS); empty for none."""
    offset: Vector = (0.0, 0.0, 0.0)
    """From that place to the wrist [m]."""
    stack: Vector = (0.0, 0.0, 0.0)
    """Where both hands do this, what the second one adds, so that it lies on the first [m]."""
    turn_deg: float = 0.0
    """Of the hand about the forearm; positive turns the palm up."""
    bend_deg: float = 0.0
    """Of the wrist, towards the palm."""
    hand: Hand = "relaxed"
    weight: float = 1.0
    """How often, beside the others."""
    both: float = 0.5
    """How often the other arm does the same."""


@dataclass(frozen=True)
class Leg:
    """Angles of one leg [degrees]."""

    flex: float = 0.0
    """Of the hip; positive lifts the thigh to the front."""
    spread: float = -3.0
    """Sideways from the rest pose's; negative closes the legs."""
    turn: float = 6.0
    """Of the whole leg about the vertical; positive turns the toes out."""
    knee: float = 4.0
    """Flexion."""
    point: float = 0.0
    """How far the toes are pointed from where the sole lies flat."""
    twist: float = 0.0
    """Of the thigh about itself; positive brings the shin inwards."""


@dataclass(frozen=True)
class Stance:
    """Both legs, and how far the pelvis tips forward [degrees]."""

    name: str
    left: Leg
    right: Leg
    pitch: float = 0.0
    weight: float = 1.0
    jitter: float = 1.0
    """Scales the noise; less where the legs touch each other or the floor."""


LANDMARKS: dict[str, tuple[int, int]] = {
    "chest": (1863, 1863),
    "belly": (4108, 4108),
    "groin": (4323, 4323),
    "back": (4193, 4193),
    "chin": (491, 491),
    "hip": (10919, 4289),
    "waist": (10707, 4051),
    "front_hip": (10956, 4328),
    "shoulder": (8076, 1384),
    "cheek": (11787, 5175),
    "head_back": (11991, 5392),
    "thigh": (13351, 6755),
    "knee": (11185, 4567),
}
"""Vertices of the body, left and right, that hands are brought to."""

GESTURES: tuple[Gesture, ...] = (
    Gesture("hang", (0.20, -1, -0.02), (0.10, -1, 0.22), weight=6, both=0.8),
    Gesture("hang_wide", (0.38, -1, 0.0), (0.28, -1, 0.15), weight=3, both=0.9),
    Gesture("hang_back", (0.28, -1, -0.28), (0.22, -1, 0.02), weight=1),
    Gesture("hang_bent", (0.28, -1, -0.10), (0.10, -0.8, 0.6), weight=2),
    Gesture("half_bent", (0.22, -1, -0.05), (0.05, -0.15, 1), turn_deg=10, weight=2),
    Gesture("offer", (0.22, -0.9, 0.2), (0.1, -0.1, 1), turn_deg=70, hand="open", weight=2),
    Gesture("shrug", (0.42, -1, 0.0), (0.75, 0.05, 0.6), turn_deg=70, hand="open", both=0.9),
    Gesture("reach_low", (0.2, -0.65, 0.75), (0.05, -0.4, 1), hand="open", weight=1.5),
    Gesture("reach", (0.15, -0.25, 1), (0, -0.1, 1), hand="open", weight=2),
    Gesture("reach_across", (-0.05, -0.45, 1), (-0.5, 0, 1), hand="open", both=0.0),
    Gesture("reach_high", (0.25, 0.35, 1), (0.1, 0.5, 1), hand="open", weight=1.5),
    Gesture("reach_up", (0.35, 1, 0.2), (0.1, 1, 0.2), hand="open", weight=1.5),
    Gesture("side", (1, -0.12, 0.05), (1, 0, 0.15), hand="open", weight=1.5, both=0.7),
    Gesture("side_low", (0.8, -0.75, 0.05), (0.8, -0.6, 0.25), weight=2, both=0.7),
    Gesture("side_high", (0.8, 0.6, 0.1), (0.7, 0.8, 0.1), hand="open", both=0.8),
    Gesture("wave", (0.9, -0.25, 0.25), (0.35, 1, 0.3), hand="open", weight=2.5, both=0.15),
    Gesture("wave_high", (0.7, 0.45, 0.25), (0.2, 1, 0.15), hand="open", both=0.3),
    Gesture("hands_up", (0.75, -0.55, 0.15), (0.2, 1, 0.35), hand="open", both=1.0),
    Gesture("stop", (0.2, -0.5, 0.8), (0, 0.35, 1), hand="open", both=0.4),
    Gesture("point", (0.25, -0.35, 1), (0.1, -0.05, 1), hand="point", weight=2, both=0.0),
    Gesture("point_side", (0.95, -0.15, 0.4), (0.9, 0.1, 0.4), hand="point", both=0.0),
    Gesture("point_up", (0.5, 0.3, 0.8), (0.2, 0.9, 0.5), hand="point", both=0.0),
    Gesture("guard", (0.35, -0.8, 0.4), (-0.15, 0.75, 0.65), hand="fist", both=0.9),
    Gesture("swing_front", (0.2, -0.85, 0.5), (-0.15, 0.35, 1), hand="fist", weight=0),
    Gesture("swing_back", (0.3, -0.75, -0.65), (0.2, -0.6, 0.75), hand="fist", weight=0),
    Gesture("on_hip", (1, -0.1, -0.55), touches="hip", offset=(0.095, 0.09, -0.05),
            turn_deg=-20, bend_deg=35, hand="fist", weight=3, both=0.5),
    Gesture("in_pocket", (0.5, -0.1, -0.8), touches="hip", offset=(0.07, 0.07, 0.02),
            turn_deg=10, weight=3, both=0.55),
    Gesture("hands_clasped", (0.9, -0.4, -0.3), touches="groin", offset=(0.085, 0.09, 0.065),
            stack=(0, -0.03, 0.08), turn_deg=-20, bend_deg=10, weight=2, both=1.0),
    Gesture("behind_back", (1, -0.3, -0.75), touches="back", offset=(0.10, -0.07, -0.075),
            stack=(0, -0.02, -0.05), turn_deg=-60, weight=1.5, both=0.9),
    Gesture("on_belly", (1, -0.5, -0.1), touches="belly", offset=(0.14, -0.01, 0.075),
            stack=(0, -0.09, 0.01), bend_deg=15, both=0.3),
    Gesture("on_chest", (0.9, -0.8, 0.1), touches="chest", offset=(0.11, -0.04, 0.095), both=0.0),
    Gesture("hold_box", (0.6, -1, -0.3), touches="belly", offset=(0.17, 0.02, 0.26),
            turn_deg=30, weight=2, both=1.0),
    Gesture("hold_tray", (0.5, -1, -0.2), touches="chest", offset=(0.20, -0.10, 0.25),
            turn_deg=80, hand="open", both=1.0),
    Gesture("hold_phone", (0.75, -1, -0.1), touches="chest", offset=(0.14, -0.05, 0.22),
            turn_deg=50, weight=2, both=0.3),
    Gesture("hold_strap", (0.5, -1, 0.2), touches="shoulder", offset=(0.04, -0.05, 0.08),
            turn_deg=20, hand="fist", both=0.4),
    Gesture("phone_at_ear", (0.9, -0.7, 0.3), touches="cheek", offset=(0.13, -0.085, 0.035),
            turn_deg=0, both=0.0),
    Gesture("hand_on_chin", (0.65, -1, 0.4), touches="chin", offset=(0.085, -0.14, 0.065),
            turn_deg=20, hand="fist", both=0.0),
    Gesture("behind_head", (1, 0.4, 0.1), touches="head_back", offset=(0.175, -0.01, -0.06),
            bend_deg=10, both=0.6),
    Gesture("arms_crossed", (0.75, -0.75, 0.3), touches="chest", offset=(-0.03, -0.16, 0.08),
            stack=(-0.02, 0.10, 0.06), bend_deg=10, weight=3, both=1.0),
    Gesture("hold_other_arm", (0.9, -0.7, 0.1), touches="belly", offset=(-0.02, 0.07, 0.075),
            bend_deg=15, both=0.0),
    Gesture("on_thigh", (0.8, -0.3, -0.5), touches="thigh", offset=(0.02, 0.065, 0.02),
            turn_deg=-30, weight=0, both=0.7),
    Gesture("on_knee", (0.8, -0.3, -0.5), touches="knee", offset=(0.02, 0.105, -0.01),
            turn_deg=-30, weight=0, both=0.8),
)  # fmt: skip
"""Those of weight 0 go with some stances alone."""

STANCES: tuple[Stance, ...] = (
    Stance("stand", Leg(), Leg(), weight=8),
    Stance("stand_closed", Leg(spread=-5), Leg(spread=-5), weight=4, jitter=0.6),
    Stance("stand_wide", Leg(spread=5, turn=12), Leg(spread=5, turn=12), weight=3),
    Stance("stand_relaxed", Leg(spread=-2), Leg(flex=14, spread=1, turn=14, knee=26), weight=5),
    Stance("step", Leg(flex=14, knee=6), Leg(flex=-10, knee=10, point=8), weight=4),
    Stance("stride", Leg(flex=26, knee=8), Leg(flex=-18, knee=18, point=22), weight=2),
    Stance("swing", Leg(flex=24, knee=48, point=15), Leg(flex=-6, knee=4), weight=1.5),
    Stance("run", Leg(flex=56, knee=78, point=8), Leg(flex=-20, knee=52, point=36), 12, 5),
    Stance("run_push", Leg(flex=74, knee=100, point=12), Leg(flex=-24, knee=14, point=40), 16, 4),
    Stance("run_land", Leg(flex=30, knee=22), Leg(flex=-4, knee=104, point=34), 8, 4),
    Stance("jump", Leg(flex=34, spread=2, knee=78, point=30), Leg(flex=24, knee=64, point=34)),
    Stance("foot_up", Leg(flex=58, spread=2, knee=66), Leg(), weight=1.5),
    Stance("kick", Leg(flex=72, spread=2, knee=16, point=15), Leg(knee=8), -8),
    Stance("lunge", Leg(flex=62, knee=70, turn=4), Leg(flex=-18, knee=24, point=34), 4, 2.5),
    Stance("side_lunge", Leg(flex=52, spread=26, turn=22, knee=72), Leg(spread=30, turn=10), 14),
    Stance("bow", Leg(flex=35), Leg(flex=35), 35, 2),
    Stance("bend_down", Leg(flex=72, knee=18, spread=2), Leg(flex=72, knee=18, spread=2), 68, 2),
    Stance("half_squat", Leg(flex=55, spread=6, turn=14, knee=62),
           Leg(flex=55, spread=6, turn=14, knee=62), 18, 0.8),
    Stance("squat", Leg(flex=104, spread=10, turn=20, knee=118, point=12),
           Leg(flex=104, spread=10, turn=20, knee=118, point=12), 22, 2, 0.6),
    Stance("squat_low", Leg(flex=102, spread=10, turn=24, knee=136, point=10),
           Leg(flex=102, spread=10, turn=24, knee=136, point=10), 8, 2, 0.6),
    Stance("squat_one", Leg(flex=98, spread=8, turn=14, knee=112, point=6),
           Leg(flex=52, spread=4, turn=4, knee=124, point=48), 16, 2, 0.6),
    Stance("sit", Leg(flex=84, spread=1, knee=84), Leg(flex=84, spread=1, knee=84), 0, 4),
    Stance("sit_wide", Leg(flex=82, spread=10, turn=14, knee=78),
           Leg(flex=82, spread=10, turn=14, knee=78), -6, 1.0),
    Stance("sit_forward", Leg(flex=94, spread=5, turn=8, knee=86),
           Leg(flex=94, spread=5, turn=8, knee=90), 13, 3),
    Stance("sit_stretched", Leg(flex=72, spread=-1, knee=24, point=14),
           Leg(flex=72, spread=0, knee=34, point=10), -14, 2.5),
    Stance("sit_ankle_on_knee", Leg(flex=82, spread=1, knee=82),
           Leg(flex=99, spread=14, turn=10, knee=98, twist=72), 0, 1.5, 0.6),
    Stance("sit_tailor", Leg(flex=84, spread=34, turn=10, knee=100, twist=62, point=20),
           Leg(flex=84, spread=34, turn=10, knee=130, twist=70, point=20), 0, 2, 0.6),
    Stance("sit_on_heels", Leg(flex=62, spread=2, knee=138, point=72, turn=2),
           Leg(flex=62, spread=2, knee=138, point=72, turn=2), 0, 1.5, 0.6),
    Stance("kneel", Leg(flex=4, knee=94, point=72, turn=2), Leg(flex=4, knee=94, point=72, turn=2),
           0, 3, 0.6),
    Stance("kneel_one", Leg(flex=86, spread=4, knee=88), Leg(flex=-4, knee=88, point=68, turn=0),
           0, 1.0, 0.7),
)  # fmt: skip

LAP_STANCES = (
    "sit", "sit_wide", "sit_forward", "sit_ankle_on_knee", "sit_tailor", "sit_on_heels",
    "half_squat", "kneel_one", "squat", "squat_one", "lunge", "bow",
)  # fmt: skip
"""Where hands often rest on thighs and knees."""
LAP_GESTURES = ("on_thigh", "on_knee")
RUN_STANCES = ("run", "run_push", "run_land")
"""Where the arms swing, one to the front and one to the back."""
RUN_GESTURES = ("swing_front", "swing_back")
