"""Ten kinds of place in which a photo may be taken, each drawn anew for every photo."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from unlike.stage import Stage, linear, matte, metal, shiny
from unlike.textures import Colour

_BEHIND_CAMERA_M = 0.7


@dataclass(frozen=True)
class Exposure:
    """What the camera makes of the light of a place."""

    stops: float = 0.0
    """Brighter than the meter says; negative in the dark."""
    noise: float = 0.01
    """Standard deviation at middle grey, linear light."""
    white_balance: float = 0.6
    """1 takes the light's colour away."""
    contrast: float = 1.0
    blur_px: float = 0.4
    jpeg_quality: int = 88


Place = Callable[[Stage], Exposure]


def _walls(
    stage: Stage,
    behind_m: float,
    half_m: float,
    high_m: float,
    wall: Colour,
    floor: tuple[str, Colour, float],
    pattern: str = "plaster",
) -> None:
    """A closed room around person and camera; the camera looks at the wall behind the person."""
    front_m = stage.distance_m + _BEHIND_CAMERA_M
    deep = behind_m + front_m
    middle_z = (front_m - behind_m) / 2
    painter, colour, gloss = floor
    repeat = (half_m / 1.2, deep / 2.4)
    stage.sheet((0, 0, middle_z), (0, 1, 0), (2 * half_m, deep),
                stage.painted(painter, colour, repeat, gloss))  # fmt: skip
    ceiling = matte((0.85, 0.85, 0.83))
    stage.sheet((0, high_m, middle_z), (0, -1, 0), (2 * half_m, deep), ceiling)
    across = (2 * half_m / 2.5, high_m / 2.5)
    material = stage.painted(pattern, wall, across)
    stage.sheet((0, high_m / 2, -behind_m), (0, 0, 1), (2 * half_m, high_m), material)
    stage.sheet((0, high_m / 2, front_m), (0, 0, -1), (2 * half_m, high_m), matte(wall))
    for side in (-1, 1):
        facing = (-side, 0, 0)
        stage.sheet((side * half_m, high_m / 2, middle_z), facing, (deep, high_m), material)
    skirting = shiny(stage.colour(0.3, 0.95, 0.1))
    stage.box((0, 0, -behind_m), (2 * half_m, 0.1, 0.04), skirting)


def _window(stage: Stage, x: float, z: float, high: float, light: Colour, power: float) -> None:
    """A window in a side wall that shines into the room, with its frame before it."""
    side = math.copysign(1.0, x)
    radiance = [power * c for c in linear(light)]
    middle = (x - 0.03 * side, high, z)
    stage.sheet(middle, (-side, 0, 0), (1.4, 1.3), radiance=radiance)
    white = matte((0.9, 0.9, 0.88))
    for dz in (-0.72, 0.0, 0.72):
        stage.box((x - 0.06 * side, high - 0.68, z + dz), (0.05, 1.36, 0.05), white)
    for dy in (-0.72, 0.0, 0.65):
        stage.box((x - 0.06 * side, high + dy, z), (0.05, 0.05, 1.5), white)


def _scatter(
    stage: Stage, count: int, area: tuple[float, float, float, float], high: float
) -> None:
    """Boxes on the floor where nothing hides the person."""
    left, right, far, near = area
    for _ in range(count):
        size = (stage.pick(0.2, 0.9), stage.pick(0.2, high), stage.pick(0.2, 0.9))
        x, z = stage.pick(left, right), stage.pick(far, near)
        if not stage.is_free(x, z, 0.5 * math.hypot(size[0], size[2])):
            continue
        material = matte(stage.colour())
        if stage.pick(0, 1) < 0.35:
            material = stage.painted("poster", stage.colour())
        elif stage.pick(0, 1) < 0.5:
            material = shiny(stage.colour(), stage.pick(0.15, 0.5))
        stage.box((x, 0, z), size, material, stage.pick(-30, 30))


def _shelf(stage: Stage, x: float, z: float, width: float, boards: int) -> None:
    wood = matte(stage.colour(0.2, 0.7, 0.4))
    depth, step = 0.32, 0.36
    for i in range(boards + 1):
        stage.box((x, i * step + 0.05, z), (width, 0.03, depth), wood)
        if i < boards:
            size = (width - 0.08, stage.pick(0.2, 0.3), depth - 0.08)
            material = stage.painted("books", stage.colour())
            stage.box((x, i * step + 0.08, z), size, material)
    for side in (-1, 1):
        at = (x + side * width / 2, 0.05, z)
        stage.box(at, (0.03, boards * step + 0.03, depth), wood)


