"""What a frame starts from, one choice after the other."""

import pytest
import torch
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.guidance.guides import Guides
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.grid_prior import GridPrior
from photovst.optimize.neighbors import Earlier, Neighbor, Stylized
from photovst.optimize.pixels import MEAN_COLOR, Pixels
from photovst.optimize.starts import Starts

SIZE = (12, 16)


def _flat(value: float) -> Tensor:
    return torch.full((1, 3, *SIZE), value)


def _stylized(value: float) -> Stylized:
    return Stylized(Pixels.identity(_flat(value)), _flat(0.5), {}, 0, 0)


def _neighbor(certainty: Tensor, stylized: Stylized | None = None) -> dict[int, Neighbor]:
    """The frame before, a ramp that moves two pixels to the right; certain where it is said."""
    ramp = torch.arange(16.0).view(1, 1, 1, 16).expand(1, 3, *SIZE).contiguous() / 20
    flow = torch.tensor([-2.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, *SIZE).contiguous()
    before = stylized or Stylized(Pixels.identity(ramp), ramp, {}, 0, 0)
    return {1: Neighbor(before, FlowPair(flow, certainty, -flow, certainty))}


FRAME = _flat(0.25)
GUIDES = Guides(FRAME, torch.ones(1, 1, *SIZE), index=3)


def _as_is(guides: Guides) -> Pixels:
    return Pixels.identity(guides.frame)


def _mean(guides: Guides) -> Pixels:
    return Pixels.mean_color(guides.frame)


FIRST = _stylized(0.75)
SURE = torch.ones(1, 1, *SIZE)


def _picture(starts: Starts, neighbors: dict[int, Neighbor]) -> Tensor:
    return starts.of(GUIDES, neighbors, Earlier(first=FIRST)).lift(FRAME)


def test_the_first_frame_of_a_shot() -> None:
    torch.testing.assert_close(_picture(Starts(_as_is), {}), FRAME, rtol=0, atol=1e-5)
    noise = _picture(Starts(lambda guides: Pixels.noise(guides.frame, guides.index)), {})
    torch.testing.assert_close(noise.mean(dim=(0, 2, 3)), torch.tensor(MEAN_COLOR), rtol=0, atol=1e-4)


def test_later_frames() -> None:
    neighbors = _neighbor(SURE)
    before = neighbors[1].stylized.parametrization.lift(FRAME)
    shifted = torch.cat([before[..., :1], before[..., :1], before[..., :-2]], dim=3)
    for starts, wanted in [
        (Starts(_as_is, "previous"), before),
        (Starts(_as_is, "warped", fill="warped"), shifted),
        (Starts(_as_is, "first"), _flat(0.75)),
        (Starts(_as_is, "anew"), FRAME),
        (Starts(_mean, "anew", _as_is), FRAME),
    ]:
        torch.testing.assert_close(_picture(starts, neighbors), wanted, rtol=0, atol=2e-5)


def test_what_is_disoccluded_is_filled() -> None:
    certainty = SURE.clone()
    certainty[..., :2] = 0
    certainty[..., 2:4] = 0.5
    neighbors = _neighbor(certainty)
    warped = _picture(Starts(_as_is, fill="warped"), neighbors)
    mean = torch.tensor(MEAN_COLOR).view(1, 3, 1, 1)
    for fill, with_what in [(_as_is, FRAME), (_mean, mean)]:
        filled = _picture(Starts(_as_is, fill=fill), neighbors)
        wanted = certainty * warped + (1 - certainty) * with_what
        torch.testing.assert_close(filled, wanted, rtol=0, atol=3e-5)


def test_a_grid_is_filled_cell_by_cell() -> None:
    prior = GridPrior(smoothness=0.02, luma=1.0, within=1.0, gain=0.0)
    identity = BilateralGrid.identity((2, 3, 4), prior, torch.device("cpu"))
    half = BilateralGrid(0.5 * identity.grid, prior)
    certainty = SURE.clone()
    certainty[..., :8] = 0
    neighbors = _neighbor(certainty, Stylized(half, FRAME, {}, 0, 0))
    start = Starts(lambda guides: identity, fill=lambda guides: identity).of(GUIDES, neighbors, Earlier())
    assert isinstance(start, BilateralGrid)
    torch.testing.assert_close(start.grid[:, :, :2], identity.grid[:, :, :2])
    torch.testing.assert_close(start.grid[:, :, 2:], half.grid[:, :, 2:])


def test_the_shots_first_result_must_be_there() -> None:
    with pytest.raises(ValueError, match=r"give it in Earlier\.first$"):
        Starts(_as_is, "first").of(GUIDES, _neighbor(SURE), Earlier())


def test_a_fill_of_colors_shows_the_frame_in_the_former_look() -> None:
    """Half as bright before: also what comes in from the left is half as bright, and as sharp as the frame."""
    certainty = SURE.clone()
    certainty[..., :6] = 0
    texture = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    before = Stylized(Pixels(0.5 * texture, texture), texture, {}, 0, 0)
    checks = 0.2 + 0.4 * ((torch.arange(12)[:, None] + torch.arange(16)) % 2).float().expand(1, 3, -1, -1)
    guides = Guides(checks, SURE)
    start = Starts(_as_is).of(guides, _neighbor(certainty, before), Earlier()).lift(checks)
    torch.testing.assert_close(start[..., :6], 0.5 * checks[..., :6], rtol=0, atol=0.02)
    warped = Starts(_as_is, fill="warped").of(guides, _neighbor(certainty, before), Earlier()).lift(checks)
    torch.testing.assert_close(start[..., 6:], warped[..., 6:], rtol=0, atol=3e-5)
