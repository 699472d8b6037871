import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.guidance.flow import FlowPair
from photovst.guidance.mask_track import MaskTrack
from photovst.ops.mask_refinement import refine_masks

SIZE = (24, 40)


def _frame() -> Tensor:
    return torch.rand(1, 3, *SIZE)


def _masks(regions: int = 3) -> Tensor:
    return (2 * torch.randn(1, regions, *SIZE)).softmax(dim=1)


def _motion(x: float = 0.0, certainty: float = 1.0) -> FlowPair:
    flow = torch.tensor([x, 0.0]).view(1, 2, 1, 1).expand(1, 2, *SIZE).contiguous()
    weight = torch.full((1, 1, *SIZE), certainty)
    return FlowPair(flow, weight, -flow, torch.full_like(weight, 0.3))  # masks go to the current frame only


def _one_region(label: int) -> Tensor:
    return torch.eye(2)[label].view(1, 2, 1, 1).expand(1, 2, *SIZE).contiguous()


def _plain(persistence: float = 0.8, hysteresis: float = 0.0) -> MaskTrack:
    """Nothing is refined."""
    return MaskTrack(persistence=persistence, hysteresis=hysteresis, radius=0.0, epsilon=1e-3)


def test_constant_input_stays() -> None:
    track, own = _plain(hysteresis=0.1), _masks().half().float()
    for motion in (None, *[_motion()] * 5):
        torch.testing.assert_close(track.step(_frame(), own, motion), own, rtol=0, atol=1e-3)


def test_without_persistence_and_hysteresis_masks_are_refined_only() -> None:
    track = MaskTrack(persistence=0.0, hysteresis=0.0, radius=0.1, epsilon=1e-3)
    for motion in (None, _motion(2.0), _motion()):
        frame, own = _frame(), torch.randn(1, 3, 9, 13).softmax(dim=1)  # at a size of its own
        large = torch.nn.functional.interpolate(own, SIZE, mode="bilinear", align_corners=False)
        expected = refine_masks(frame, large, 0.1, 1e-3)
        shown = track.step(frame, own, motion)
        torch.testing.assert_close(shown, expected, rtol=0, atol=1e-3)
        torch.testing.assert_close(shown.sum(dim=1), torch.ones(1, *SIZE), rtol=0, atol=2e-3)


@pytest.mark.parametrize("asked", [True, False])
def test_a_translation_carries_masks_exactly(asked: bool) -> None:
    track, first, second = _plain(), _masks().half().float(), _masks()
    track.step(_frame(), first, None)
    moved = track.step(_frame(), second if asked else None, _motion(3.0))
    expected = first[..., 3:]
    if asked:
        expected = torch.lerp(second[..., :-3], expected, 0.8)
    torch.testing.assert_close(moved[..., :-3], expected, rtol=0, atol=1e-3)
    if asked:  # what comes into view is the frame's own
        torch.testing.assert_close(moved[..., -3:], second[..., -3:], rtol=0, atol=1e-3)


def test_noise_is_damped_by_the_factor_of_a_running_mean() -> None:
    # Changes of white noise through x <- a x + (1 - a) own are smaller by (1 - a) / sqrt(1 + a).
    track, seen, own = _plain(persistence=0.8), [], []
    for t in range(60):
        first = 0.5 + 0.2 * (torch.rand(1, 1, *SIZE) - 0.5)
        own.append(torch.cat([first, 1 - first], dim=1))
        seen.append(track.step(_frame(), own[-1], _motion() if t else None))
    shown, alone = (
        torch.stack([(b - a).square().mean() for a, b in pairwise(run[20:])]).mean().sqrt() for run in (seen, own)
    )
    assert float(shown / alone) == pytest.approx(0.2 / math.sqrt(1.8), rel=0.05)


def test_hysteresis_stops_labels_that_flicker_and_adds_to_the_running_mean() -> None:
    flips = []
    for hysteresis in (0.0, 0.1):
        torch.manual_seed(0)
        track, labels = _plain(hysteresis=hysteresis), []
        for t in range(30):
            first = 0.5 + 0.4 * (torch.rand(1, 1, *SIZE) - 0.5)
            shown = track.step(_frame(), torch.cat([first, 1 - first], dim=1), _motion() if t else None)
            labels.append(shown.argmax(dim=1))
        flips.append(torch.stack([(a != b).float().mean() for a, b in pairwise(labels[10:])]).mean())
    assert 0 < flips[0] < 0.25  # 0.5 without carrying
    assert flips[1] < 0.2 * flips[0]