def _table(stage: Stage, x: float, z: float, width: float, material: dict[str, object]) -> None:
    stage.box((x, 0.71, z), (width, 0.04, 0.7), material)
    for dx in (-0.45, 0.45):
        for dz in (-0.28, 0.28):
            stage.box((x + dx * width, 0, z + dz), (0.05, 0.71, 0.05), material)
    for _ in range(3):
        at = (x + stage.pick(-0.4, 0.4) * width, 0.75, z + stage.pick(-0.2, 0.2))
        size = (stage.pick(0.08, 0.3), stage.pick(0.05, 0.35), stage.pick(0.08, 0.25))
        stage.box(at, size, shiny(stage.colour(vivid=1.0)), stage.pick(0, 90))


def living_room(stage: Stage) -> Exposure:
    """Daylight from one side, furniture, pictures on the wall."""
    behind, half = stage.reach_m + stage.pick(0.5, 1.6), stage.pick(1.9, 2.6)
    wall = stage.colour(0.4, 0.9, 0.6)
    pattern = "stripes" if stage.pick(0, 1) < 0.4 else "plaster"
    _walls(stage, behind, half, 2.6, wall, ("planks", stage.colour(0.25, 0.65, 0.5), 0.5), pattern)
    side = 1 if stage.pick(0, 1) < 0.5 else -1
    _window(stage, side * half, stage.pick(0.2, 1.2), 1.4, (0.9, 0.95, 1.0), 14)
    stage.bulb((-side * (half - 0.4), 1.6, -behind + 0.4), 0.12, (6, 3.6, 1.8))
    _shelf(stage, -side * (half - 0.8), -behind + 0.22, 1.1, 5)
    for x in (-0.9, 0.1, 1.1):
        size = (stage.pick(0.3, 0.7), stage.pick(0.3, 0.8))
        at = (x, stage.pick(1.4, 1.9), -behind + 0.02)
        stage.sheet(at, (0, 0, 1), size, stage.painted("poster", stage.colour()))
    sofa = matte(stage.colour(vivid=0.9))
    x = side * (half - 0.85)
    if stage.is_free(x, -behind + 0.5, 0.9):
        stage.box((x, 0, -behind + 0.5), (1.5, 0.42, 0.8), sofa)
        stage.box((x, 0.42, -behind + 0.2), (1.5, 0.45, 0.22), sofa)
    return Exposure(noise=0.012)


def corridor(stage: Stage) -> Exposure:
    """A row of ceiling lamps over a floor that mirrors them."""
    behind, half = stage.pick(5, 8), max(stage.reach_m + 0.25, 1.15)
    _walls(stage, behind, half, 2.7, stage.colour(0.6, 0.9, 0.3),
           ("tiles", stage.colour(0.3, 0.8, 0.2), 0.85))  # fmt: skip
    z = stage.distance_m - 0.3
    while z > -behind:
        stage.sheet((0, 2.68, z), (0, -1, 0), (0.5, 1.2), radiance=(9, 9.5, 9))
        z -= 2.6
    door = shiny(stage.colour(0.2, 0.7, 0.8))
    z = stage.distance_m
    while z > -behind + 1:
        for side in (-1, 1):
            stage.box((side * half, 0, z), (0.06, 2.05, 0.9), door)
            at = (side * (half - 0.04), 1.5, z - 1.1)
            poster = stage.painted("poster", stage.colour())
            stage.sheet(at, (-side, 0, 0), (0.5, 0.7), poster)
        z -= 2.4
    return Exposure(noise=0.008, white_balance=0.4)


