"""Pictures: on shapes with a closed answer, against Embree, and consistent from all sides."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from handmade_people import Shape, box, people_of, sphere

from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.paint import Paints
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.placement import Placement, place_person
from pifuhd_ros.synthetic.render import Views, render_views

SIZE = 256
PLAIN = Placement(torch.eye(3), torch.zeros(3), 1.0)
NEAR = dataclasses.replace(PLAIN, inverse_distance=0.5)


def pixel_rays(size: int) -> torch.Tensor:
    """x and y (2, S, S) of the pixels' centres in the model box."""
    axis = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    return torch.stack([x, y])


def ramp(size: int = 64) -> torch.Tensor:
    """A texture that is u in red and v in green."""
    row = (torch.arange(size) + 0.5) / size * 255
    texture = torch.full((4, size, size), 255.0)
    texture[0], texture[1] = row, row[:, None]
    return texture.round().to(torch.uint8)


def slanted_plane() -> tuple[Shape, torch.Tensor]:
    """A plane z = 0.8 x, 1.22 wide and high, and its uvs."""
    x = torch.tensor([-0.61, 0.61, 0.61, -0.61])
    y = torch.tensor([-0.61, -0.61, 0.61, 0.61])
    normal = torch.tensor([[-0.8, 0, 1]]) / math.hypot(0.8, 1)
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    shape = Shape(torch.stack([x, y, 0.8 * x], 1), normal.expand(4, 3), open=faces)
    return shape, torch.stack([x, y], 1) / 1.22 + 0.5


@pytest.mark.parametrize("placement", [PLAIN, NEAR])
def test_textures_and_depth_of_a_slanted_plane_are_those_of_perspective(
    placement: Placement,
) -> None:
    shape, uvs = slanted_plane()
    view = render_views(people_of(shape, uvs=uvs, texture=ramp()), [0], [placement], SIZE)
    x, y = pixel_rays(SIZE)
    # On the ray px = x (1 - c z), on the plane z = 0.8 px.
    c = placement.inverse_distance
    z = 0.8 * x / (1 + 0.8 * c * x)
    px, py = x * (1 - c * z), y * (1 - c * z)
    mask = (px.abs() < 0.61) & (py.abs() < 0.61)
    assert (view.mask[0] == mask).float().mean() > 0.999
    both = view.mask[0] & mask
    assert torch.allclose(view.z_front[0][both], z[both], atol=1e-5)
    assert torch.allclose(view.z_back[0][both], z[both], atol=1e-5)
    inner = both & (px.abs() < 0.58) & (py.abs() < 0.58)
    for channel, place in ((0, px), (1, py)):
        expected = (place / 1.22 + 0.5)[inner]
        assert torch.allclose(view.albedo[0, channel][inner], expected, atol=3e-3)
    normal = view.normal_front[0][:, both]
    assert torch.allclose(normal, shape.normals[0][:, None].expand_as(normal), atol=1e-5)


@pytest.mark.parametrize("placement", [PLAIN, NEAR])
def test_depth_and_normals_of_a_sphere(placement: Placement) -> None:
    radius = 0.5
    view = render_views(people_of(sphere(radius)), [0], [placement], SIZE)
    x, y = pixel_rays(SIZE)
    # |(x (1 - c z), y (1 - c z), z)| = r: a quadratic equation of z.
    c, r2 = placement.inverse_distance, x * x + y * y
    a, b, d = 1 + c * c * r2, -2 * c * r2, r2 - radius**2
    root = (b * b - 4 * a * d).clamp(min=0).sqrt()
    for depth, normals, sign in (
        (view.z_front, view.normal_front, 1),
        (view.z_back, view.normal_back, -1),
    ):
        z = (-b + sign * root) / (2 * a)
        inner = view.mask[0] & (root / (2 * a) > 0.1)
        assert inner.sum() > 5000
        assert torch.allclose(depth[0][inner], z[inner], atol=1e-3)
        normal = torch.stack([x * (1 - c * z), y * (1 - c * z), z]) / radius
        # A smooth normal that leans away from the viewer, as perspective shows some, is laid flat.
        seen = inner & (normal[2] * sign > 0)
        assert torch.allclose(normals[0][:, seen], normal[:, seen], atol=2e-3)
    assert (view.mask[0] == (b * b - 4 * a * d > 0)).float().mean() > 0.999
    assert (view.z_front[0][~view.mask[0]] == 0).all()


