import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.errors import SettingsError
from photovst.guidance.joint import SIZE, SMALLEST, JointRegions, _silhouette
from photovst.guidance.regions import unrefined
from photovst.ops.masks import areas


def _landscape(horizon: float, sky: tuple[float, ...], ground: tuple[float, ...], seed: int = 0) -> Tensor:
    """Calm above the horizon, busy below it; ``(1, 3, 90, 120)``."""
    picture = np.empty((90, 120, 3), np.float32)
    edge = round(90 * horizon)
    picture[:edge], picture[edge:] = sky, ground
    picture += 0.01 * np.random.default_rng(seed).standard_normal(picture.shape, np.float32)
    rough = np.random.default_rng(seed + 1).standard_normal((90 - edge, 120, 1), np.float32)
    picture[edge:] += 0.15 * rough
    return torch.from_numpy(picture.clip(0, 1)).permute(2, 0, 1)[None].contiguous()


DAY = _landscape(0.5, (0.5, 0.7, 0.95), (0.3, 0.45, 0.2))
NIGHT = _landscape(0.4, (0.1, 0.1, 0.25), (0.12, 0.1, 0.1), seed=5)


def _masks(joint: JointRegions, frame: Tensor) -> Tensor:
    """The regions of a frame at its size, as they are before edges are looked for."""
    return unrefined(joint.probabilities(frame), frame)


def test_sky_and_ground_find_each_other_in_another_light() -> None:
    joint = JointRegions.fit([DAY], NIGHT, 2, 2)
    clip, photo = _masks(joint, DAY), joint.photo_masks
    assert len(joint.centers) == clip.shape[1] == photo.shape[1] == 2
    # From top to bottom: the first is the sky, in both.
    assert clip[0, 0, :40].mean() > 0.9
    assert clip[0, 1, 50:].mean() > 0.9
    rows = photo.shape[2]
    assert photo[0, 0, : round(0.33 * rows)].mean() > 0.9
    assert photo[0, 1, round(0.5 * rows) :].mean() > 0.85
    torch.testing.assert_close(areas(clip)[0], torch.tensor([0.5, 0.5]), rtol=0, atol=0.06)
    torch.testing.assert_close(areas(photo)[0], torch.tensor([0.4, 0.6]), rtol=0, atol=0.06)


def test_masks_are_soft_sum_to_one_and_have_the_frames_size() -> None:
    joint = JointRegions.fit([DAY, DAY.flip(3)], NIGHT, 3, 3)
    for size in ((90, 120), (45, 60), (17, 200)):
        frame = torch.nn.functional.interpolate(DAY, size)
        masks = _masks(joint, frame)
        assert masks.shape == (1, 3, *size)
        assert masks.dtype == torch.float32
        assert masks.min() >= 0
        torch.testing.assert_close(masks.sum(dim=1), torch.ones(1, *size))
    assert max(joint.photo_masks.shape[-2:]) == SIZE
    torch.testing.assert_close(joint.photo_masks.sum(dim=1), torch.ones(1, *joint.photo_masks.shape[-2:]))


