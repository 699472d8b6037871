import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import map_coordinates

from photovst.errors import MediaError
from photovst.ops import chain as module

chained = jaxtyped(typechecker=beartype)(module.chained)


def _constant(x: float, y: float, height: int = 20, width: int = 30) -> torch.Tensor:
    return torch.tensor([x, y], dtype=torch.float64)[None, :, None, None].expand(1, 2, height, width).clone()


def _ones(height: int = 20, width: int = 30) -> torch.Tensor:
    return torch.ones(1, 1, height, width, dtype=torch.float64)


def test_translations_add_up_and_what_leaves_is_lost() -> None:
    flow, certainty = chained(_constant(2.5, -1), _ones(), _constant(1.25, 3), _ones())
    torch.testing.assert_close(flow, _constant(3.75, 2))
    kept = torch.zeros(1, 1, 20, 30, dtype=torch.float64)
    kept[..., 1:, :27] = 1  # inside the middle frame: y - 1 >= 0 and x + 2.5 <= 29
    torch.testing.assert_close(certainty, kept)


def test_three_links_of_an_affine_motion_are_its_third_power() -> None:
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(30.0), indexing="ij")
    at = torch.stack([x, y]).double()
    linear = torch.tensor([[1.02, 0.03], [-0.02, 0.99]], dtype=torch.float64)
    step = (torch.einsum("ij,jhw->ihw", linear, at) - at)[None]
    flow, certainty = step, _ones()
    for _ in range(2):
        flow, certainty = chained(flow, certainty, step, _ones())
    power = torch.linalg.matrix_power(linear, 3)
    expected = (torch.einsum("ij,jhw->ihw", power, at) - at)[None]
    sure = (certainty > 0).expand_as(flow)
    torch.testing.assert_close(flow[sure], expected[sure])
    assert sure.double().mean() > 0.8


def test_matches_scipy_and_a_window_is_that_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    flow, onward = (torch.from_numpy(rng.normal(0, 0.2, (1, 2, 20, 30))) for _ in range(2))
    whole, certainty = chained(flow, _ones(), onward, _ones())
    y, x = np.mgrid[:20, :30].astype(float)
    at = [y + flow[0, 1].numpy(), x + flow[0, 0].numpy()]
    theirs = np.stack([map_coordinates(plane, at, order=1, mode="nearest") for plane in onward[0].numpy()])
    torch.testing.assert_close(whole[0], flow[0] + torch.from_numpy(theirs))
    window = np.s_[..., 4:12, 9:25]
    part, of = chained(flow[window], _ones()[window], onward, _ones(), corner=(4, 9))
    torch.testing.assert_close(part, whole[window])
    torch.testing.assert_close(of, certainty[window])


def test_what_is_hidden_on_the_way_or_at_a_motion_boundary_is_lost() -> None:
    onward, known = _constant(0, 0), _ones()
    onward[:, 0, :, 15:] = 4
    known[..., 5] = 0
    _, certainty = chained(_constant(0.5, 0), _ones(), onward, known)
    row = certainty[0, 0, 10]
    assert row[4:6].tolist() == pytest.approx([0.5, 0.5])  # half of it lands on what is hidden
    assert row[14] == 0  # half on each side of the boundary
    assert row[[13, 15]].tolist() == pytest.approx([1, 1])


def test_gradcheck() -> None:
    torch.manual_seed(0)
    flow = (0.2 + 0.2 * torch.rand(1, 2, 4, 5, dtype=torch.float64)).requires_grad_()
    onward = (0.1 * torch.rand(1, 2, 4, 5, dtype=torch.float64)).requires_grad_()
    of = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    ones = torch.ones(1, 1, 4, 5, dtype=torch.float64)
    torch.autograd.gradcheck(lambda *given: chained(given[0], ones, given[1], given[2]), (flow, onward, of))


@pytest.mark.usefixtures("shapes_unchecked")
def test_sizes_are_checked() -> None:
    with pytest.raises(MediaError, match="but its certainty"):
        module.chained(_constant(0, 0), _ones(4, 4), _constant(0, 0), _ones())
