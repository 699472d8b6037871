import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.losses.style import Grams, StyleTerm, layer_masks, region_grams
from photovst.models.steerable import Steerable
from photovst.types import TermScale

IMAGE = torch.zeros(1, 3, 8, 12, dtype=torch.float64)


def _features() -> dict[str, Tensor]:
    return {
        "fine": torch.randn(1, 4, 8, 12, dtype=torch.float64),
        "coarse": torch.randn(1, 6, 4, 6, dtype=torch.float64),
    }


def _masks(regions: int = 3) -> Tensor:
    return (2 * torch.randn(1, regions, 8, 12, dtype=torch.float64)).softmax(dim=1)


def _grams(style: dict[str, Tensor], masks: Tensor, scale: TermScale = "relative") -> Grams:
    return region_grams(style, layer_masks(masks, style), scale)


def _term(style: dict[str, Tensor], style_masks: Tensor, features: dict[str, Tensor], masks: Tensor) -> StyleTerm:
    return StyleTerm(_grams(style, style_masks), layer_masks(masks, features))


def _by_the_book(
    features: dict[str, Tensor], masks: Tensor, style: dict[str, Tensor], style_masks: Tensor
) -> np.floating:
    layers = []
    for name in features:
        total = 0.0
        for k in range(masks.shape[1]):
            grams = []
            for planes, regions in ((features[name], masks), (style[name], style_masks)):
                mask = regions[0, k].numpy()
                if name == "coarse":  # half the size
                    mask = mask.reshape(4, 2, 6, 2).mean(axis=(1, 3))
                flat = planes[0].numpy().reshape(planes.shape[1], -1)
                grams.append((flat * mask.ravel()) @ flat.T / mask.sum())
            distance = ((grams[0] - grams[1]) ** 2).sum() / (grams[1] ** 2).sum()
            total += masks[0, k].mean().item() * distance
        layers.append(total)
    return np.mean(layers)


def test_matches_a_plain_loop() -> None:
    features, style, masks, style_masks = _features(), _features(), _masks(), _masks()
    term = _term(style, style_masks, features, masks)
    expected = _by_the_book(features, masks, style, style_masks)
    assert term(IMAGE, features).item() == pytest.approx(expected)


def test_the_photograph_itself_is_its_own_style() -> None:
    photo = torch.rand(1, 3, 32, 40, dtype=torch.float64)
    masks = torch.rand(1, 3, 32, 40, dtype=torch.float64).softmax(dim=1)
    features = Steerable(levels=3)(photo)
    term = _term(features, masks, features, masks)
    assert term(photo, features).item() < 1e-20
    assert term(photo, Steerable(levels=3)(photo.flip(1))).item() > 1e-4


def test_no_features_are_at_one_and_scaled_ones_where_the_formula_says() -> None:
    style, masks = _features(), _masks()
    term = _term(style, masks, style, masks)
    for scale in (0.0, 0.5, 2.0):
        scaled = {name: scale * planes for name, planes in style.items()}
        assert term(IMAGE, scaled).item() == pytest.approx((scale**2 - 1) ** 2)


def test_order_of_regions_and_size_of_the_picture_do_not_matter() -> None:
    features, style, masks, style_masks = _features(), _features(), _masks(), _masks()
    value = _term(style, style_masks, features, masks)(IMAGE, features)
    order = [2, 0, 1]
    shuffled = _term(style, style_masks[:, order], features, masks[:, order])
    torch.testing.assert_close(shuffled(IMAGE, features), value)
    doubled = {name: planes.repeat(1, 1, 2, 1) for name, planes in features.items()}
    taller = _term(style, style_masks, doubled, masks.repeat(1, 1, 2, 1))
    torch.testing.assert_close(taller(IMAGE, doubled), value)


def test_a_region_that_is_not_in_the_frame_has_no_say() -> None:
    features, style = _features(), _features()
    masks, style_masks = torch.zeros(1, 2, 8, 12, dtype=torch.float64), _masks(2)
    masks[:, 0] = 1
    value = _term(style, style_masks, features, masks)(IMAGE, features)
    alone = _term(style, style_masks[:, :1], features, masks[:, :1])(IMAGE, features)
    torch.testing.assert_close(value, alone)