def test_the_seed_decides_and_nothing_else() -> None:
    first, again = (JointRegions.fit([DAY], NIGHT, 2, 3, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.centers, again.centers)
    assert torch.equal(first.photo_masks, again.photo_masks)
    assert torch.equal(_masks(first, DAY), _masks(again, DAY))
    np.random.seed(1)  # noqa: NPY002  (the global state must not matter)
    np.testing.assert_array_equal(JointRegions.fit([DAY], NIGHT, 2, 3, seed=7).centers, first.centers)
    assert not np.array_equal(JointRegions.fit([DAY], NIGHT, 2, 3, seed=8).centers, first.centers)


def test_regions_are_named_from_top_to_bottom() -> None:
    for seed in range(3):
        centers = JointRegions.fit([DAY], NIGHT, 2, 4, seed).centers
        assert (np.diff(centers[:, 0]) >= 0).all()


def test_one_region_is_the_whole() -> None:
    joint = JointRegions.fit([DAY], NIGHT, 1, 1)
    assert torch.equal(_masks(joint, DAY), torch.ones(1, 1, 90, 120))
    assert (joint.photo_masks == 1).all()


def test_a_region_one_of_them_hardly_has_is_not_looked_for() -> None:
    # The photograph is nothing but sky: bright and calm at every height.
    sky = torch.full((1, 3, 90, 120), 0.8) + 0.001 * torch.randn(1, 3, 90, 120)
    joint = JointRegions.fit([DAY], sky, 2, 9)
    count = len(joint.centers)
    assert 1 <= count < 9
    for masks in (_masks(joint, DAY), joint.photo_masks):
        share = torch.bincount(masks.argmax(dim=1).flatten(), minlength=count) / masks[0, 0].numel()
        assert share.min() > SMALLEST / 3  # most likely region, at nearest center


def test_a_little_noise_does_not_move_regions() -> None:
    joint = JointRegions.fit([DAY], NIGHT, 2, 3)
    masks = _masks(joint, DAY)
    noisy = _masks(joint, (DAY + 0.004 * torch.randn_like(DAY)).clamp(0, 1))
    assert (noisy - masks).abs().mean() < 0.02
    assert (noisy.argmax(dim=1) != masks.argmax(dim=1)).float().mean() < 0.02


def test_a_frame_is_scaled_by_its_shot_not_by_itself() -> None:
    # A frame that shows the sky alone has no ground, though half of it is lower than the other.
    joint = JointRegions.fit([DAY], NIGHT, 2, 2)
    sky = DAY[..., :45, :].repeat(1, 1, 2, 1)
    assert areas(_masks(joint, sky))[0, 0] > 0.75


@pytest.mark.parametrize("size", [(16, 4000), (4000, 16), (2, 2)])
def test_thin_and_tiny_frames(size: tuple[int, int]) -> None:
    frame = torch.rand(1, 3, *size)
    assert _masks(JointRegions.fit([frame], NIGHT, 2, 3), frame).shape[-2:] == size
    assert JointRegions.fit([DAY], frame, 2, 3).photo_masks.isfinite().all()


def test_a_flat_clip_has_regions_by_height_alone() -> None:
    flat = torch.full((1, 3, 60, 80), 0.5)
    masks = _masks(JointRegions.fit([flat], flat, 2, 2), flat)
    torch.testing.assert_close(areas(masks)[0], torch.tensor([0.5, 0.5]), rtol=0, atol=0.05)
    assert masks[0, 0, 0].mean() > 0.75
    assert masks[0, 1, -1].mean() > 0.75


def test_as_many_regions_as_stand_apart() -> None:
    # Three bands that differ in color, and two: each with its own best count within the same range.
    bands = torch.cat([DAY[..., :30, :], torch.full((1, 3, 30, 120), 0.9), DAY[..., 60:, :]], dim=2)
    assert len(JointRegions.fit([bands], bands, 2, 6).centers) == 3
    halves = torch.cat([torch.full((1, 3, 45, 120), 0.9), torch.full((1, 3, 45, 120), 0.1)], dim=2)
    assert len(JointRegions.fit([halves], halves, 2, 6).centers) == 2


def test_silhouettes_by_hand() -> None:
    # Two pairs, 1 apart inside and 10 between: a = 1, b = mean distance to the other pair.
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    distances = np.abs(points - points.T)
    expected = np.mean([1 - 1 / 10.5, 1 - 1 / 9.5, 1 - 1 / 9.5, 1 - 1 / 10.5])
    assert _silhouette(distances, np.array([0, 0, 1, 1])) == pytest.approx(expected)
    # A point alone counts 0 [Rousseeuw1987], one region does not count at all.
    assert _silhouette(distances[:3, :3], np.array([0, 0, 1])) == pytest.approx(np.mean([1 - 1 / 10, 1 - 1 / 9, 0]))
    assert _silhouette(distances, np.zeros(4, np.intp)) == -1


def test_raw_regions_and_a_photograph_relative_to_itself() -> None:
    joint = JointRegions.fit([DAY], NIGHT, 2, 2)
    assert joint.classes == ("region 1", "region 2")
    assert torch.equal(joint.of_photo(NIGHT), joint.photo_masks)
    raw = joint.probabilities(DAY)
    assert max(raw.shape[-2:]) == SIZE
    torch.testing.assert_close(raw.sum(dim=1), torch.ones(1, *raw.shape[-2:]))
    # Half as bright is the same photograph.
    dark = 0.5 * DAY
    assert (joint.of_photo(dark) - joint.of_photo(DAY)).abs().mean() < 0.02


def test_a_photograph_equal_to_the_frame_has_its_regions() -> None:
    joint = JointRegions.fit([DAY], DAY, 2, 6)
    assert torch.equal(joint.probabilities(DAY), joint.photo_masks)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [(2, 2), (1, 1), (40, 60)])
def test_one_color_at_any_size_gives_finite_regions(value: float, size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), value)
    for joint in (JointRegions.fit([flat], flat, 2, 6), JointRegions.fit([DAY], flat, 2, 6)):
        assert 1 <= len(joint.centers) <= 6
        masks = _masks(joint, flat)
        assert masks.shape[-2:] == size
        assert masks.isfinite().all()


def test_a_range_turned_over_is_refused() -> None:
    for low, high in ((0, 3), (4, 3)):
        with pytest.raises(SettingsError, match=f"{low} to {high} regions were asked for; give at least 1"):
            JointRegions.fit([DAY], NIGHT, low, high)
