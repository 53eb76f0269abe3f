"""Space and the model box, there and back, and what becomes of gradients."""

from __future__ import annotations

import torch

from pifuhd_ros.geometry.perspective import seen_from_space, seen_gradients, space_from_seen

_SEEN = torch.rand(2, 30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.5
_INVERSE = torch.tensor([0.0, 0.5], dtype=torch.float64)


def test_there_and_back() -> None:
    space = space_from_seen(_SEEN, _INVERSE)
    assert torch.equal(space[0], _SEEN[0])
    assert not torch.allclose(space[1], _SEEN[1], atol=1e-3)
    assert torch.allclose(seen_from_space(space, _INVERSE), _SEEN)


def test_what_is_near_is_seen_larger() -> None:
    near, far = torch.tensor([[[0.2, 0.2, 0.4]]]), torch.tensor([[[0.2, 0.2, -0.4]]])
    inverse = torch.tensor([0.5])
    assert seen_from_space(near, inverse)[0, 0, 0] > 0.2 > seen_from_space(far, inverse)[0, 0, 0]


def test_gradients_follow_the_chain_rule() -> None:
    seen = _SEEN.clone().requires_grad_()
    space = space_from_seen(seen, _INVERSE)
    value = (space.square() * torch.tensor([1.0, 2.0, 3.0])).sum()
    by_space = 2 * space.detach() * torch.tensor([1.0, 2.0, 3.0])
    (expected,) = torch.autograd.grad(value, seen)
    assert torch.allclose(seen_gradients(by_space, _SEEN, _INVERSE), expected)