def test_layers_count_that_both_pictures_have() -> None:
    features, style, masks = _features(), _features(), _masks()
    both = _term(style, masks, features, masks)(IMAGE, features)
    only = {name: _term({name: style[name]}, masks, features, masks)(IMAGE, features) for name in features}
    torch.testing.assert_close(both, (only["fine"] + only["coarse"]) / 2)
    fewer = {"fine": features["fine"]}
    torch.testing.assert_close(_term(style, masks, fewer, masks)(IMAGE, fewer), only["fine"])
    weights = {"coarse": 0.25, "fine": 3.0, "deepest": 7.0}  # the last is one the frame is too small for
    weighted = StyleTerm(_grams(style, masks), layer_masks(masks, features), layers=weights)
    torch.testing.assert_close(weighted(IMAGE, features), 3 * only["fine"] + 0.25 * only["coarse"])


def _published(features: dict[str, Tensor], masks: Tensor, style: dict[str, Tensor], style_masks: Tensor) -> np.ndarray:
    """As printed and as coded: masked sums of products over C H W mean(m), on one layer."""
    paper = coded = 0.0
    for k in range(masks.shape[1]):
        grams = []
        for planes, regions in ((features["fine"], masks), (style["fine"], style_masks)):
            mask = regions[0, k].numpy().ravel()
            masked = planes[0].numpy().reshape(4, -1) * mask
            grams.append(masked @ masked.T / (4 * mask.size * mask.mean()))
        squares = ((grams[0] - grams[1]) ** 2).sum()
        paper += squares / (2 * 4**2)
        coded += masks[0, k].mean().item() * squares / 4**2
    return np.array([paper, coded])


def test_paper_and_coded_scales_match_a_plain_loop() -> None:
    features, style, masks, style_masks = _features(), _features(), _masks(), _masks()
    expected = _published(features, masks, style, style_masks)
    scales: tuple[TermScale, ...] = ("paper", "coded")
    for scale, value in zip(scales, expected, strict=True):
        term = StyleTerm(_grams(style, style_masks, scale), layer_masks(masks, features), scale, {"fine": 2.0})
        assert term(IMAGE, features).item() == pytest.approx(2 * value)


def test_without_a_masked_gradient_soft_borders_are_moved_as_much() -> None:
    features, style, mask = _features(), _features(), torch.rand(1, 1, 8, 12, dtype=torch.float64)
    targets, masks = _grams(style, _masks(1), "coded"), layer_masks(mask, features)
    gradients = []
    for masked_gradient in (True, False):
        term = StyleTerm(targets, masks, "coded", {"fine": 1.0}, masked_gradient)
        given = features["fine"].clone().requires_grad_()
        gradients.append(torch.autograd.grad(term(IMAGE, {"fine": given}), given)[0])
    torch.testing.assert_close(gradients[0], mask * gradients[1])
    assert not torch.allclose(gradients[0], gradients[1])


def test_gradcheck() -> None:
    style, masks = _features(), _masks(2)
    given = torch.randn(1, 6, 4, 6, dtype=torch.float64, requires_grad=True)
    scales: tuple[TermScale, ...] = ("relative", "paper", "coded")
    for scale in scales:
        term = StyleTerm(_grams(style, _masks(2), scale), layer_masks(masks, style), scale, {"coarse": 1e3})
        assert torch.autograd.gradcheck(lambda planes, term=term: term(IMAGE, {"coarse": planes}), given)


def test_masks_at_a_layers_size_sum_to_one() -> None:
    at = layer_masks(_masks(), {"a": torch.zeros(1, 1, 3, 5, dtype=torch.float64)})["a"]
    torch.testing.assert_close(at.sum(dim=1), torch.ones(1, 3, 5, dtype=torch.float64))


def test_errors() -> None:
    features = _features()
    with pytest.raises(
        ValueError, match=r"^2 regions in the frame but 3 in the photograph; give both the same regions"
    ):
        StyleTerm(_grams(features, _masks(3)), layer_masks(_masks(2), features))