@pytest.mark.parametrize("held", [3, 100])
def test_a_true_change_gets_through_in_a_known_number_of_frames_however_long_a_label_was_shown(held: int) -> None:
    # The new region leads by 1 - 2 a^n after n frames, so it is shown when that passes the margin.
    persistence, margin = 0.8, 0.3
    track = _plain(persistence, margin)
    for t in range(held):
        track.step(_frame(), _one_region(0), _motion() if t else None)
    known = math.ceil(math.log((1 - margin) / 2) / math.log(persistence))
    assert known == 5
    labels = [int(track.step(_frame(), _one_region(1), _motion()).argmax(dim=1).unique()) for _ in range(known)]
    assert labels == [0] * (known - 1) + [1]


def test_uncertain_flow_leaves_the_frames_own_evidence() -> None:
    track, own = _plain(hysteresis=0.5), _masks()
    track.step(_frame(), _masks(), None)
    torch.testing.assert_close(track.step(_frame(), own, _motion(3.0, 0.0)), own, rtol=0, atol=1e-3)


def test_trust_lost_between_two_segmentations_stays_lost() -> None:
    track, own = _plain(), _masks()
    track.step(_frame(), _masks(), None)
    track.step(_frame(), None, _motion(certainty=0.0))
    torch.testing.assert_close(track.step(_frame(), own, _motion()), own, rtol=0, atol=1e-3)


def test_no_segmentation_and_no_certainty_is_normalized_and_finite() -> None:
    track = MaskTrack(persistence=0.8, hysteresis=0.1, radius=0.05, epsilon=1e-4)
    track.step(_frame(), _masks(5), None)
    for _ in range(10):
        masks = track.step(_frame(), None, _motion(7.0, 0.0))
        assert masks.isfinite().all()
        assert masks.min() >= 0
        torch.testing.assert_close(masks.sum(dim=1), torch.ones(1, *SIZE), rtol=0, atol=3e-3)


def test_uncovered_ground_is_filled_with_what_has_its_color() -> None:
    # A red square moves on by 4 pixels over gray; what it uncovers is uncertain, and the square is not to trail.
    def scene(left: int) -> tuple[Tensor, Tensor]:
        square = torch.zeros(1, 1, *SIZE)
        square[..., 8:16, left : left + 8] = 1
        frame = torch.full((1, 3, *SIZE), 0.5) + 0.4 * square * torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1)
        return frame, torch.cat([square, 1 - square], dim=1)

    track = MaskTrack(persistence=0.8, hysteresis=0.1, radius=0.15, epsilon=1e-4)
    track.step(*scene(10), None)
    frame, truth = scene(14)
    motion, uncovered = _motion(), (..., slice(8, 16), slice(10, 14))
    motion.to_previous[:, :1] = -4 * truth[:, :1]
    motion.certainty_to_previous[uncovered] = 0
    masks = track.step(frame, None, motion)
    assert torch.equal(masks.argmax(dim=1), truth.argmax(dim=1))
    assert masks[:, :1][uncovered].max() < 0.1


def test_a_cut_forgets() -> None:
    track, fresh = _plain(hysteresis=0.3), _plain(hysteresis=0.3)
    track.step(_frame(), _masks(), None)
    track.begin()
    assert track.state() is None
    frame, own = _frame(), _masks(4)  # another shot, other regions
    assert torch.equal(track.step(frame, own, _motion()), fresh.step(frame, own, None))


def test_a_resumed_run_gives_the_same_bytes() -> None:
    first, second = (MaskTrack(persistence=0.8, hysteresis=0.1, radius=0.08, epsilon=1e-4) for _ in range(2))
    given = [(_frame(), _masks() if t % 2 == 0 else None, _motion(1.3, 0.7) if t else None) for t in range(7)]
    for step in given[:4]:
        first.step(*step)
    state = first.state()
    assert state is not None
    assert {str(array.dtype) for array in state.values()} == {"float16"}
    second.restore(state)
    for step in given[4:]:
        assert torch.equal(first.step(*step), second.step(*step))


def test_errors() -> None:
    with pytest.raises(SettingsError, match=r"the persistence of masks is 1.2; give a number from 0 to 1"):
        MaskTrack(persistence=1.2, hysteresis=0.1, radius=0.04, epsilon=1e-3)
    with pytest.raises(SettingsError, match=r"the epsilon of masks is 0.0; give a number above 0"):
        MaskTrack(persistence=0.8, hysteresis=0.1, radius=0.04, epsilon=0.0)
    track = _plain()
    with pytest.raises(MediaError, match="no masks and none to carry to it; segment the first frame of each shot"):
        track.step(_frame(), None, _motion())
    track.step(_frame(), _masks(3), None)
    with pytest.raises(MediaError, match=r"masks of \(1, 3, 24, 40\) cannot go on .* with masks \(1, 4, 24, 40\)"):
        track.step(_frame(), _masks(4), _motion())
