"""Finding people: the search around a scripted finder, and mediapipe on images."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from people_fakes import person
from PIL import Image

from pifuhd_ros.stages.blazepose import Pose
from pifuhd_ros.stages.body_pose import stands_upright
from pifuhd_ros.stages.detection import (
    DetectionConfig,
    PersonDetector,
    detect_people,
    find_people,
    score,
)
from pifuhd_ros.stages.image_io import frame_from_array, read_frame
from pifuhd_ros.types import Frame

PHOTOS = Path(__file__).parents[2].parent / "shared" / "photos"


class ColourFinder:
    """Finds the largest rectangle of a colour that stands for a person, if it is large enough."""

    def __init__(self, *colours: tuple[int, int, int], min_share: float = 0.0) -> None:
        self.colours = colours
        self.min_share = min_share
        self.calls = 0

    def find(self, rgb: np.ndarray) -> Pose | None:
        self.calls += 1
        masks = [(rgb == colour).all(axis=2) for colour in self.colours]
        mask = max(masks, key=np.count_nonzero)
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0 or (rows[-1] - rows[0]) < self.min_share * max(rgb.shape):
            return None
        v, u = np.nonzero(mask)
        points = np.column_stack([np.full(33, u.mean()), np.linspace(v.min(), v.max(), 33)])
        return Pose(
            mask=mask.astype(np.float32),
            keypoints_px=np.column_stack([points, np.ones(33)]),
            keypoints_world_m=np.zeros((33, 3)),
        )


RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def canvas(
    height: int, width: int, *boxes: tuple[tuple[int, int, int], int, int, int, int]
) -> Frame:
    """A gray image with rectangles: colour, left, top, right, bottom."""
    rgb = np.full((height, width, 3), 60, np.uint8)
    for colour, left, top, right, bottom in boxes:
        rgb[top:bottom, left:right] = colour
    return frame_from_array(rgb)


def test_people_come_largest_first() -> None:
    frame = canvas(300, 600, (RED, 50, 100, 100, 250), (BLUE, 300, 20, 400, 290))

    people = find_people(ColourFinder(RED, BLUE), frame, DetectionConfig())

    assert [p.box_xyxy_px.tolist() for p in people] == [
        [299.5, 19.5, 399.5, 289.5],
        [49.5, 99.5, 99.5, 249.5],
    ]
    assert all(p.mask.shape == (300, 600) for p in people)
    assert not any(p.is_cut_off for p in people)


def test_no_more_people_than_asked_for() -> None:
    frame = canvas(
        300, 600, (RED, 50, 50, 100, 250), (BLUE, 300, 20, 400, 290), (GREEN, 500, 50, 550, 200)
    )

    people = find_people(ColourFinder(RED, BLUE, GREEN), frame, DetectionConfig(max_people=2))

    assert len(people) == 2


def test_masks_of_two_people_do_not_overlap() -> None:
    class Greedy(ColourFinder):
        """Its masks reach 20 pixels to the right of the person."""

        def find(self, rgb: np.ndarray) -> Pose | None:
            pose = super().find(rgb)
            if pose is None:
                return None
            wide = np.maximum.reduce([np.roll(pose.mask, shift, axis=1) for shift in range(21)])
            return Pose(wide, pose.keypoints_px, pose.keypoints_world_m)

    frame = canvas(300, 600, (BLUE, 100, 20, 250, 290), (RED, 255, 60, 350, 280))

    people = find_people(Greedy(RED, BLUE), frame, DetectionConfig())

    assert len(people) == 2
    assert (people[0].mask * people[1].mask).max() == 0


def test_a_small_person_is_found_in_a_part_of_the_image() -> None:
    frame = canvas(400, 600, (RED, 500, 300, 530, 390))

    people = find_people(ColourFinder(RED, min_share=0.3), frame, DetectionConfig())

    assert [p.box_xyxy_px.tolist() for p in people] == [[499.5, 299.5, 529.5, 389.5]]
    keypoints = people[0].keypoints_px
    assert (keypoints[:, 0] > 500).all()
    assert (keypoints[:, 0] < 530).all()


def test_the_search_ends_where_nobody_is() -> None:
    finder = ColourFinder(RED)

    assert find_people(finder, canvas(400, 600), DetectionConfig()) == []
    assert finder.calls < 30


def test_a_finder_that_sees_ghosts_does_not_hang() -> None:
    class Haunted(ColourFinder):
        """Sees the same person whatever is painted over."""

        def find(self, rgb: np.ndarray) -> Pose | None:
            rgb = rgb.copy()
            rgb[50:250, 50:100] = RED
            return super().find(rgb)

    assert len(find_people(Haunted(RED), canvas(300, 300), DetectionConfig())) == 1


def test_a_doubtful_find_counts_only_where_it_is_the_first() -> None:
    class Doubtful(ColourFinder):
        """Sees blue people at a score of 0.6."""

        def find(self, rgb: np.ndarray) -> Pose | None:
            pose = super().find(rgb)
            if pose is None or not (rgb[pose.mask > 0] == BLUE).all():
                return pose
            return Pose(pose.mask, pose.keypoints_px * (1, 1, 0.6), pose.keypoints_world_m)

    red, blue = (RED, 300, 20, 400, 290), (BLUE, 50, 100, 100, 250)
    finder = Doubtful(RED, BLUE)

    assert len(find_people(finder, canvas(300, 600, blue), DetectionConfig())) == 1
    (surely,) = find_people(finder, canvas(300, 600, red, blue), DetectionConfig())
    assert surely.box_xyxy_px[0] == 299.5


class Blind:
    """Sees nobody."""

    def find(self, rgb: np.ndarray) -> Pose | None:
        return None


@pytest.mark.parametrize(("seen", "expected"), [(0.75, 1), (0.6, 0)])
def test_a_second_look_is_for_those_whom_the_first_misses(seen: float, expected: int) -> None:
    """And it must be sure of them."""

    class Second(ColourFinder):
        def find(self, rgb: np.ndarray) -> Pose | None:
            pose = super().find(rgb)
            if pose is None:
                return None
            return Pose(pose.mask, pose.keypoints_px * (1, 1, seen), pose.keypoints_world_m)

    frame, config = canvas(300, 600, (BLUE, 50, 100, 100, 250)), DetectionConfig()

    assert find_people(Blind(), frame, config) == []
    assert len(find_people(Blind(), frame, config, Second(BLUE))) == expected
    second = Second(BLUE)
    assert len(find_people(ColourFinder(BLUE), frame, config, second)) == 1
    assert second.calls == 0


def test_someone_in_the_dark_is_found() -> None:
    shipped = resources.files("pifuhd_ros") / "data" / "demo.png"
    with resources.as_file(shipped) as path:
        light = read_frame(path).rgb
    dark = frame_from_array((light * 0.08).astype(np.uint8))

    with PersonDetector(DetectionConfig(second_confidence=1, faces=False)) as strict:
        assert strict.detect(dark) == []
    with PersonDetector(DetectionConfig(faces=False)) as detector:
        (found,) = detector.detect(dark)
        (known,) = detector.detect(frame_from_array(light))

    assert iou(found.mask, known.mask > 0.5) > 0.9


def test_specks_are_no_people() -> None:
    frame = canvas(300, 300, (RED, 100, 100, 110, 115))

    assert find_people(ColourFinder(RED), frame, DetectionConfig()) == []


def test_large_images_are_searched_small_and_answered_large() -> None:
    frame = canvas(1000, 3000, (RED, 1500, 100, 1800, 900))

    (found,) = find_people(ColourFinder(RED), frame, DetectionConfig(max_side_px=600))

    assert found.mask.shape == (1000, 3000)
    assert np.abs(found.box_xyxy_px - (1499.5, 99.5, 1799.5, 899.5)).max() <= 5
    assert found.keypoints_px[0, 0] == pytest.approx(1649.5, abs=5)


def test_a_cut_out_of_the_person_is_the_mask() -> None:
    frame = canvas(300, 300, (RED, 100, 50, 200, 250))
    alpha = np.zeros((300, 300), np.uint8)
    alpha[45:255, 95:205] = 255
    alpha[44, 95:205] = 100
    cut_out = frame_from_array(np.dstack([frame.rgb, alpha]))

    (found,) = find_people(ColourFinder(RED), cut_out, DetectionConfig())

    assert np.array_equal(found.mask, alpha.astype(np.float32) / 255)


def test_a_mask_ends_where_the_image_is_transparent() -> None:
    frame = canvas(300, 300, (RED, 100, 50, 200, 250))
    alpha = np.full((300, 300), 255, np.uint8)
    alpha[:, :120] = 0
    half = frame_from_array(np.dstack([frame.rgb, alpha]))

    (found,) = find_people(ColourFinder(RED), half, DetectionConfig())

    assert found.box_xyxy_px.tolist() == [119.5, 49.5, 199.5, 249.5]


def test_the_score_falls_with_gray_masks_and_points_beside_them() -> None:
    fake = person((400, 300), middle_px=150, top_px=50, stature_px=300)
    world = np.zeros((33, 3))
    clear = score(Pose(fake.mask, fake.keypoints_px, world))

    beside = score(Pose(np.roll(fake.mask, 100, axis=1), fake.keypoints_px, world))
    gray = score(Pose(fake.mask * np.float32(0.6), fake.keypoints_px, world))

    assert clear == pytest.approx(1, abs=0.01)
    assert beside == pytest.approx(0, abs=0.1)
    assert gray == pytest.approx(0.2, abs=0.01)
    assert score(Pose(np.zeros_like(fake.mask), fake.keypoints_px, world)) == 0


@pytest.fixture(scope="module")
def detector() -> Iterator[PersonDetector]:
    with PersonDetector() as detector:
        yield detector


def photo(name: str) -> Path:
    path = PHOTOS / name
    if not path.is_file():
        pytest.skip(f"the test photo {name} is not beside this checkout")
    return path


@pytest.fixture(scope="module")
def standing() -> tuple[np.ndarray, np.ndarray]:
    """A photo of a whole person over plain gray, and the hand-made mask."""
    rgb = np.asarray(Image.open(photo("ryota.png")).convert("RGB"))
    mask = np.asarray(Image.open(photo("ryota_mask.png")).convert("L")) > 127
    return np.where(mask[..., None], rgb, 90).astype(np.uint8), mask


def iou(found: np.ndarray, expected: np.ndarray) -> float:
    return float(((found > 0.5) & expected).sum() / ((found > 0.5) | expected).sum())


@pytest.mark.parametrize("factor", [0.125, 0.5, 1, 4])
def test_the_mask_of_a_photo(
    detector: PersonDetector, standing: tuple[np.ndarray, np.ndarray], factor: float
) -> None:
    """64, 256, 512 and 2048 pixels."""
    rgb, mask = standing
    size = (round(512 * factor),) * 2
    image = Image.fromarray(rgb).resize(size, Image.Resampling.BOX)
    expected = np.asarray(Image.fromarray(mask).resize(size))

    (found,) = detector.detect(frame_from_array(np.asarray(image)))

    assert iou(found.mask, expected) > (0.9 if factor >= 0.5 else 0.85)
    assert not found.is_cut_off
    assert found.score > 0.8


def test_half_a_person_is_cut_off(
    detector: PersonDetector, standing: tuple[np.ndarray, np.ndarray]
) -> None:
    rgb, mask = standing
    for part in (np.s_[:350], np.s_[:200], np.s_[60:], np.s_[:, 230:]):
        (found,) = detector.detect(frame_from_array(rgb[part]))
        assert found.is_cut_off, part
        assert iou(found.mask, mask[part]) > 0.85


def test_a_closely_trimmed_photo_is_whole(
    detector: PersonDetector, standing: tuple[np.ndarray, np.ndarray]
) -> None:
    (found,) = detector.detect(frame_from_array(standing[0][34:474, 154:350]))

    assert not found.is_cut_off


def test_several_people(detector: PersonDetector, standing: tuple[np.ndarray, np.ndarray]) -> None:
    rgb, mask = standing
    small = np.asarray(Image.fromarray(rgb).resize((400, 400)))
    crowd = np.full((512, 1000, 3), 90, np.uint8)
    crowd[:, 500:900] = rgb[:, 50:450]
    crowd[50:450, 80:480] = small

    people = detector.detect(frame_from_array(crowd))

    assert len(people) == 2
    assert people[0].box_xyxy_px[0] > 500 > people[1].box_xyxy_px[2]
    assert iou(people[0].mask[:, 500:900], mask[:, 50:450]) > 0.9


def test_a_person_far_away(
    detector: PersonDetector, standing: tuple[np.ndarray, np.ndarray]
) -> None:
    rgb, mask = standing
    far = np.full((960, 1280, 3), 90, np.uint8)
    far[600:760, 900:1060] = np.asarray(Image.fromarray(rgb).resize((160, 160)))
    expected = np.zeros((960, 1280), bool)
    expected[600:760, 900:1060] = np.asarray(Image.fromarray(mask).resize((160, 160)))

    (found,) = detector.detect(frame_from_array(far))

    assert iou(found.mask, expected) > 0.85


def test_an_upper_body_photo(detector: PersonDetector) -> None:
    (found,) = detector.detect(read_frame(photo("astronaut_skimage_publicdomain.png")))

    assert found.is_cut_off
    assert found.mask[300, 200] > 0.9
    assert found.mask[100, 450] < 0.1


def test_the_same_frame_gives_the_same_people(
    detector: PersonDetector, standing: tuple[np.ndarray, np.ndarray]
) -> None:
    frame = frame_from_array(standing[0])

    (first,) = detector.detect(frame)
    detector.detect(frame_from_array(standing[0][:300]))
    (again,) = detector.detect(frame)

    assert np.array_equal(first.mask, again.mask)
    assert np.array_equal(first.keypoints_px, again.keypoints_px)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (64, 64), (300, 5), (480, 640)])
def test_images_without_a_person(detector: PersonDetector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)

    assert detector.detect(frame_from_array(noise)) == []
    assert detector.detect(frame_from_array(np.zeros(shape, np.uint8))) == []


def test_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    assert detect_people(frame_from_array(np.zeros((64, 64), np.uint8))) == []

    assert capfd.readouterr().err == ""


def test_the_shipped_image_shows_a_whole_person(detector: PersonDetector) -> None:
    shipped = resources.files("pifuhd_ros") / "data" / "demo.png"
    with resources.as_file(shipped) as path:
        frame = read_frame(path)

    (found,) = detector.detect(frame)

    assert not found.is_cut_off
    assert found.score > 0.8
    assert stands_upright(found)
    _, top, _, bottom = found.box_xyxy_px
    assert 0.8 < (bottom - top) / frame.rgb.shape[0] < 0.95