def street(stage: Stage) -> Exposure:
    """High sun between house fronts, parked boxes on wheels."""
    _sun(stage, stage.pick(35, 60), stage.pick(-80, 80), 3.0)
    stage.sheet((0, 0, 0), (0, 1, 0), (60, 60),
                stage.painted("gravel", stage.colour(0.25, 0.45, 0.1), (20, 20)))  # fmt: skip
    back = stage.reach_m + stage.pick(1.5, 5)
    for i, x in enumerate((-7.5, -1.5, 4.5, 10.5)):
        painter = "bricks" if i % 2 else "plaster"
        colour, high = stage.colour(0.3, 0.85, 0.7), stage.pick(4, 9)
        stage.box((x, 0, -back - 2.02), (6.0, high, 4), matte(colour))
        front = stage.painted(painter, colour, (2.5, high / 2.4))
        stage.sheet((x, high / 2, -back), (0, 0, 1), (6.0, high), front)
        for dx in (-1.8, 0.0, 1.8):
            glass = shiny((0.08, 0.1, 0.13), 0.08)
            stage.box((x + dx, 0.9, -back), (0.9, 1.3, 0.08), glass)
    for x in (-3.6, 3.4):
        if stage.is_free(x, -1.2, 1.2):
            paint = shiny(stage.colour(vivid=1.0), 0.1)
            stage.box((x, 0.3, -1.2), (1.7, 0.55, 3.6), paint)
            stage.box((x, 0.85, -1.3), (1.5, 0.5, 1.9), shiny((0.05, 0.06, 0.07), 0.05))
            for dz in (-2.3, 0.0):
                stage.box((x, 0, dz), (1.72, 0.55, 0.5), matte((0.03, 0.03, 0.03)))
    stage.box((stage.reach_m + 1.0, 0, -1.0), (0.1, 4.5, 0.1), metal((0.4, 0.4, 0.4)))
    return Exposure(noise=0.006, contrast=1.05)


def park(stage: Stage) -> Exposure:
    """Grass, hedges, trees, a bench, a hazy sky."""
    _sun(stage, stage.pick(25, 55), stage.pick(-110, 110), 5.0)
    grass = stage.painted("gravel", (0.28, 0.42, 0.16), (24, 24))
    stage.sheet((0, 0, 0), (0, 1, 0), (80, 80), grass)
    path = stage.painted("gravel", (0.62, 0.55, 0.45), (2, 20))
    stage.sheet((stage.pick(-0.4, 0.4), 0.005, 0), (0, 1, 0), (1.8, 60), path)
    for _ in range(9):
        x, z = stage.pick(-8, 8), stage.pick(-14, -2.5)
        high = stage.pick(1.8, 3.2)
        stage.box((x, 0, z), (0.25, high, 0.25), matte((0.25, 0.18, 0.12)))
        for _ in range(7):
            at = (
                x + stage.pick(-0.9, 0.9),
                high + stage.pick(-0.3, 1.4),
                z + stage.pick(-0.9, 0.9),
            )
            green = matte((stage.pick(0.1, 0.3), stage.pick(0.25, 0.5), stage.pick(0.05, 0.18)))
            stage.ball(at, stage.pick(0.4, 0.9), green)
    stage.box((0, 0, -16), (30, 2.0, 1.0), stage.painted("gravel", (0.15, 0.28, 0.1), (20, 2)))
    x = -(stage.reach_m + 1.1)
    bench = matte((0.4, 0.26, 0.14))
    stage.box((x, 0.4, -0.7), (1.4, 0.06, 0.45), bench)
    stage.box((x, 0.55, -0.95), (1.4, 0.35, 0.05), bench)
    for dx in (-0.6, 0.6):
        stage.box((x + dx, 0, -0.7), (0.08, 0.4, 0.4), matte((0.1, 0.1, 0.1)))
    return Exposure(noise=0.007)


def studio(stage: Stage) -> Exposure:
    """One hard lamp from the side before a coloured backdrop, a coloured one from behind."""
    backdrop = matte(stage.colour(0.1, 0.9, 1.0))
    behind = stage.reach_m + stage.pick(0.4, 1.2)
    stage.sheet((0, 0, 5 - behind), (0, 1, 0), (12, 10), backdrop)
    stage.sheet((0, 3, -behind), (0, 0, 1), (12, 6), backdrop)
    side = 1 if stage.pick(0, 1) < 0.5 else -1
    at = (side * 2.6, 2.1, stage.pick(0.4, 1.4))
    stage.sheet(at, (-at[0], -1.0, -at[2]), (0.5, 0.5), radiance=(85, 80, 74))
    rim = [14 * c for c in linear(stage.colour(0.2, 1.0, 1.5))]
    at = (-side * 2.4, 1.6, -behind + 0.6)
    stage.sheet(at, (-at[0], -0.4, -at[2]), (0.4, 1.2), radiance=rim)
    stage.add({"type": "constant", "radiance": {"type": "rgb", "value": 0.12}})
    return Exposure(noise=0.004, white_balance=0.2, contrast=1.05)


