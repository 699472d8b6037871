import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.losses.structure import StructureTerm


def _frame(height: int = 16, width: int = 19) -> Tensor:
    return torch.rand(1, 3, height, width, dtype=torch.float64)


def _luma(image: Tensor) -> np.ndarray:
    return np.tensordot((0.299, 0.587, 0.114), image[0].numpy(), axes=1)


def _by_the_book(frame: Tensor, image: Tensor, floor: float, side: int = 11) -> float:
    """One minus the mean of (covariance + C) / (deviation + C): [Wang2004], one Gaussian window after the other."""
    offset = np.arange(side) - side // 2
    bell = np.exp(-(offset**2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / bell.sum() ** 2
    a, b = _luma(frame), _luma(image)
    values = []
    for y in range(a.shape[0] - side + 1):
        for x in range(a.shape[1] - side + 1):
            p, q = a[y : y + side, x : x + side], b[y : y + side, x : x + side]
            p, q = p - (window * p).sum(), q - (window * q).sum()
            covariance, vp, vq = (window * p * q).sum(), (window * p * p).sum(), (window * q * q).sum()
            values.append((covariance + floor) / np.sqrt((vp + floor) * (vq + floor)))
    return float(1 - np.mean(values))


@pytest.mark.parametrize(("height", "width", "side"), [(16, 19, 11), (11, 30, 11), (8, 30, 7), (5, 6, 5)])
def test_matches_a_plain_loop_also_where_the_window_is_cut_to_the_frame(height: int, width: int, side: int) -> None:
    frame, image = _frame(height, width), _frame(height, width)
    expected = _by_the_book(frame, image, 1e-3, side)
    assert StructureTerm(frame, 1e-3)(image, {}).item() == pytest.approx(expected, rel=1e-9)


def test_a_large_frame_is_sampled_and_keeps_its_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = _frame(320, 480)
    image = frame + 0.2 * torch.randn(frame.shape, dtype=frame.dtype)
    sampled = StructureTerm(frame, 1e-3)
    monkeypatch.setattr("photovst.losses.structure.WINDOWS", 10**6)
    every = StructureTerm(frame, 1e-3)
    assert sampled.mean.shape[-2:] == (104, 157)  # every third of 310 x 470 windows
    assert every.mean.shape[-2:] == (310, 470)
    assert sampled(image, {}).item() == pytest.approx(every(image, {}).item(), rel=0.01)


def test_brighter_darker_harder_and_softer_copies_are_free() -> None:
    frame = _frame()
    term = StructureTerm(frame, floor=1e-11)
    for gain, shift in ((1.0, 0.0), (0.5, 0.4), (3.0, -1.0), (0.01, 0.0)):
        assert term(gain * frame + shift, {}).item() == pytest.approx(0, abs=1e-5)


def test_a_negative_costs_two_and_unrelated_texture_about_one() -> None:
    frame = _frame(40, 50)
    term = StructureTerm(frame, floor=1e-9)
    assert term(1 - frame, {}).item() == pytest.approx(2, abs=1e-6)
    assert term(_frame(40, 50), {}).item() == pytest.approx(1, abs=0.1)


def test_flat_places_are_to_stay_flat() -> None:
    flat = torch.full((1, 3, 16, 19), 0.6, dtype=torch.float64)
    term = StructureTerm(flat)
    assert term(flat, {}).item() == pytest.approx(0, abs=1e-9)
    assert term(0.5 * flat, {}).item() == pytest.approx(0, abs=1e-9)
    assert term(flat + 0.1 * (_frame() - 0.5), {}).item() > 0.2
    # And what is below the floor may go either way.
    faint = flat + 1e-4 * _frame()
    assert StructureTerm(faint)(flat, {}).item() < 1e-4


def test_one_pixel_has_no_structure() -> None:
    pixel = _frame(1, 1)
    assert StructureTerm(pixel)(_frame(1, 1), {}).item() == pytest.approx(0, abs=1e-9)


def test_gradcheck() -> None:
    term = StructureTerm(_frame(6, 7), floor=1e-3)
    image = _frame(6, 7).requires_grad_()
    assert torch.autograd.gradcheck(lambda i: term(i, {}), image, fast_mode=True)
