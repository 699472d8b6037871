import torch

from photovst.ops.color_transfer import LEAST_DEVIATION, MEASURES, color_measures, with_colors


def test_measures_of_luma_are_its_mean_and_deviation() -> None:
    picture = torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    measures = color_measures(picture)
    luma = 0.299 * picture[:, 0] + 0.587 * picture[:, 1] + 0.114 * picture[:, 2]
    assert measures.shape == (2, 1, MEASURES)
    torch.testing.assert_close(measures[:, 0, 0], luma.mean((1, 2)))
    deviation = (luma.var(dim=(1, 2), unbiased=False) + LEAST_DEVIATION**2).sqrt()
    torch.testing.assert_close(measures[:, 0, 3], deviation, atol=1e-5, rtol=0)


def test_a_picture_given_measures_has_them() -> None:
    generator = torch.Generator().manual_seed(1)
    picture = 0.4 + 0.2 * torch.rand(1, 3, 16, 16, generator=generator)
    wanted = color_measures(0.3 + 0.3 * torch.rand(1, 3, 8, 8, generator=generator))
    given = color_measures(with_colors(picture, wanted))
    torch.testing.assert_close(given[..., :3], wanted[..., :3], atol=1e-4, rtol=0)
    torch.testing.assert_close(given[..., 3:], wanted[..., 3:], atol=2e-3, rtol=0)


def test_its_own_measures_leave_it_as_it_is() -> None:
    picture = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(2))
    masks = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(3)).softmax(dim=1)
    torch.testing.assert_close(with_colors(picture, color_measures(picture)), picture, atol=1e-5, rtol=0)
    own = color_measures(picture, masks)
    torch.testing.assert_close(with_colors(picture, own, masks), picture, atol=1e-5, rtol=0)


def test_each_region_takes_its_own() -> None:
    picture = 0.3 + 0.4 * torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    masks = torch.zeros(1, 2, 8, 8)
    masks[:, 0, :4], masks[:, 1, 4:] = 1, 1
    measures = color_measures(picture, masks)
    upper = color_measures(picture[:, :, :4])[:, 0]
    torch.testing.assert_close(measures[:, 0], upper, atol=1e-5, rtol=0)
    swapped = with_colors(picture, measures.flip(1), masks)
    torch.testing.assert_close(swapped[:, :, :4].mean((2, 3)), picture[:, :, 4:].mean((2, 3)), atol=1e-3, rtol=0)


def test_a_flat_picture_stays_flat_and_an_empty_region_is_the_whole() -> None:
    flat = torch.full((1, 3, 8, 8), 0.5) + 1e-4 * torch.rand(1, 3, 8, 8)
    wanted = color_measures(torch.rand(1, 3, 8, 8))
    assert float(with_colors(flat, wanted).std()) < 0.15
    masks = torch.zeros(1, 2, 8, 8)
    masks[:, 0] = 1
    measures = color_measures(flat, masks)
    torch.testing.assert_close(measures[:, 1], measures[:, 0])
