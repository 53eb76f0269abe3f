"""People: reproducible, closed, and their pictures, normals and solids agree."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.dataset import DatasetConfig, Shard, write_shard
from pifuhd_ros.synthetic.light import Lights, shade
from pifuhd_ros.synthetic.person import Person, sample_person
from pifuhd_ros.synthetic.render import place_person, render_views
from pifuhd_ros.synthetic.solid import label_points, sample_labels, winding_number
from pifuhd_ros.synthetic.split import HELD_OUT, pick_named
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe
from pifuhd_ros.types import AssetError


def test_a_seed_is_a_person(wardrobe: Wardrobe, body: BodyModel, person: Person) -> None:
    again = sample_person(wardrobe, body, 7)
    assert torch.equal(again.vertices, person.vertices)
    other = sample_person(wardrobe, body, 8)
    assert other.vertices.shape != person.vertices.shape or not torch.equal(
        other.vertices, person.vertices
    )


@pytest.mark.parametrize("seed", range(4))
def test_people_are_finite_upright_and_of_human_size(
    wardrobe: Wardrobe, body: BodyModel, seed: int
) -> None:
    person = sample_person(wardrobe, body, seed)
    assert torch.isfinite(person.vertices).all()
    assert torch.isfinite(person.normals).all()
    assert 1.3 < person.stature_m < 2.3
    assert (person.vertices.amax(0) - person.vertices.amin(0)).max() < 2.8


@pytest.mark.parametrize("seed", range(4))
def test_the_solid_is_closed(wardrobe: Wardrobe, body: BodyModel, seed: int) -> None:
    faces = sample_person(wardrobe, body, seed).solid_faces
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    size = int(faces.max()) + 1
    key = edges.amin(1) * size + edges.amax(1)
    sign = torch.where(edges[:, 0] < edges[:, 1], 1, -1)
    _, index = torch.unique(key, return_inverse=True)
    balance = torch.zeros(int(index.max()) + 1, dtype=torch.int64).index_add(0, index, sign)
    assert (balance == 0).all()


def test_labels_agree_with_the_winding_number(person: Person) -> None:
    labelled = sample_labels(person, 1500, seed=0)
    triangles = person.vertices[person.solid_faces]
    solid = winding_number(labelled.points, triangles)
    hair = winding_number(labelled.points, person.vertices[person.hair_faces])
    # Away from where a cone that closes a garment passes through a point.
    sure = (solid + hair.clamp(min=0) - 0.5).abs() > 0.2
    expected = solid + hair.clamp(min=0) > 0.5
    assert sure.float().mean() > 0.95
    assert (labelled.inside == expected)[sure].float().mean() > 0.995


def test_what_is_inside_lies_behind_the_silhouette(person: Person) -> None:
    placement = place_person(person, view_rotation(30))
    view = render_views(person, [placement], 256)[0]
    labelled = sample_labels(person, 4000, seed=1)
    model = placement.to_model(labelled.points)[labelled.inside]
    u = ((model[:, 0] + 1) / 2 * 255).round().long().clamp(0, 255)
    v = ((1 - model[:, 1]) / 2 * 255).round().long().clamp(0, 255)
    assert view.mask[v, u].float().mean() > 0.985


def test_views_are_consistent(person: Person) -> None:
    front, behind = render_views(
        person, [place_person(person, view_rotation(yaw)) for yaw in (0.0, 180.0)], 256
    )
    mask = front.mask
    assert 0.03 < mask.float().mean() < 0.6
    for normals, sign in ((front.normal_front, 1), (front.normal_back, -1)):
        length = normals[:, mask].norm(dim=0)
        assert torch.allclose(length, torch.ones_like(length), atol=1e-3)
        assert (normals[2, mask] * sign >= 0).all()
        assert (normals[:, ~mask] == 0).all()
    assert (front.z_front >= front.z_back)[mask].all()
    # From behind, the mirrored silhouette is the same but for rounding at its rim.
    assert (behind.mask.flip(1) == mask).float().mean() > 0.98
    seen_back = behind.normal_front.flip(2) * torch.tensor([-1.0, 1, -1])[:, None, None]
    both = mask & behind.mask.flip(1)
    cosine = (seen_back * front.normal_back).sum(0)[both]
    assert cosine.mean() > 0.9
    assert (front.z_back + behind.z_front.flip(1))[both].abs().median() < 0.01


def test_views_of_a_batch_equal_single_views(person: Person) -> None:
    placements = [place_person(person, view_rotation(yaw)) for yaw in (0.0, 75.0)]
    together = render_views(person, placements, 128)
    alone = render_views(person, placements[1:], 128)[0]
    assert torch.equal(together[1].mask, alone.mask)
    assert torch.allclose(together[1].albedo, alone.albedo, atol=1e-6)


def test_the_person_fills_the_crop_as_the_detector_would(person: Person) -> None:
    view = render_views(person, [place_person(person, view_rotation(0))], 256)[0]
    rows, columns = torch.nonzero(view.mask, as_tuple=True)
    longer = max(int(rows.max() - rows.min()), int(columns.max() - columns.min()))
    assert longer / 255 == pytest.approx(1 / 1.1, abs=0.03)


def test_light_from_the_left_lights_the_left(person: Person) -> None:
    view = render_views(person, [place_person(person, view_rotation(0))], 128)[0]
    left = Lights(
        torch.zeros(1, 9, 3), torch.tensor([[[-1.0, 0, 0]]]), torch.ones(1, 1, 3), torch.zeros(1, 1)
    )
    image = shade(torch.ones_like(view.albedo)[None], view.normal_front[None], left)[0]
    facing_left = view.mask & (view.normal_front[0] < -0.3)
    facing_right = view.mask & (view.normal_front[0] > 0.3)
    assert image[:, facing_left].mean() > 0.3
    assert image[:, facing_right].max() == 0


def test_a_shard_comes_back_as_it_was_made(
    wardrobe: Wardrobe, body: BodyModel, tmp_path: Path
) -> None:
    path = tmp_path / "shard-00000.safetensors"
    config = DatasetConfig(size_px=64, views=2, points=512, people_per_shard=1)
    write_shard(path, wardrobe, body, config, first_seed=3)
    shard = Shard(path)
    view = shard.read(0, 1)
    assert view.albedo.shape == (3, 64, 64)
    assert view.points.shape == (512, 3)
    assert 0.1 < view.inside.float().mean() < 0.8
    length = view.normal_front[:, view.mask > 0].norm(dim=0)
    assert torch.allclose(length, torch.ones_like(length), atol=1e-3)
    assert shard.read(0, 1, 32).mask.shape == (32, 32)
    write_shard(path, wardrobe, body, config, first_seed=3)
    again = Shard(path).read(0, 1)
    assert torch.equal(again.albedo, view.albedo)
    assert torch.equal(again.points, view.points)
    assert torch.equal(again.inside, view.inside)


def test_points_beside_the_person_are_outside(person: Person) -> None:
    far = person.vertices.amax(0) + torch.rand(50, 3)
    assert not label_points(person, far, 0.003).inside.any()


def test_held_out_assets_are_never_in_training(wardrobe: Wardrobe) -> None:
    for garments in (wardrobe.outfits, wardrobe.shoes, wardrobe.hair):
        train = {g.name for g in pick_named(garments, "train")}
        held_out = {g.name for g in pick_named(garments, "held_out")}
        assert train
        assert held_out
        assert not train & held_out
        assert held_out <= HELD_OUT


def test_missing_pack_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="pack-assets"):
        load_wardrobe(tmp_path / "none.safetensors")
