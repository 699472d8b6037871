import inspect

import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped

from photovst.errors import MediaError, SettingsError
from photovst.ops import masks as module

checked = jaxtyped(typechecker=beartype)
normalize_masks, resize_masks = checked(module.normalize_masks), checked(module.resize_masks)
areas = checked(module.areas)


def test_normalized_masks_sum_to_one_in_the_given_proportion() -> None:
    masks = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    normalized = normalize_masks(masks)
    torch.testing.assert_close(normalized.sum(dim=1), torch.ones(2, 4, 5, dtype=torch.float64))
    torch.testing.assert_close(normalized[:, 0] * masks[:, 1], normalized[:, 1] * masks[:, 0])
    torch.testing.assert_close(normalize_masks(7 * masks), normalized)


def test_a_pixel_nobody_claims_is_shared() -> None:
    masks = torch.zeros(1, 4, 1, 2)
    masks[0, 2, 0, 0] = 1e-30
    assert normalize_masks(masks)[0, :, 0].T.tolist() == [[0, 0, 1, 0], [0.25] * 4]
    masks.requires_grad_()
    normalize_masks(masks)[..., 1].sum().backward()
    assert masks.grad is not None
    assert masks.grad.isfinite().all()


def test_gradcheck() -> None:
    masks = torch.rand(1, 3, 4, 4, dtype=torch.float64) + 0.1
    masks.requires_grad_()
    assert torch.autograd.gradcheck(normalize_masks, masks)
    assert torch.autograd.gradcheck(lambda m: resize_masks(m, (3, 5)), masks)


@pytest.mark.parametrize("size", [(4, 5), (9, 13), (20, 31), (1, 40)])
def test_resized_masks_sum_to_one(size: tuple[int, int]) -> None:
    masks = torch.rand(1, 5, 12, 17).softmax(dim=1)
    resized = resize_masks(masks, size)
    torch.testing.assert_close(resized.sum(dim=1), torch.ones(1, *size))
    assert resized.min() >= 0


def test_areas_are_shares_and_kept_when_shrinking() -> None:
    masks = torch.zeros(1, 3, 4, 10)
    masks[:, 0, :, :3] = 1
    masks[:, 1, :, 3:] = 1
    torch.testing.assert_close(areas(masks), torch.tensor([[0.3, 0.7, 0.0]]))
    torch.testing.assert_close(areas(resize_masks(masks, (3, 7))), areas(masks))


def test_errors() -> None:
    plain = inspect.unwrap(module.normalize_masks)
    with pytest.raises(MediaError, match="values below 0 or not a number; give memberships of 0 or more"):
        plain(torch.tensor([-0.1, 1.0]).reshape(1, 2, 1, 1))
    with pytest.raises(MediaError, match="values below 0 or not a number"):
        plain(torch.tensor([float("nan"), 1.0]).reshape(1, 2, 1, 1))
    with pytest.raises(MediaError, match=r"shape \(1, 0, 2, 2\) hold no region"):
        plain(torch.rand(1, 0, 2, 2))
    with pytest.raises(SettingsError, match="cannot resize to 0x2"):
        inspect.unwrap(module.resize_masks)(torch.rand(1, 2, 2, 2), (0, 2))


def test_pixels_of_a_region_share_its_mean_and_an_empty_one_has_the_pictures() -> None:
    masks = torch.zeros(1, 2, 2, 3)
    masks[0, 0, 0] = 0.5
    shares = module.pixel_shares(masks)
    assert shares[0, 0].tolist() == pytest.approx([1 / 3] * 3 + [0] * 3)
    assert shares[0, 1].tolist() == pytest.approx([1 / 6] * 6)
    assert torch.equal(module.without_empty(masks)[0, 0], masks[0, 0])
    assert torch.equal(module.without_empty(masks)[0, 1], torch.ones(2, 3))


def test_several_regions_need_a_mask_each() -> None:
    module.check_one_each("scales", torch.ones(1, 1, 4), None)
    module.check_one_each("scales", torch.ones(1, 3, 4), torch.ones(1, 3, 2, 2))
    with pytest.raises(ValueError, match="scales of 2 regions, but no masks; give one mask a region"):
        module.check_one_each("scales", torch.ones(1, 2, 4), None)
    with pytest.raises(ValueError, match="vectors of 2 regions, but masks of 3"):
        module.check_one_each("vectors", torch.ones(1, 2, 4), torch.ones(1, 3, 2, 2))