def test_transparent_places_of_cards_show_what_is_behind() -> None:
    shape, uvs = slanted_plane()
    texture = ramp()
    texture[3, :, 32:] = 0
    view = render_views(
        people_of(shape, uvs=uvs, texture=texture, is_card=True), [0], [PLAIN], SIZE
    )
    x, y = pixel_rays(SIZE)
    expected = (x > -0.61) & (x < 0) & (y.abs() < 0.61)
    assert (view.mask[0] == expected).float().mean() > 0.995


def test_cards_seen_from_behind_face_the_viewer() -> None:
    shape, uvs = slanted_plane()
    card = people_of(shape, uvs=uvs, texture=ramp(), is_card=True)
    behind = dataclasses.replace(PLAIN, rotation=view_rotation(180))
    view = render_views(card, [0], [behind], 64)
    normal = view.normal_front[0][:, view.mask[0]]
    assert normal[2].min() > 0.5


def test_joints_and_their_visibility() -> None:
    """A wall at z = 0.2, 1 m wide; a joint counts as seen through 12 cm of flesh."""
    joints = torch.tensor(
        [
            [0.0, 0.0, 0.4],  # Before the wall.
            [0.2, -0.3, 0.1],  # 10 cm behind its front.
            [0.2, -0.3, 0.0],  # 20 cm behind.
            [0.8, 0.0, 0.2],  # Beside the wall.
            [1.4, 0.0, 0.4],  # Outside the image.
            [math.nan] * 3,  # Not known.
        ]
    )
    wall = people_of(box((-0.5, -0.5, -0.2), (0.5, 0.5, 0.2)), joints=joints[None])
    view = render_views(wall, [0], [PLAIN], 64)
    assert view.joints_visible[0].tolist() == [True, True, False, False, False, False]
    assert torch.equal(view.joints[0, :5], joints[:5])
    near = render_views(wall, [0], [NEAR], 64)
    k = 1 / (1 - 0.5 * 0.4)
    assert torch.allclose(near.joints[0, 0], torch.tensor([0.0, 0, 0.4]))
    assert torch.allclose(near.joints[0, 4], torch.tensor([1.4 * k, 0, 0.4]))


def test_joints_lie_on_the_person(people: People) -> None:
    """What is seen of a joint is seen inside the silhouette."""
    placements = [place_person(people.vertices_of(i), view_rotation(0)) for i in range(len(people))]
    views = render_views(people, range(len(people)), placements, 128)
    shown = views.joints_visible
    assert 0.3 < shown.float().mean() < 1
    view, joint = torch.nonzero(shown, as_tuple=True)
    u = ((views.joints[view, joint, 0] + 1) / 2 * 127).round().long()
    v = ((1 - views.joints[view, joint, 1]) / 2 * 127).round().long()
    assert views.mask[view, v, u].all()


@pytest.fixture(scope="module")
def front_and_behind(people: People) -> Views:
    placements = [place_person(people.vertices_of(1), view_rotation(yaw)) for yaw in (0.0, 180.0)]
    return render_views(people, [1, 1], placements, SIZE)


def test_views_are_consistent(front_and_behind: Views) -> None:
    views = front_and_behind
    mask = views.mask[0]
    assert 0.03 < mask.float().mean() < 0.6
    for normals, sign in ((views.normal_front[0], 1), (views.normal_back[0], -1)):
        length = normals[:, mask].norm(dim=0)
        assert torch.allclose(length, torch.ones_like(length), atol=1e-3)
        assert (normals[2, mask] * sign >= 0).all()
        assert (normals[:, ~mask] == 0).all()
    assert (views.z_front[0] >= views.z_back[0])[mask].all()
    # From behind, the mirrored silhouette is the same but for rounding at its rim.
    mirrored = views.mask[1].flip(1)
    assert (mirrored == mask).float().mean() > 0.98
    both = mask & mirrored
    turn = torch.tensor([-1.0, 1, -1])[:, None, None]
    cosine = (views.normal_front[1].flip(2) * turn * views.normal_back[0]).sum(0)[both]
    assert cosine.mean() > 0.9
    assert (views.z_back[0] + views.z_front[1].flip(1))[both].abs().median() < 0.01
    assert (views.albedo_back[0] - views.albedo[1].flip(2))[:, both].abs().median() < 0.01


