import inspect

import pytest
import torch
from torch import Tensor

from photovst.errors import SettingsError
from photovst.ops import mask_refinement as module
from photovst.ops.mask_refinement import refine_masks


def _step(column: int) -> Tensor:
    """A picture that is dark left of a column and red right of it."""
    frame = torch.full((1, 3, 40, 60), 0.2)
    frame[:, 0, :, column:] = 0.8
    return frame


def _two(first: Tensor) -> Tensor:
    return torch.cat([first, 1 - first], dim=1)


def test_a_blurred_mask_is_snapped_to_the_step() -> None:
    ramp = (
        ((33 - torch.arange(60.0)) / 12 + 0.5).clamp(0, 1).view(1, 1, 1, 60).expand(1, 1, 40, 60)
    )  # edge at 33, not 30
    refined = refine_masks(_step(30), _two(ramp), 0.15, 1e-4)
    jump = refined[0, 0, :, 29] - refined[0, 0, :, 30]
    assert (ramp[0, 0, 0, 29] - ramp[0, 0, 0, 30]) < 0.1
    assert jump.min() > 0.5
    assert bool((refined[0, 0, :, :30] > 0.5).all())
    assert bool((refined[0, 0, :, 30:] < 0.5).all())


def test_sums_to_one_and_constant_masks_stay() -> None:
    frame, masks = torch.rand(1, 3, 31, 45), torch.randn(1, 5, 31, 45).softmax(1)
    for trust in (None, torch.rand(1, 1, 31, 45)):
        refined = refine_masks(frame, masks, 0.1, 1e-3, trust)
        torch.testing.assert_close(refined.sum(1), torch.ones(1, 31, 45))
        assert refined.min() >= 0
        flat = torch.tensor([0.5, 0.3, 0.2]).view(1, 3, 1, 1).expand(1, 3, 31, 45)
        torch.testing.assert_close(refine_masks(frame, flat, 0.1, 1e-3, trust), flat, rtol=0, atol=1e-4)


def test_no_radius_leaves_masks_as_they_are() -> None:
    masks = torch.randn(1, 3, 20, 30).softmax(1)
    assert torch.equal(refine_masks(torch.rand(1, 3, 20, 30), masks, 0.0, 1e-3), masks)


def test_what_is_not_trusted_becomes_what_has_its_color() -> None:
    frame, truth = _step(30), _two((torch.arange(60) < 30).float().view(1, 1, 1, 60).expand(1, 1, 40, 60))
    wrong, trust = truth.clone(), torch.ones(1, 1, 40, 60)
    hole = (..., slice(14, 24), slice(24, 36))  # across the step
    wrong[hole], trust[hole] = 1 - truth[hole], 0
    filled = refine_masks(frame, wrong, 0.15, 1e-4, trust)
    assert (filled - truth)[hole].abs().max() < 0.1
    assert (refine_masks(frame, wrong, 0.15, 1e-4) - truth)[hole].abs().max() > 0.3  # without trust it is believed


def test_a_color_seen_nowhere_else_is_filled_with_what_surrounds_it() -> None:
    frame, masks, trust = torch.full((1, 3, 40, 60), 0.3), _two(torch.ones(1, 1, 40, 60)), torch.ones(1, 1, 40, 60)
    spot = (..., slice(15, 25), slice(20, 30))
    frame[spot], trust[spot], masks[spot] = 1.0, 0.0, 0.5
    assert refine_masks(frame, masks, 0.15, 1e-4, trust)[:, 0].min() > 0.98


def test_no_trust_at_all_believes_everything_alike() -> None:
    frame, masks = torch.rand(1, 3, 20, 30), torch.randn(1, 3, 20, 30).softmax(1)
    refined = refine_masks(frame, masks, 0.1, 1e-3, torch.zeros(1, 1, 20, 30))
    torch.testing.assert_close(refined, refine_masks(frame, masks, 0.1, 1e-3), rtol=0, atol=1e-4)


def test_errors() -> None:
    with pytest.raises(SettingsError, match=r"radius of mask refinement is -0.1; give a share of the longer side"):
        inspect.unwrap(module.refine_masks)(torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8), -0.1, 1e-3)