def warehouse(stage: Stage) -> Exposure:
    """Racks full of boxes, one lamp above, dim."""
    behind, half = stage.reach_m + stage.pick(1.5, 3.5), 4.5
    _walls(stage, behind, half, 4.5, stage.colour(0.3, 0.6, 0.2),
           ("plaster", stage.colour(0.3, 0.5, 0.1), 0.3), "bricks")  # fmt: skip
    x, z = stage.pick(-1.5, 1.5), stage.pick(-0.5, 1.0)
    stage.sheet((x, 4.2, z), (0, -1, 0), (0.7, 0.7), radiance=(40, 33, 22))
    frame = metal((0.75, 0.35, 0.1), 0.4)
    for rack in (-3.2, 0.0, 3.2):
        for board in range(3):
            high = 0.1 + 1.25 * board
            stage.box((rack, high, -behind + 0.6), (2.9, 0.08, 0.9), frame)
            for dx in (-1.0, -0.2, 0.7):
                size = (stage.pick(0.4, 0.8), stage.pick(0.3, 0.9), stage.pick(0.4, 0.7))
                card = matte((0.55, 0.4, 0.25))
                if stage.pick(0, 1) < 0.4:
                    card = stage.painted("poster", (0.55, 0.42, 0.28))
                at = (rack + dx, high + 0.08, -behind + 0.65)
                stage.box(at, size, card, stage.pick(-8, 8))
        for dx in (-1.45, 1.45):
            stage.box((rack + dx, 0, -behind + 1.0), (0.08, 4.0, 0.08), frame)
    _scatter(stage, 8, (-3.5, 3.5, -behind + 1.6, 0.5), 1.2)
    return Exposure(stops=-0.5, noise=0.03, white_balance=0.4, jpeg_quality=75)


def neon(stage: Stage) -> Exposure:
    """Night, wet ground, pink light from one side and blue from the other."""
    stage.sheet((0, 0, -10), (0, 1, 0), (40, 60),
                stage.painted("gravel", (0.12, 0.12, 0.13), (12, 16), 0.75))  # fmt: skip
    back = stage.reach_m + stage.pick(0.8, 2.5)
    wall = stage.painted("bricks", stage.colour(0.15, 0.5, 0.5), (5, 2))
    stage.sheet((0, 2.5, -back), (0, 0, 1), (20, 5), wall)
    one, other = [(6.0, 0.5, 3.0), (0.4, 2.2, 6.0), (5.0, 2.2, 0.3), (0.6, 5.0, 1.6)], []
    for side in (-1, 1):
        tint = one.pop(int(stage.random.integers(len(one))))
        other.append(tint)
        at = (side * stage.pick(1.8, 2.6), 1.6, stage.pick(-0.2, 1.2))
        facing = (-at[0], -0.2, -at[2])
        stage.sheet(at, facing, (0.5, 1.6), radiance=[2.2 * c for c in tint])
    for x in (-2.3, -0.9, 1.0, 2.2):
        tint = other[int(stage.random.integers(2))]
        size = (stage.pick(0.4, 1.0), stage.pick(0.08, 0.3))
        at = (x, stage.pick(1.9, 2.8), -back + 0.05)
        stage.sheet(at, (0, 0, 1), size, radiance=[1.2 * c for c in tint])
    window = stage.painted("poster", stage.colour())
    stage.sheet((stage.pick(-2, 2), 1.1, -back + 0.03), (0, 0, 1), (1.8, 1.4), window)
    _scatter(stage, 5, (-3, 3, -back + 0.5, 0.2), 0.9)
    stage.add({"type": "constant", "radiance": {"type": "rgb", "value": [0.03, 0.035, 0.06]}})
    return Exposure(stops=-0.4, noise=0.028, white_balance=0.25, jpeg_quality=78)


def laboratory(stage: Stage) -> Exposure:
    """Bright and white: tiles, benches, screens, light from everywhere above."""
    behind, half = stage.reach_m + stage.pick(0.9, 1.8), stage.pick(2.2, 3.0)
    _walls(stage, behind, half, 2.8, (0.88, 0.9, 0.9), ("tiles", (0.8, 0.8, 0.78), 0.6), "tiles")
    for x in (-half / 2, half / 2):
        for z in (-behind / 2, stage.distance_m * 0.6):
            stage.sheet((x, 2.78, z), (0, -1, 0), (0.6, 1.2), radiance=(7, 7.3, 7.5))
    for x in (-half + 0.9, half - 0.9):
        _table(stage, x, -behind + 0.45, 1.5, shiny(stage.colour(0.7, 0.95, 0.2)))
        stage.box((x, 1.75, -behind + 0.2), (1.5, 0.6, 0.35), shiny((0.9, 0.9, 0.92)))
        screen = (x + 0.2, 1.05, -behind + 0.35)
        stage.sheet(screen, (0, 0, 1), (0.55, 0.33), radiance=(0.4, 0.9, 1.4))
    _scatter(stage, 6, (-half + 0.4, half - 0.4, -behind + 0.9, 0.2), 0.8)
    return Exposure(stops=0.35, noise=0.006, white_balance=0.8, contrast=0.9)


