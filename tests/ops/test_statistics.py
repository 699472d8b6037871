import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.ops.statistics import gram_weights, masked_gram


def _features(channels: int = 5, height: int = 6, width: int = 7) -> Tensor:
    return torch.randn(1, channels, height, width, dtype=torch.float64)


def _masks(regions: int = 3, height: int = 6, width: int = 7) -> Tensor:
    return torch.randn(1, regions, height, width, dtype=torch.float64).softmax(dim=1)


def _by_the_book(features: Tensor, masks: Tensor) -> np.ndarray:
    planes, weights = features[0].numpy(), masks[0].numpy()
    grams = np.zeros((len(weights), len(planes), len(planes)))
    for k, mask in enumerate(weights):
        for y, x in np.ndindex(mask.shape):
            grams[k] += mask[y, x] * np.outer(planes[:, y, x], planes[:, y, x])
        grams[k] /= mask.sum()
    return grams


def _formula(features: Tensor, masks: Tensor) -> Tensor:
    """The same in operations whose gradient autograd writes itself."""
    flat, weights = features.flatten(2)[0], masks.flatten(2)[0]
    return torch.einsum("kp,ip,jp->kij", weights, flat, flat) / weights.sum(dim=1)[:, None, None]


def test_matches_a_plain_loop() -> None:
    features, masks = _features(), _masks()
    np.testing.assert_allclose(masked_gram(features, masks).numpy(), _by_the_book(features, masks), rtol=1e-12)


def test_a_mask_of_ones_gives_the_plain_gram() -> None:
    features = _features()
    flat = features.numpy().reshape(5, -1)
    gram = masked_gram(features, torch.ones(1, 1, 6, 7, dtype=torch.float64))
    np.testing.assert_allclose(gram[0].numpy(), flat @ flat.T / 42, rtol=1e-12)


def test_a_partition_recombines_to_the_whole_by_area() -> None:
    features = _features()
    labels = torch.randint(0, 3, (6, 7))
    masks = torch.nn.functional.one_hot(labels, 3).permute(2, 0, 1)[None].double()
    area = masks.mean(dim=(0, 2, 3))
    whole = masked_gram(features, torch.ones(1, 1, 6, 7, dtype=torch.float64))[0]
    torch.testing.assert_close((area[:, None, None] * masked_gram(features, masks)).sum(dim=0), whole)


def test_neither_scale_of_the_mask_nor_order_of_the_pixels_matters() -> None:
    features, masks = _features(), _masks()
    gram = masked_gram(features, masks)
    torch.testing.assert_close(masked_gram(features, 0.01 * masks), gram)
    torch.testing.assert_close(masked_gram(features.flip(-1), masks.flip(-1)), gram)
    torch.testing.assert_close(masked_gram(3 * features, masks), 9 * gram)
    torch.testing.assert_close(gram, gram.transpose(1, 2))
    assert torch.linalg.eigvalsh(gram).min() > -1e-12


def test_gradcheck() -> None:
    features, masks = _features(3, 4, 5).requires_grad_(), _masks(2, 4, 5)
    assert torch.autograd.gradcheck(lambda f: masked_gram(f, masks), features)


def test_gradient_is_autograds_of_the_formula() -> None:
    features, masks = _features().requires_grad_(), _masks()
    weights = torch.randn(3, 5, 5, dtype=torch.float64)  # not symmetric: nothing says a loss must be
    ours, theirs = (
        torch.autograd.grad((weights * gram(features, masks)).sum(), features)[0] for gram in (masked_gram, _formula)
    )
    torch.testing.assert_close(ours, theirs)


def test_regions_of_few_pixels_and_of_all_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = torch.randint(0, 3, (6, 7))
    masks = torch.nn.functional.one_hot(labels, 3).permute(2, 0, 1)[None].double()
    masks[0, :2, 2:4] = 0.5  # a soft border between two of them
    masks[0, 2, 2:4] = 0
    assert all(region.pixels is not None for region in gram_weights(masks))
    results = []
    for share in (0.8, 0.0):
        monkeypatch.setattr("photovst.ops.statistics.SPARSE", share)
        features = torch.arange(210, dtype=torch.float64).sin().view(1, 5, 6, 7).requires_grad_()
        grams = [masked_gram(features, masks, power, masked) for power, masked in ((1, True), (2, True), (2, False))]
        total = sum((gram * gram.detach().cos()).sum() for gram in grams)
        results.append((*grams, *torch.autograd.grad(total, features)))
    for few, every in zip(*results, strict=True):
        torch.testing.assert_close(few, every)


def test_a_region_without_area_gives_zeros_and_no_gradient() -> None:
    features, masks = _features().float().requires_grad_(), _masks().float()
    masks[:, 1] = 0
    gram = masked_gram(features, masks)
    assert torch.equal(gram[1], torch.zeros(5, 5))
    assert gram[0].abs().min() > 0
    (gradient,) = torch.autograd.grad(gram[1].sum(), features)
    assert torch.equal(gradient, torch.zeros_like(features))


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    with pytest.raises(ValueError, match=r"features are \(6, 7\) but masks \(6, 8\); resize the masks"):
        masked_gram(_features(), _masks(width=8))
