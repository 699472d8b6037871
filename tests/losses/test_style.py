import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.losses.style import StyleTerm, masks_at, region_grams
from photovst.models.steerable import Steerable

IMAGE = torch.zeros(1, 3, 8, 12, dtype=torch.float64)


def _features() -> dict[str, Tensor]:
    return {
        "fine": torch.randn(1, 4, 8, 12, dtype=torch.float64),
        "coarse": torch.randn(1, 6, 4, 6, dtype=torch.float64),
    }


def _masks(regions: int = 3) -> Tensor:
    return (2 * torch.randn(1, regions, 8, 12, dtype=torch.float64)).softmax(dim=1)


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
    term = StyleTerm(region_grams(style, style_masks), masks)
    expected = _by_the_book(features, masks, style, style_masks)
    assert term(IMAGE, features).item() == pytest.approx(expected)


def test_the_photograph_itself_is_its_own_style() -> None:
    photo = torch.rand(1, 3, 32, 40, dtype=torch.float64)
    masks = torch.rand(1, 3, 32, 40, dtype=torch.float64).softmax(dim=1)
    features = Steerable(levels=3)(photo)
    term = StyleTerm(region_grams(features, masks), masks)
    assert term(photo, features).item() < 1e-20
    assert term(photo, Steerable(levels=3)(photo.flip(1))).item() > 1e-4


def test_no_features_are_at_one_and_scaled_ones_where_the_formula_says() -> None:
    style, masks = _features(), _masks()
    term = StyleTerm(region_grams(style, masks), masks)
    for scale in (0.0, 0.5, 2.0):
        scaled = {name: scale * planes for name, planes in style.items()}
        assert term(IMAGE, scaled).item() == pytest.approx((scale**2 - 1) ** 2)


def test_order_of_regions_and_size_of_the_picture_do_not_matter() -> None:
    features, style, masks, style_masks = _features(), _features(), _masks(), _masks()
    value = StyleTerm(region_grams(style, style_masks), masks)(IMAGE, features)
    order = [2, 0, 1]
    shuffled = StyleTerm(region_grams(style, style_masks[:, order]), masks[:, order])
    torch.testing.assert_close(shuffled(IMAGE, features), value)
    doubled = {name: planes.repeat(1, 1, 2, 1) for name, planes in features.items()}
    taller = StyleTerm(region_grams(style, style_masks), masks.repeat(1, 1, 2, 1))
    torch.testing.assert_close(taller(IMAGE, doubled), value)


def test_a_region_that_is_not_in_the_frame_has_no_say() -> None:
    features, style = _features(), _features()
    masks, style_masks = torch.zeros(1, 2, 8, 12, dtype=torch.float64), _masks(2)
    masks[:, 0] = 1
    value = StyleTerm(region_grams(style, style_masks), masks)(IMAGE, features)
    alone = StyleTerm(region_grams(style, style_masks[:, :1]), masks[:, :1])(IMAGE, features)
    torch.testing.assert_close(value, alone)


def test_layers_count_that_both_pictures_have() -> None:
    features, style, masks = _features(), _features(), _masks()
    targets = region_grams(style, masks)
    both = StyleTerm(targets, masks)(IMAGE, features)
    only = {name: StyleTerm({name: targets[name]}, masks)(IMAGE, features) for name in features}
    torch.testing.assert_close(both, (only["fine"] + only["coarse"]) / 2)
    fewer = {"fine": features["fine"]}
    torch.testing.assert_close(StyleTerm(targets, masks)(IMAGE, fewer), only["fine"])


def test_gradcheck() -> None:
    style, masks = _features(), _masks(2)
    term = StyleTerm(region_grams(style, _masks(2)), masks)
    given = torch.randn(1, 6, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda planes: term(IMAGE, {"coarse": planes}), given)


def test_masks_at_a_layers_size_sum_to_one() -> None:
    at = masks_at(_masks(), torch.zeros(1, 1, 3, 5, dtype=torch.float64))
    torch.testing.assert_close(at.sum(dim=1), torch.ones(1, 3, 5, dtype=torch.float64))


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"2 regions in the frame but \[3\] in the photograph; give both the same"):
        StyleTerm(region_grams(_features(), _masks(3)), _masks(2))
