import numpy as np
import pytest
import torch

from photovst.losses.smoothness import GamutTerm, SmoothnessTerm, total_variation


def test_a_checkerboard_varies_by_two() -> None:
    board = (torch.arange(6)[:, None] + torch.arange(9)) % 2
    assert total_variation(board.expand(1, 3, 6, 9).double()).item() == 2


def test_stripes_and_ramps_vary_along_one_side() -> None:
    stripes = (torch.arange(9) % 2).double().expand(1, 3, 6, 9)
    assert total_variation(stripes).item() == 1
    assert total_variation(stripes.transpose(2, 3)).item() == 1
    ramp = 0.1 * torch.arange(9, dtype=torch.float64).expand(1, 3, 6, 9)
    assert total_variation(ramp).item() == pytest.approx(0.01)
    assert total_variation(torch.full((1, 3, 6, 9), 0.7)).item() == 0


def test_total_variation_matches_numpy_and_is_the_terms_value() -> None:
    image = torch.rand(2, 3, 5, 6, dtype=torch.float64)
    array = image.numpy()
    expected = (np.diff(array, axis=2) ** 2).mean() + (np.diff(array, axis=3) ** 2).mean()
    assert total_variation(image).item() == pytest.approx(expected)
    assert SmoothnessTerm()(image[:1], {}).item() == pytest.approx(total_variation(image[:1]).item())
    values = 256 * image[0].double().numpy()
    squares = (np.diff(values, axis=1) ** 2).sum() + (np.diff(values, axis=2) ** 2).sum()
    assert SmoothnessTerm("coded")(image[:1], {}).item() == pytest.approx(squares / 2, rel=1e-5)


def test_gamut_counts_what_clipping_would_cut_off() -> None:
    term = GamutTerm()
    assert term(torch.rand(1, 3, 4, 5), {}).item() == 0
    assert term(torch.tensor([0.0, 1.0]).expand(1, 3, 4, 2), {}).item() == 0
    image = torch.full((1, 3, 2, 2), 0.5, dtype=torch.float64)
    image[0, 0, 0, 0], image[0, 1, 1, 1] = 1.5, -0.2
    assert term(image, {}).item() == pytest.approx((0.25 + 0.04) / 12)


def test_gradcheck() -> None:
    image = (2 * torch.rand(1, 3, 4, 5, dtype=torch.float64) - 0.5).requires_grad_()
    assert torch.autograd.gradcheck(total_variation, image)
    assert torch.autograd.gradcheck(lambda i: GamutTerm()(i, {}), image)
