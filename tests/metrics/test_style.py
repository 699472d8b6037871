import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped

from photovst.errors import MediaError
from photovst.metrics import style

style_gram = jaxtyped(typechecker=beartype)(style.style_gram)


def _features(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "fine": torch.randn(1, 4, 8, 12, dtype=torch.float64, generator=generator),
        "coarse": torch.randn(1, 6, 4, 6, dtype=torch.float64, generator=generator),
    }


def _masks(seed: int, regions: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, regions, 8, 12, dtype=torch.float64, generator=generator).softmax(dim=1)


def _by_the_book(output, target, masks_output, masks_style) -> float:
    layers = []
    for name in output:
        total = 0.0
        for k in range(masks_output.shape[1]):
            grams = []
            for features, masks in ((output[name], masks_output), (target[name], masks_style)):
                mask = masks[0, k].numpy()
                if name == "coarse":  # half the size
                    mask = mask.reshape(4, 2, 6, 2).mean(axis=(1, 3))
                flat = features[0].numpy().reshape(features.shape[1], -1)
                grams.append((flat * mask.ravel()) @ flat.T / mask.sum())
            distance = ((grams[0] - grams[1]) ** 2).sum() / (grams[1] ** 2).sum()
            total += masks_output[0, k].mean().item() * distance
        layers.append(total)
    return float(np.mean(layers))


def test_matches_the_formula() -> None:
    given = _features(1), _features(2), _masks(3), _masks(4)
    assert style_gram(*given).item() == pytest.approx(_by_the_book(*given), rel=1e-9)


def test_zero_for_the_style_itself_and_one_for_nothing() -> None:
    target, masks = _features(1), _masks(2)
    assert style_gram(target, target, masks, masks).item() == 0
    nothing = {name: torch.zeros_like(features) for name, features in target.items()}
    assert style_gram(nothing, target, masks, masks).item() == pytest.approx(1)
    doubled = {name: 2**0.5 * features for name, features in target.items()}
    assert style_gram(doubled, target, masks, masks).item() == pytest.approx(1)


def test_where_things_are_does_not_matter() -> None:
    target, masks = _features(1), _masks(2)
    mirrored = {name: features.flip(-1) for name, features in target.items()}
    assert style_gram(mirrored, target, masks.flip(-1), masks).item() == pytest.approx(0, abs=1e-20)


def test_a_region_absent_from_the_output_does_not_count() -> None:
    output, target = _features(1), _features(2)
    masks = _masks(3)
    empty = torch.zeros(1, 1, 8, 12, dtype=torch.float64)
    with_empty = torch.cat([masks, empty], dim=1)
    expected = style_gram(output, target, masks, _masks(4)).item()
    for fourth in (empty, empty + 0.5):
        styles = torch.cat([_masks(4), fourth], dim=1)
        assert style_gram(output, target, with_empty, styles).item() == pytest.approx(expected, rel=1e-12)


def test_errors() -> None:
    plain = inspect.unwrap(style.style_gram)
    output, target, masks = _features(1), _features(2), _masks(3)
    with pytest.raises(MediaError, match=r"output has layers \['fine'\] but the photograph \['coarse', 'fine'\]"):
        plain({"fine": output["fine"]}, target, masks, masks)
    with pytest.raises(MediaError, match="3 regions but the photograph 2; give both the same regions"):
        plain(output, target, masks, _masks(3, regions=2))
    with pytest.raises(MediaError, match="layer fine has 3 channels in the output but 4 in the photograph"):
        plain({**output, "fine": output["fine"][:, :3]}, target, masks, masks)
    styles = masks.clone()
    styles[:, 1] = 0
    with pytest.raises(MediaError, match=r"region 1 takes \d+\.\d% of the output but is nowhere in the photograph"):
        plain(output, target, masks, styles)