def evening_wall(stage: Stage) -> Exposure:
    """Low, warm sun from one side and a hard shadow on a wall right behind."""
    side = 1 if stage.pick(0, 1) < 0.5 else -1
    _sun(stage, stage.pick(12, 22), side * stage.pick(35, 60), 4.0)
    stage.sheet((0, 0, 0), (0, 1, 0), (40, 40),
                stage.painted("tiles", stage.colour(0.4, 0.7, 0.3), (10, 10)))  # fmt: skip
    back = stage.reach_m + stage.pick(0.1, 0.35)
    painter = "bricks" if stage.pick(0, 1) < 0.5 else "plaster"
    wall = stage.painted(painter, stage.colour(0.4, 0.9, 0.9), (6, 2))
    stage.sheet((0, 2.5, -back), (0, 0, 1), (14, 5), wall)
    door = shiny(stage.colour(0.1, 0.6, 1.2), 0.3)
    stage.box((stage.pick(1.2, 2.0) * side, 0, -back), (1.0, 2.1, 0.1), door)
    stage.box((-side * 1.6, 1.2, -back), (0.9, 1.1, 0.08), shiny((0.1, 0.12, 0.15), 0.05))
    for x in (-2.3, 2.4):
        stage.box((x, 0, -back + 0.35), (0.5, 0.4, 0.5), matte((0.6, 0.3, 0.2)))
        for _ in range(6):
            at = (x + stage.pick(-0.2, 0.2), stage.pick(0.5, 1.0), -back + 0.35)
            stage.ball(at, stage.pick(0.12, 0.25), matte((0.1, stage.pick(0.25, 0.4), 0.1)))
    return Exposure(noise=0.007, white_balance=0.3, contrast=1.05)


def dark_room(stage: Stage) -> Exposure:
    """A lamp in a corner and a blue screen; the rest is noise."""
    behind, half = stage.reach_m + stage.pick(0.4, 1.3), stage.pick(1.7, 2.3)
    _walls(stage, behind, half, 2.5, stage.colour(0.25, 0.7, 0.6),
           ("gravel", stage.colour(0.2, 0.5, 0.6), 0.0))  # fmt: skip
    side = 1 if stage.pick(0, 1) < 0.5 else -1
    stage.bulb((side * (half - 0.3), 1.5, stage.pick(-0.4, 0.8)), 0.14, (16, 9, 4))
    at = (-side * (half - 0.1), 1.1, 0.6)
    stage.sheet(at, (side, 0, 0), (1.1, 0.65), radiance=(1.0, 2.2, 5.0))
    _shelf(stage, side * (half - 0.7), -behind + 0.2, 0.9, 4)
    curtain = stage.painted("stripes", stage.colour(vivid=1.0))
    at = (-side * (half - 0.7), 1.2, -behind + 0.05)
    stage.sheet(at, (0, 0, 1), (1.1, 2.3), curtain)
    _scatter(stage, 5, (-half + 0.3, half - 0.3, -behind + 0.4, 0.0), 0.8)
    return Exposure(stops=-0.9, noise=0.04, white_balance=0.35, blur_px=0.6, jpeg_quality=68)


def _sun(stage: Stage, high_deg: float, beside_deg: float, turbidity: float) -> None:
    """Sun and sky; ``beside_deg`` 0 is behind the camera, 90 to the right."""
    high, beside = math.radians(high_deg), math.radians(beside_deg)
    flat = math.cos(high)
    direction = [flat * math.sin(beside), math.sin(high), flat * math.cos(beside)]
    # The sky's zenith is +z, the sun's direction is that on the stage.
    upright = [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]
    stage.add(
        {
            "type": "sunsky",
            "sun_direction": direction,
            "turbidity": turbidity,
            "sun_aperture": 1.5,
            "to_world": upright,
        }
    )


PLACES: dict[str, Place] = {
    "living_room": living_room,
    "street": street,
    "corridor": corridor,
    "evening_wall": evening_wall,
    "warehouse": warehouse,
    "park": park,
    "neon": neon,
    "studio": studio,
    "laboratory": laboratory,
    "dark_room": dark_room,
}
