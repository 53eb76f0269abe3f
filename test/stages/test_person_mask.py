"""What belongs to a person, on masks drawn by hand."""

from __future__ import annotations

import os

import numpy as np
import pytest
from people_fakes import person

from pifuhd_ros.stages.native_log import without_native_lines
from pifuhd_ros.stages.person_mask import is_cut_off, keep_person, with_crisp_edge


def points_at(*xy: tuple[float, float]) -> np.ndarray:
    """(33, 3): visible keypoints at the places given, over and over."""
    return np.array([(*xy[i % len(xy)], 1.0) for i in range(33)])


def test_pieces_without_a_keypoint_are_dropped_with_their_soft_edge() -> None:
    mask = np.zeros((100, 100), np.float32)
    mask[10:90, 30:60] = 1
    mask[20:60, 75:90] = 0.4
    mask[25:55, 80:85] = 1

    kept = keep_person(mask, points_at((45, 50)))

    assert kept[:, 62:].max() == 0
    assert np.array_equal(kept[:, :62], mask[:, :62])


def test_a_piece_with_a_keypoint_stays() -> None:
    mask = np.zeros((100, 100), np.float32)
    mask[10:90, 30:60] = 1
    mask[40:60, 70:90] = 1  # a forearm behind a pole

    assert np.array_equal(keep_person(mask, points_at((45, 50), (80, 50))), mask)


def test_soft_edges_of_the_person_stay() -> None:
    mask = np.zeros((100, 100), np.float32)
    mask[9:91, 29:61] = 0.3
    mask[10:90, 30:60] = 1

    assert np.array_equal(keep_person(mask, points_at((45, 50))), mask)


def test_an_empty_mask_stays_empty() -> None:
    assert keep_person(np.zeros((9, 9), np.float32), points_at((4, 4))).max() == 0


def test_soft_edges_become_crisp() -> None:
    mask = np.float32([[0, 0.3, 0.5, 0.6, 0.7, 0.9, 1]])

    assert with_crisp_edge(mask)[0].tolist() == pytest.approx([0, 0, 0, 0.5, 1, 1, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("middle_px", "top_px", "expected"),
    [
        (150, 50, False),
        (150, 250, True),  # legs below the image
        (150, -20, True),  # top of the head above it
        (150, -100, True),
        (20, 50, True),
        (290, 50, True),
        (150, 0, False),
    ],
)
def test_cut_off(middle_px: float, top_px: float, expected: bool) -> None:
    fake = person((400, 300), middle_px=middle_px, top_px=top_px, stature_px=300)

    assert is_cut_off(fake.mask, fake.keypoints_px) is expected


def test_known_noise_is_dropped_and_the_rest_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with without_native_lines([b"delegate"]):
        os.write(2, b"INFO: created a delegate\nERROR: no memory\n")
    os.write(2, b"later\n")

    assert capfd.readouterr().err == "ERROR: no memory\nlater\n"