def test_the_body_lies_inside_the_clothes(front_and_behind: Views) -> None:
    views = front_and_behind
    skin = views.body_front[0].abs().sum(0) > 0
    assert skin.sum() > 0.4 * views.mask[0].sum()
    assert (views.mask[0] | ~skin).float().mean() > 0.995
    length = views.body_front[0][:, skin].norm(dim=0)
    assert torch.allclose(length, torch.ones_like(length), atol=1e-3)
    assert (views.body_front[0][2, skin] >= 0).all()
    assert (views.body_back[0][2, skin] <= 0).all()


def test_views_of_a_batch_equal_single_views(people: People) -> None:
    """To the last bit, whoever else is drawn, and from whatever kind of camera."""
    who = [0, 1, 2, 1]
    placements = [
        place_person(people.vertices_of(i), view_rotation(75 * n), distance_m=distance)
        for n, (i, distance) in enumerate(zip(who, (math.inf, 2.0, math.inf, 4.0), strict=True))
    ]
    together = render_views(people, who, placements, 128)
    for i in (1, 2):
        alone = render_views(people, [who[i]], [placements[i]], 128)
        for field in dataclasses.fields(Views):
            values = getattr(together, field.name)
            if isinstance(values, torch.Tensor):
                assert torch.equal(values[i], getattr(alone, field.name)[0]), field.name


def embree(
    vertices: torch.Tensor, faces: torch.Tensor, placement: Placement, size: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Where rays through the pixels' centres hit first: mask, model-space z, face, each (S, S)."""
    o3d = pytest.importorskip("open3d")
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor(vertices.numpy()),
        o3d.core.Tensor(faces.numpy().astype("uint32")),
    )
    x, y = pixel_rays(size)
    # From beyond whatever sticks out of the box, but not from behind the camera.
    start_z = min(4.0, 0.999 / max(placement.inverse_distance, 1e-9))
    near = torch.stack([x, y, torch.full_like(x, start_z)], -1).view(-1, 3)
    start = placement.to_person(near)
    step = placement.to_person(near * torch.tensor([1.0, 1, -1])) - start
    result = scene.cast_rays(o3d.core.Tensor(torch.cat([start, step], 1).numpy()))
    t = torch.from_numpy(result["t_hit"].numpy())
    hit = torch.isfinite(t)
    z = placement.to_model(start + torch.where(hit, t, 0.0)[:, None] * step)[:, 2]
    face = torch.from_numpy(result["primitive_ids"].numpy().astype("int64"))
    return hit.view(size, size), z.view(size, size), face.view(size, size)


def numbered(people: People) -> People:
    """Without cards, of whose transparent places Embree knows nothing; albedo numbers the faces."""
    keep = ~people.is_card[people.face_part]
    count = int(keep.sum())
    number = torch.arange(count)
    return dataclasses.replace(
        people,
        faces=people.faces[keep],
        face_uvs=people.face_uvs[keep],
        face_part=number,
        paints=Paints(
            tint=torch.stack([number // 65536, number // 256 % 256, number % 256], 1) / 255,
            texture_share=torch.zeros(count),
            pattern=torch.zeros(count, dtype=torch.int64),
            second=torch.zeros(count, 3),
            wave=torch.zeros(count, 3),
            grain=torch.zeros(count),
            is_hair=torch.zeros(count, dtype=torch.bool),
            texture=torch.full((count,), -1),
        ),
        is_card=torch.zeros(count, dtype=torch.bool),
        normal_map=torch.full((count,), -1),
    )


@pytest.mark.parametrize("distance_m", [math.inf, 2.0])
def test_pixels_are_those_that_embree_finds(people: People, distance_m: float) -> None:
    """Of all pixels that either finds on a person, 99.9 % show the same face at the same depth."""
    people = numbered(people)
    who = range(len(people))
    placements = [
        place_person(people.vertices_of(i), view_rotation(70 * i + 20, 5), distance_m=distance_m)
        for i in who
    ]
    views = render_views(people, who, placements, SIZE)
    digits = (views.albedo * 255).round().long()
    number = (digits[:, 0] * 256 + digits[:, 1]) * 256 + digits[:, 2]
    same = person = first = 0
    for i in who:
        faces = people.faces_of("faces", i)
        hit, z, face = embree(people.vertices_of(i), faces, placements[i], SIZE)
        either, both = hit | views.mask[i], hit & views.mask[i]
        alike = both & (number[i] == face + first) & ((z - views.z_front[i]).abs() < 1e-3)
        same, person = same + int(alike.sum()), person + int(either.sum())
        first += len(faces)
    assert person > 12_000
    assert same / person >= 0.999
