"""The body as one solid, its mouth and eye sockets filled.

The skin is one closed surface, which goes in at the lips and around the eyeballs. Taken as it is,
the head has hollows several centimetres deep behind lips of some millimetres.
"""

from __future__ import annotations

import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.sheet import boundary_edges, connected
from pifuhd_ros.types import MeshError


def body_solid(body: BodyModel) -> torch.Tensor:
    """Closed, outward-facing faces (F, 3) of the body's vertices: whatever is in any is solid.

    A sheet from lip to lip and one from lid to lid replace the linings of the mouth and of the
    sockets; eyes and tongue are solids of their own. All of it moves with the body, whatever its
    shape, pose and expression: the sheet of an open mouth spans it a little behind the lips, where
    teeth would be.

    Args:
        body: Of which the mean, the faces and their places in the texture are used.
    """
    piece = connected(body.vertex_count, body.faces)[body.faces[:, 0]]
    is_skin = piece == torch.bincount(piece).argmax()
    skin, inner = body.faces[is_skin], body.faces[~is_skin]
    mean = body.mean[: body.vertex_count]
    island = _texture_islands(skin, body.face_uvs[is_skin])
    linings = [
        _island_around(_centre(mean[inner[piece[~is_skin] == one]]), island, mean[skin])
        for one in piece[~is_skin].unique()
    ]
    is_lining = torch.isin(island, torch.stack(linings))
    return torch.cat([fill_hollows(skin, is_lining, mean), inner])


def fill_hollows(
    faces: torch.Tensor, is_lining: torch.Tensor, points: torch.Tensor
) -> torch.Tensor:
    """A closed mesh without its hollows, a sheet over the rim of each.

    Args:
        faces: (F, 3), closed.
        is_lining: (F,) bool: the faces inside hollows, which go.
        points: (V, 3) by which the sheets are laid out; they use no vertices but the rims'.

    Returns:
        (G, 3), closed: the other faces as they were, then the sheets.

    Raises:
        MeshError: A rim is no simple loop.
    """
    rest = faces[~is_lining]
    edges = boundary_edges(rest)
    loop = connected(len(points), edges)[edges[:, 0]]
    sheets = [_bridge(_walk(edges[loop == one]), points) for one in loop.unique()]
    return torch.cat([rest, *sheets])


def _centre(corners: torch.Tensor) -> torch.Tensor:
    """Middle (3,) of the box around corners (..., 3)."""
    flat = corners.reshape(-1, 3)
    return (flat.amin(0) + flat.amax(0)) / 2


def _texture_islands(faces: torch.Tensor, face_uvs: torch.Tensor) -> torch.Tensor:
    """(F,) number of the connected piece of the texture that each face lies in.

    Args:
        faces: (F, 3).
        face_uvs: (F, 3, 2).
    """
    corner = faces
    for axis in range(2):
        values, place = torch.unique(face_uvs[..., axis], return_inverse=True)
        corner = corner * len(values) + place
    unique, number = torch.unique(corner, return_inverse=True)
    return connected(len(unique), number)[number[:, 0]]


def _island_around(
    point: torch.Tensor, island: torch.Tensor, corners: torch.Tensor
) -> torch.Tensor:
    """The smallest of the islands (F,) of faces (F, 3, 3) whose boxes hold a point (3,)."""
    boxes: list[tuple[int, torch.Tensor]] = []
    for one in island.unique():
        mine = corners[island == one].reshape(-1, 3)
        if bool(((mine.amin(0) < point) & (point < mine.amax(0))).all()):
            boxes.append((len(mine), one))
    return min(boxes, key=lambda box: box[0])[1]


def _walk(edges: torch.Tensor) -> list[int]:
    """The vertices of directed edges (L, 2) in the order of the loop that they make.

    Raises:
        MeshError: They make none.
    """
    after = dict(edges.tolist())
    loop = [next(iter(after))]
    for _ in range(len(edges) - 1):
        loop.append(after.get(loop[-1], loop[0]))
    if len(set(loop)) != len(edges) or after.get(loop[-1]) != loop[0]:
        raise MeshError(f"a rim of {len(edges)} edges is no simple loop: it cannot be closed")
    return loop


def _bridge(loop: list[int], points: torch.Tensor) -> torch.Tensor:
    """Faces (L - 2, 3) from one side of a loop to the other, along the loop's direction.

    Its two vertices farthest apart are the corners; strips run across between them, so that the
    sheet stays smooth however far the sides open.
    """
    along = points[loop].double()
    start, end = divmod(int(torch.cdist(along, along).argmax()), len(loop))
    loop = loop[start:] + loop[:start]
    end = (end - start) % len(loop)
    there, back = loop[: end + 1], [loop[0], *reversed(loop[end:])]
    shares = [(s, 0) for s in _shares(points[there])] + [(s, 1) for s in _shares(points[back])]
    faces: list[tuple[int, int, int]] = []
    i = j = 0
    for _, side in sorted(shares):
        if side == 0:
            faces.append((there[i], there[i + 1], back[j]))
            i += 1
        else:
            faces.append((back[j + 1], back[j], there[i]))
            j += 1
    # The first and the last step move along one edge, from a corner to its neighbour.
    return torch.tensor(faces[1:-1], device=points.device)


def _shares(path: torch.Tensor) -> list[float]:
    """How much of a path (N, 3) lies behind each of its points but the first, 0 to 1."""
    length = path.diff(dim=0).norm(dim=1).double().cumsum(0)
    shares: list[float] = (length / length[-1]).tolist()
    return shares
