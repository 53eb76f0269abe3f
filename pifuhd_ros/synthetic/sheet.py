"""A piece of cloth as a mesh on the body: cut exactly along lines, refined, and closed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class Sheet:
    """A mesh whose vertices are mixtures of three body vertices each."""

    base: torch.Tensor
    """(V, 3) int64 body vertices."""
    weights: torch.Tensor
    """(V, 3), rows sum to one."""
    mean: torch.Tensor
    """(V, 3) where it lies on the mean body [m]: cuts are measured here."""
    rest: torch.Tensor
    """(V, 3) where it lies on this person's rest body [m]."""
    normals: torch.Tensor
    """(V, 3) unit, outward, on this person's rest body."""
    faces: torch.Tensor
    """(F, 3)."""


def vertex_normals(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Area-weighted unit normals (V, 3)."""
    a, b, c = vertices[faces].unbind(1)
    face_normals = torch.linalg.cross(b - a, c - a)
    normals = torch.zeros_like(vertices)
    normals.index_add_(0, faces.reshape(-1), face_normals.repeat_interleave(3, 0))
    return torch.nn.functional.normalize(normals, dim=-1)


def boundary_edges(faces: torch.Tensor) -> torch.Tensor:
    """(L, 2) boundary edges, turned round: as the triangles beyond them would run."""
    directed = torch.cat([faces[:, [1, 0]], faces[:, [2, 1]], faces[:, [0, 2]]])
    a, b = directed.unbind(1)
    key, order = (torch.minimum(a, b) * (int(faces.max()) + 1) + torch.maximum(a, b)).sort()
    change = torch.ones(len(key) + 1, dtype=torch.bool, device=key.device)
    change[1:-1] = key[1:] != key[:-1]
    return directed[order[change[1:] & change[:-1]]]


def connected(count: int, cells: torch.Tensor) -> torch.Tensor:
    """(count,) number of the connected piece of each vertex; cells (N, K) connect vertices."""
    label = torch.arange(count, device=cells.device)
    flat = cells.reshape(-1)
    while True:
        low = label[cells].amin(1, keepdim=True).expand_as(cells).reshape(-1)
        new = label.scatter_reduce(0, flat, low, "amin")
        new = new[new]
        if torch.equal(new, label):
            break
        label = new
    piece: torch.Tensor = torch.unique(label, return_inverse=True)[1]
    return piece


def close(faces: torch.Tensor, count: int) -> torch.Tensor:
    """(L, 3): boundary edges, turned round, and the number of the apex that closes their loop."""
    edges = boundary_edges(faces)
    loop = connected(count, edges)[edges[:, 0]]
    return torch.cat([edges, torch.unique(loop, return_inverse=True)[1][:, None]], 1)


def three_strongest(base: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mixtures of K body vertices (N, K) as mixtures of the three strongest, (N, 3) each."""
    same = base[:, :, None] == base[:, None, :]
    total = (same * weights[:, None, :]).sum(2)
    earlier = same.tril(-1).any(2)
    total = total.masked_fill(earlier, -1.0)
    value, which = total.topk(3, dim=1)
    value = value.clamp(min=0)
    return base.gather(1, which), value / value.sum(1, keepdim=True)


def _between(sheet: Sheet, edges: torch.Tensor, t: torch.Tensor) -> Sheet:
    """The sheet's vertices a fraction t (N,) along edges (N, 2), without faces.

    Rest positions follow the cubic through both ends and their normals, so that a coarse helper
    surface becomes smooth. Source: Vlachos et al., "Curved PN Triangles", I3D 2001, section 3.1.
    """
    a, b = edges.unbind(1)
    s = 1 - t
    base, weights = three_strongest(
        torch.cat([sheet.base[a], sheet.base[b]], 1),
        torch.cat([sheet.weights[a] * s[:, None], sheet.weights[b] * t[:, None]], 1),
    )
    p, q, n, m = sheet.rest[a], sheet.rest[b], sheet.normals[a], sheet.normals[b]
    s, t = s[:, None], t[:, None]
    w = ((q - p) * n).sum(1, keepdim=True)
    v = ((p - q) * m).sum(1, keepdim=True)
    return Sheet(
        base=base,
        weights=weights,
        mean=sheet.mean[a] * s + sheet.mean[b] * t,
        rest=p * s + q * t - n * (w * s * s * t) - m * (v * s * t * t),
        normals=torch.nn.functional.normalize(n * s + m * t, dim=1),
        faces=edges[:0],
    )


def _join(sheet: Sheet, new: Sheet, faces: torch.Tensor) -> Sheet:
    return Sheet(
        base=torch.cat([sheet.base, new.base]),
        weights=torch.cat([sheet.weights, new.weights]),
        mean=torch.cat([sheet.mean, new.mean]),
        rest=torch.cat([sheet.rest, new.rest]),
        normals=torch.cat([sheet.normals, new.normals]),
        faces=faces,
    )


def _used(sheet: Sheet) -> Sheet:
    """Without the vertices that no face uses."""
    used, local = torch.unique(sheet.faces, return_inverse=True)
    return Sheet(
        sheet.base[used], sheet.weights[used], sheet.mean[used], sheet.rest[used],
        sheet.normals[used], local.view(-1, 3),
    )  # fmt: skip


def sheet_of(faces: torch.Tensor, rest: torch.Tensor, mean: torch.Tensor) -> Sheet:
    """A helper surface (F, 3) on the rest body and on the mean body, (V, 3) each [m]."""
    normals = vertex_normals(rest, faces)
    base = torch.arange(len(rest), device=rest.device)[:, None].expand(-1, 3)
    weights = torch.zeros_like(rest)
    weights[:, 0] = 1
    return _used(Sheet(base, weights, mean, rest, normals, faces))


def clip(sheet: Sheet, keep: torch.Tensor) -> Sheet:
    """Cuts along the line keep == 0 of values at the vertices (V,); what is positive stays.

    Triangles are split where the line crosses them, so that the hem is the line itself.
    """
    # A line through a vertex would leave slivers: such vertices count as inside.
    inside = keep > -1e-4
    of_face = inside[sheet.faces]
    number = of_face.sum(1)
    whole = sheet.faces[number == 3]
    parts = [whole]
    edges: list[torch.Tensor] = []
    for count in (1, 2):
        rows = torch.nonzero(number == count)[:, 0]
        state = of_face[rows] if count == 1 else ~of_face[rows]
        first = state.long().argmax(1, keepdim=True)
        turn = (first + torch.arange(3, device=first.device)) % 3
        edges.append(sheet.faces[rows].gather(1, turn))
    one, two = edges
    cut = torch.cat([one[:, [0, 1]], one[:, [0, 2]], two[:, [0, 1]], two[:, [0, 2]]])
    if len(cut) == 0:
        return _used(replace(sheet, faces=whole))
    unique, place = torch.unique(cut.sort(1).values, dim=0, return_inverse=True)
    f = keep.clamp(max=1.0)
    fa, fb = f[unique[:, 0]], f[unique[:, 1]]
    t = (fa / torch.where((fa - fb).abs() < 1e-9, torch.ones_like(fa), fa - fb)).clamp(0, 1)
    new = _between(sheet, unique, t)
    place = place + len(keep)
    n, m = len(one), len(two)
    one_b, one_c, two_b, two_c = place.split([n, n, m, m])
    parts += [
        torch.stack([one[:, 0], one_b, one_c], 1),
        torch.stack([two_b, two[:, 1], two[:, 2]], 1),
        torch.stack([two_b, two[:, 2], two_c], 1),
    ]
    return _used(_join(sheet, new, torch.cat(parts)))


def refine(sheet: Sheet) -> Sheet:
    """Every triangle as four."""
    a, b, c = sheet.faces.unbind(1)
    edges = torch.cat([sheet.faces[:, [0, 1]], sheet.faces[:, [1, 2]], sheet.faces[:, [2, 0]]])
    i, j = edges.unbind(1)
    key = torch.minimum(i, j) * len(sheet.rest) + torch.maximum(i, j)
    unique, place = torch.unique(key, return_inverse=True)
    ends = torch.stack([unique // len(sheet.rest), unique % len(sheet.rest)], 1)
    new = _between(sheet, ends, torch.full((len(ends),), 0.5, device=ends.device))
    ab, bc, ca = (place + len(sheet.rest)).split([len(a)] * 3)
    faces = torch.cat(
        [
            torch.stack([a, ab, ca], 1),
            torch.stack([b, bc, ab], 1),
            torch.stack([c, ca, bc], 1),
            torch.stack([ab, bc, ca], 1),
        ]
    )
    return _join(sheet, new, faces)
