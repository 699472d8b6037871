import pytest
import torch

from photovst.ops.grams import batch_grams, fitted_grams
from photovst.ops.statistics import masked_gram


def test_each_picture_gets_what_it_gets_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, 6, 7, dtype=torch.float64, generator=generator)
    masks = torch.rand(3, 2, 6, 7, dtype=torch.float64, generator=generator)
    alone = torch.stack([masked_gram(f[None], m[None]) for f, m in zip(features, masks, strict=True)])
    torch.testing.assert_close(batch_grams(features, masks), alone)


def test_a_mask_of_ones_gives_the_plain_gram_matrix() -> None:
    features = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    flat = features.flatten(2)
    expected = torch.einsum("bcn,bdn->bcd", flat, flat) / 20
    torch.testing.assert_close(batch_grams(features, features.new_ones(2, 1, 4, 5))[:, 0], expected)


def test_a_region_without_area_gives_zeros() -> None:
    features = torch.randn(1, 3, 4, 5).requires_grad_()
    grams = batch_grams(features, torch.zeros(1, 1, 4, 5))
    assert not grams.any()
    grams.sum().backward()
    assert features.grad is not None
    assert not features.grad.any()


def test_gradient() -> None:
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(2, 2, 3, 3, dtype=torch.float64, generator=generator).requires_grad_()
    masks = torch.rand(2, 2, 3, 3, dtype=torch.float64, generator=generator).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(batch_grams, (features, masks))


def test_half_precision_is_summed_in_full() -> None:
    features = torch.full((1, 1, 64, 64), 1.01).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        gram = batch_grams(features, torch.ones(1, 1, 64, 64))
    assert gram.dtype is torch.float32
    assert gram.item() == pytest.approx(float(features[0, 0, 0, 0]) ** 2, rel=1e-5)


@pytest.mark.usefixtures("shapes_unchecked")
def test_sizes_that_differ() -> None:
    with pytest.raises(ValueError, match="same number at one size"):
        batch_grams(torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 5))
    with pytest.raises(ValueError, match="same number at one size"):
        batch_grams(torch.zeros(2, 2, 4, 4), torch.zeros(1, 1, 4, 4))


def test_masks_are_brought_to_the_size_of_features() -> None:
    features = torch.rand(2, 3, 4, 6, generator=torch.Generator().manual_seed(5))
    masks = torch.zeros(2, 2, 8, 12)
    masks[:, 0, :4], masks[:, 1, 4:] = 1, 1
    torch.testing.assert_close(fitted_grams(features, masks), batch_grams(features, masks[..., ::2, ::2]))
    everywhere = fitted_grams(features, torch.ones(2, 1, 1, 1))
    torch.testing.assert_close(everywhere, batch_grams(features, torch.ones(2, 1, 4, 6)))
