"""How much of a picture changes its colors."""

from __future__ import annotations

import torch

from photovst.ops.color_change import BINS, color_change, color_histograms


def test_each_channel_sums_to_one() -> None:
    frame = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(1))
    histograms = color_histograms(frame)
    assert histograms.shape == (3, BINS)
    assert torch.allclose(histograms.sum(dim=1), torch.ones(3), atol=1e-5)


def test_a_gray_of_so_many_bins_fills_them_alone() -> None:
    histograms = color_histograms(torch.full((1, 3, 20, 20), 0.25))
    assert torch.allclose(histograms[0, 2], torch.tensor(1.0), atol=1e-5)  # luma .25 of bins at 0, .125, .25 ...
    assert torch.allclose(histograms[1:, BINS // 2], torch.ones(2), atol=1e-5)  # no chroma


def test_where_in_the_picture_does_not_matter_but_how_much_of_it() -> None:
    black = torch.zeros(1, 3, 64, 64)
    part, elsewhere = black.clone(), black.clone()
    part[..., :16] = 1
    elsewhere[..., 48:, :] = 1
    of_black, of_part, of_elsewhere = map(color_histograms, (black, part, elsewhere))
    assert abs(color_change(of_black, of_part) - 0.25) < 1e-6
    assert color_change(of_part, of_elsewhere) < 1e-6
    assert color_change(of_part, of_part) == 0


def test_a_color_of_the_same_luma_is_a_change() -> None:
    gray = torch.full((1, 3, 20, 20), 0.5)
    red = gray + 0.25 * torch.tensor([1.0, -0.299 / 0.587, 0.0])[None, :, None, None]
    assert color_change(color_histograms(gray), color_histograms(red)) > 0.9
