"""What every system in RECONSTRUCTORS promises."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pifuhd_ros.geometry.cameras import camera_from_fov, project
from pifuhd_ros.reconstructors.table import RECONSTRUCTORS, Reconstructor
from pifuhd_ros.stages.image_io import frame_from_array
from pifuhd_ros.types import (
    CaptureCancelled,
    DeviceError,
    Frame,
    NoPersonError,
    Reconstruction,
    SurfaceError,
    WeightsError,
)

FAST_WEIGHTS = {"pifuhd": "slab_weights", "phorhum": "phorhum_slab_weights"}
"""The fixture with a small network for each system."""

RESOLUTION = 64


@pytest.fixture(scope="module", params=list(RECONSTRUCTORS))
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def weights(system: str, request: pytest.FixtureRequest) -> Path:
    path = request.getfixturevalue(FAST_WEIGHTS[system])
    assert isinstance(path, Path)
    return path


@pytest.fixture(scope="module")
def model(system: str, weights: Path) -> Iterator[Reconstructor]:
    model = RECONSTRUCTORS[system].from_pretrained(weights, "cpu", resolution=RESOLUTION)
    yield model
    model.close()


@pytest.fixture(scope="module")
def frame(drawn_person: np.ndarray) -> Frame:
    camera = replace(camera_from_fov(50, 640, 480), is_guess=False)
    return frame_from_array(drawn_person, camera=camera, stamp_ns=1234567890123, frame_id="optical")


@pytest.fixture(scope="module")
def person(model: Reconstructor, frame: Frame) -> Reconstruction:
    (person,) = model.infer(frame)
    return person


def test_the_name_is_the_key(system: str) -> None:
    assert RECONSTRUCTORS[system].name == system


def test_the_mesh_is_well_formed(person: Reconstruction) -> None:
    mesh = person.mesh
    assert mesh.vertices.dtype == np.float32
    assert mesh.vertices.shape[1] == 3
    assert np.isfinite(mesh.vertices).all()
    assert mesh.faces.dtype == np.int64
    assert len(mesh.faces) > 100
    assert mesh.faces.min() >= 0
    assert mesh.faces.max() < len(mesh.vertices)
    assert mesh.normals is not None
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-3)
    assert mesh.colors is not None
    assert mesh.colors.shape == mesh.vertices.shape
    assert mesh.colors.dtype == np.uint8
    assert mesh.seen is not None
    assert 0 < mesh.seen.mean() < 1


def test_the_faces_turn_outward(person: Reconstruction) -> None:
    corners = (person.mesh.vertices - person.mesh.vertices.mean(axis=0))[person.mesh.faces]
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume > 0


def test_the_mesh_is_in_metres_before_the_camera(person: Reconstruction) -> None:
    assert person.scale_source == "stature_prior"
    height_m = np.ptp(person.mesh.vertices[:, 1])
    assert height_m == pytest.approx(1.7, rel=0.05)
    assert 1 < person.mesh.vertices[:, 2].mean() < 4


def test_the_mesh_projects_onto_the_person(person: Reconstruction, frame: Frame) -> None:
    assert frame.camera is not None
    assert person.mesh.seen is not None
    columns, rows = np.rint(project(frame.camera, person.mesh.vertices[person.mesh.seen])).T.astype(
        int
    )
    assert (person.detection.mask[rows, columns] > 0.5).mean() > 0.99


def test_seen_vertices_have_the_photo_s_colours(person: Reconstruction, frame: Frame) -> None:
    mesh = person.mesh
    assert frame.camera is not None
    assert mesh.seen is not None
    assert mesh.colors is not None
    columns, rows = np.rint(project(frame.camera, mesh.vertices[mesh.seen])).T.astype(int)
    difference = np.abs(frame.rgb[rows, columns].astype(int) - mesh.colors[mesh.seen])
    assert np.median(difference) < 8


def test_stamp_and_frame_are_the_source_s(person: Reconstruction, frame: Frame) -> None:
    assert person.stamp_ns == frame.stamp_ns
    assert person.frame_id == frame.frame_id


def test_every_stage_is_timed(person: Reconstruction) -> None:
    assert len(person.timings_s) >= 4
    assert all(seconds >= 0 for seconds in person.timings_s.values())
    assert next(iter(person.timings_s)) == "detect"


def test_a_calibrated_whole_person_has_no_notices(person: Reconstruction) -> None:
    assert not [notice for notice in person.notices if "pixels large" not in notice]


def test_the_same_frame_gives_the_same_mesh(
    model: Reconstructor, frame: Frame, person: Reconstruction
) -> None:
    (again,) = model.infer(frame)

    assert np.array_equal(again.mesh.vertices, person.mesh.vertices)
    assert np.array_equal(again.mesh.faces, person.mesh.faces)
    assert np.array_equal(again.mesh.colors, person.mesh.colors)


def test_the_steps_one_after_another_are_the_whole(
    model: Reconstructor, frame: Frame, person: Reconstruction
) -> None:
    fractions: list[float] = []
    encoded = model.encode(frame, model.detect(frame), lambda _, f: fractions.append(f))
    assert fractions == sorted(fractions)
    fractions.clear()
    (again,) = model.extract(encoded, lambda _, f: fractions.append(f))

    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert np.array_equal(again.mesh.vertices, person.mesh.vertices)
    assert np.array_equal(again.mesh.colors, person.mesh.colors)
    assert (again.stamp_ns, again.notices) == (person.stamp_ns, person.notices)
    assert ["detect", *again.timings_s] == list(person.timings_s)


def test_the_steps_can_run_at_once(
    model: Reconstructor, frame: Frame, person: Reconstruction
) -> None:
    people = model.detect(frame)
    encoded = model.encode(frame, people)
    results: list[Reconstruction] = []
    work = (
        lambda: model.detect(frame),
        lambda: model.encode(frame, people),
        lambda: results.extend(model.extract(encoded)),
    )
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert np.array_equal(results[0].mesh.vertices, person.mesh.vertices)


def test_nobody_cannot_be_encoded(model: Reconstructor, frame: Frame) -> None:
    with pytest.raises(NoPersonError, match="640 x 480"):
        model.encode(frame, [])


def test_progress_runs_from_0_to_1(model: Reconstructor, frame: Frame) -> None:
    reports: list[tuple[str, float]] = []

    (person,) = model.infer(frame, lambda stage, fraction: reports.append((stage, fraction)))

    fractions = [fraction for _, fraction in reports]
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)
    assert list(dict.fromkeys(stage for stage, _ in reports)) == list(person.timings_s)


def test_cancelling_passes_through_at_every_stage(
    model: Reconstructor, frame: Frame, person: Reconstruction
) -> None:
    for stage_to_stop in person.timings_s:

        def cancel(stage: str, fraction: float, last: str = stage_to_stop) -> None:
            if stage == last:
                raise CaptureCancelled("enough")

        with pytest.raises(CaptureCancelled, match="enough"):
            model.infer(frame, cancel)

    (again,) = model.infer(frame)
    assert np.array_equal(again.mesh.vertices, person.mesh.vertices)


def test_it_works_in_another_thread(
    model: Reconstructor, frame: Frame, person: Reconstruction
) -> None:
    results: list[Reconstruction] = []
    thread = threading.Thread(target=lambda: results.extend(model.infer(frame)))
    thread.start()
    thread.join()

    assert np.array_equal(results[0].mesh.vertices, person.mesh.vertices)


def test_no_person_is_an_error(model: Reconstructor) -> None:
    empty = frame_from_array(np.full((120, 160, 3), 90, np.uint8))
    with pytest.raises(NoPersonError, match="160 x 120"):
        model.infer(empty)


@pytest.mark.parametrize("shape", [(1, 1), (64, 64)])
def test_an_image_too_small_for_a_person_is_an_error(
    model: Reconstructor, shape: tuple[int, int]
) -> None:
    with pytest.raises(NoPersonError):
        model.infer(frame_from_array(np.zeros(shape, np.uint8)))


def test_half_a_person_is_reconstructed_with_a_notice(
    model: Reconstructor, drawn_person: np.ndarray
) -> None:
    (person,) = model.infer(frame_from_array(drawn_person[:300]))

    assert person.detection.is_cut_off
    assert any("outside the image" in notice for notice in person.notices)


def test_a_small_person_is_reconstructed(model: Reconstructor, drawn_person: np.ndarray) -> None:
    """The person is 55 pixels tall."""
    blocks = drawn_person[:, 80:560].reshape(60, 8, 60, 8, 3)

    (person,) = model.infer(frame_from_array(blocks.mean(axis=(1, 3)).astype(np.uint8)))

    assert np.isfinite(person.mesh.vertices).all()


def test_one_of_several_people_is_reconstructed_with_a_notice(
    model: Reconstructor, drawn_person: np.ndarray
) -> None:
    two = frame_from_array(np.concatenate([drawn_person[:, 100:540]] * 2, axis=1))

    people = model.infer(two)

    assert len(people) == 1
    assert any("2 people were found" in notice for notice in people[0].notices)


def test_several_people_are_reconstructed_when_asked_for(
    system: str, weights: Path, drawn_person: np.ndarray
) -> None:
    model = RECONSTRUCTORS[system].from_pretrained(
        weights, "cpu", resolution=RESOLUTION, max_people=2
    )
    smaller = drawn_person[::2, ::2]
    two = np.full((480, 900, 3), 235, np.uint8)
    two[:, :440] = drawn_person[:, 100:540]
    two[200:440, 500:820] = smaller
    fractions: list[float] = []

    first, second = model.infer(frame_from_array(two), lambda _, f: fractions.append(f))

    assert first.detection.mask.sum() > second.detection.mask.sum()
    assert first.mesh.vertices[:, 0].mean() < second.mesh.vertices[:, 0].mean()
    assert "detect" in first.timings_s
    assert "detect" not in second.timings_s
    assert fractions == sorted(fractions)
    model.close()


def test_the_stature_sets_the_scale(system: str, weights: Path, frame: Frame) -> None:
    model = RECONSTRUCTORS[system].from_pretrained(
        weights, "cpu", resolution=RESOLUTION, stature_m=1.2
    )
    (child,) = model.infer(frame)
    model.close()

    assert np.ptp(child.mesh.vertices[:, 1]) == pytest.approx(1.2, rel=0.05)


def test_wrong_settings_are_refused_before_the_weights_are_read(system: str) -> None:
    make = RECONSTRUCTORS[system].from_pretrained
    with pytest.raises(ValueError, match="stature_m"):
        make("missing", stature_m=0.0)
    with pytest.raises(ValueError, match="max_people"):
        make("missing", max_people=0)
    with pytest.raises(ValueError, match="vertical_fov_deg"):
        make("missing", vertical_fov_deg=float("nan"))
    with pytest.raises(ValueError, match="color is auto or one of"):
        make("missing", color="plaid")
    with pytest.raises(SurfaceError, match="resolution"):
        make("missing", resolution=7)
    with pytest.raises(DeviceError, match="unknown device"):
        make("missing", "quantum")
    with pytest.raises(WeightsError, match="missing"):
        make("missing", "cpu")


def test_a_missing_gpu_is_an_error(system: str, weights: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(DeviceError, match="use device 'cpu' or 'auto'"):
        RECONSTRUCTORS[system].from_pretrained(weights, "cuda")


def test_on_a_gpu_the_mesh_is_nearly_the_same(
    system: str, weights: Path, frame: Frame, person: Reconstruction
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU")
    model = RECONSTRUCTORS[system].from_pretrained(weights, "cuda", resolution=RESOLUTION)
    (on_gpu,) = model.infer(frame)
    model.close()

    low, high = (bound(person.mesh.vertices, axis=0) for bound in (np.min, np.max))
    assert np.allclose(on_gpu.mesh.vertices.min(axis=0), low, atol=0.01)
    assert np.allclose(on_gpu.mesh.vertices.max(axis=0), high, atol=0.01)


def test_little_memory_is_said_in_the_result(
    system: str, weights: Path, frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = RECONSTRUCTORS[system].from_pretrained(weights, "cpu", resolution=1024)
    # What a capture asks for before it begins.
    monkeypatch.setattr(f"{type(model).__module__}.free_memory", lambda device: 40_000_000)
    (person,) = model.infer(frame)
    model.close()

    assert any("lowered from 1024 to" in notice for notice in person.notices)
    assert len(person.mesh.vertices) < 256**2
