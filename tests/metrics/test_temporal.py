import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import map_coordinates, uniform_filter

from photovst.errors import MediaError
from photovst.metrics import temporal
from photovst.ops.warp import warp

checked = jaxtyped(typechecker=beartype)
e_stab, stability_error = checked(temporal.e_stab), checked(temporal.stability_error)
e_warp, warp_error = checked(temporal.e_warp), checked(temporal.warp_error)
local_detail, e_warp_detail = checked(temporal.local_detail), checked(temporal.e_warp_detail)


def _pairs(batch: int = 3) -> tuple[torch.Tensor, ...]:
    frame, other = torch.rand(2, batch, 3, 9, 11, dtype=torch.float64)
    flow = 2 * torch.randn(batch, 2, 9, 11, dtype=torch.float64)
    return frame, other, flow, torch.rand(batch, 1, 9, 11, dtype=torch.float64)


def _squares(frame, other, flow, certainty) -> tuple[np.ndarray, np.ndarray]:
    """Weighted squared differences of each pair, and the weights, by SciPy's lookup and plain loops."""
    y, x = np.mgrid[: frame.shape[2], : frame.shape[3]].astype(float)
    squares = np.zeros(frame.shape)
    for b in range(frame.shape[0]):
        at = [y + flow[b, 1].numpy(), x + flow[b, 0].numpy()]
        for c in range(frame.shape[1]):
            warped = map_coordinates(other[b, c].numpy(), at, order=1, mode="nearest")
            squares[b, c] = certainty[b, 0].numpy() * (frame[b, c].numpy() - warped) ** 2
    return squares, certainty.numpy()


def test_e_stab_matches_its_formula() -> None:
    pairs = _pairs()
    squares, _ = _squares(*pairs)
    per_pair = squares.sum(axis=(1, 2, 3)) / (3 * 9 * 11)
    np.testing.assert_allclose(stability_error(*pairs).numpy(), per_pair, rtol=1e-9)
    assert e_stab(*pairs).item() == pytest.approx(np.sqrt(per_pair.mean()), rel=1e-9)


def test_e_warp_matches_its_formula() -> None:
    pairs = _pairs()
    squares, weights = _squares(*pairs)
    per_pair = squares.sum(axis=(1, 2, 3)) / (3 * weights.sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(warp_error(*pairs).numpy(), per_pair, rtol=1e-9)
    assert e_warp(*pairs).item() == pytest.approx(per_pair.mean(), rel=1e-9)


def test_constant_difference_in_closed_form() -> None:
    frame, flow = torch.full((1, 3, 4, 5), 0.5), torch.zeros(1, 2, 4, 5)
    certainty = torch.zeros(1, 1, 4, 5)
    certainty[..., :2] = 1
    other = frame + 0.1
    assert e_warp(frame, other, flow, certainty).item() == pytest.approx(0.01, rel=1e-5)
    assert e_stab(frame, other, flow, certainty).item() == pytest.approx((0.4 * 0.01) ** 0.5, rel=1e-5)


def test_a_frame_and_its_own_warp_have_no_error() -> None:
    _, other, flow, certainty = _pairs(2)
    frame = warp(other, flow)
    assert e_warp(frame, other, flow, certainty).item() == 0
    assert e_stab(frame, other, flow, certainty).item() == 0


def test_pairs_without_certainty_are_left_out() -> None:
    frame, other, flow, certainty = _pairs(2)
    alone = e_warp(frame[:1], other[:1], flow[:1], certainty[:1])
    certainty[1] = 0
    assert warp_error(frame, other, flow, certainty)[1].isnan()
    assert e_warp(frame, other, flow, certainty).item() == pytest.approx(alone.item(), rel=1e-12)
    assert e_warp(frame[1:], other[1:], flow[1:], certainty[1:]).isnan()


def test_local_detail_matches_scipy() -> None:
    frame = torch.rand(2, 3, 30, 41, dtype=torch.float64)
    ones = np.ones((30, 41))
    expected = []
    for picture in frame.numpy():
        variances = []
        for plane in picture:
            mean = uniform_filter(plane, 17, mode="constant") / uniform_filter(ones, 17, mode="constant")
            variances.append((plane - mean).var())
        expected.append(np.mean(variances))
    np.testing.assert_allclose(local_detail(frame).numpy(), expected, rtol=1e-9)


def test_detail_is_blind_to_brightness_and_square_in_contrast() -> None:
    frame = torch.rand(1, 3, 25, 25, dtype=torch.float64)
    assert local_detail(torch.full((1, 3, 5, 5), 0.4)).item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(local_detail(0.5 * frame + 0.3), 0.25 * local_detail(frame))


def test_haze_does_not_lower_e_warp_detail() -> None:
    frame, other, flow, certainty = _pairs(1)
    floor = e_warp(frame, other, flow, certainty), local_detail(frame).mean()

    def hazed(x: torch.Tensor) -> torch.Tensor:
        return 0.25 * x + 0.5

    error = e_warp(hazed(frame), hazed(other), flow, certainty)
    assert error.item() == pytest.approx(floor[0].item() / 16)
    assert e_warp_detail(error, local_detail(hazed(frame)).mean(), *floor).item() == pytest.approx(1)
    assert e_warp_detail(*floor, *floor).item() == 1
    assert e_warp_detail(2 * floor[0], floor[1], *floor).item() == pytest.approx(2)


@pytest.mark.parametrize("name", ["stability_error", "warp_error"])
def test_errors(name: str) -> None:
    plain = inspect.unwrap(getattr(temporal, name))
    frame, other, flow, certainty = _pairs(2)
    for given in (
        (frame, other[..., 1:], flow, certainty),
        (frame, other, flow[:1], certainty),
        (frame, other, flow, flow),
    ):
        with pytest.raises(MediaError, match="do not fit; give all at one size, one flow and certainty a pair"):
            plain(*given)
