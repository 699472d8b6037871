"""Whole clips judged: closed forms for still, noisy and blurred clips, cuts, and what is asked of the motion."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_runs import SIZE, scene, write_clip
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.flow import FlowPair
from photovst.guidance.survey import Survey, survey
from photovst.judges.clip import CUT_THRESHOLD, Bench, judge_clip
from photovst.judges.figures import ClipFigures, mean, spread
from photovst.judges.likeness import Look as StyleLook
from photovst.judges.motion import JudgedMotion, content_motion
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.scenes import Look, photograph
from photovst.media.shots import Shot
from photovst.media.tensors import to_frame
from photovst.models.steerable import Steerable
from photovst.ops.resize import limit_long_side

PHOTO = to_frame(photograph(Look.sunset, 11, (64, 96)))
JUDGES = {"steerable": Steerable()}


def whole(_: int, frame: Tensor) -> Tensor:
    return torch.ones_like(frame[:, :1])


def still_motion(previous: Tensor, current: Tensor, indices: tuple[int, int]) -> FlowPair:
    flow, certain = torch.zeros_like(current[:, :2]), torch.ones_like(current[:, :1])
    return FlowPair(flow, certain, flow, certain)


def judged(content: Path, result: Path, **options) -> ClipFigures:
    return judge_clip(content, result, bench(content, **options)).result


def bench(content: Path, motion=None, overview=None, masks_of=whole, size=320) -> Bench:
    overview = overview or survey(open_clip(content), CUT_THRESHOLD)
    motion = content_motion() if motion is None else JudgedMotion("given", motion)
    look = StyleLook.of(PHOTO, torch.ones_like(PHOTO[:, :1]), masks_of, JUDGES, min(size, 96))
    return Bench(motion, overview, look, size)


def folder(place: Path, frames) -> Path:
    place.mkdir()
    for index, frame in enumerate(frames):
        write_image(place / f"{index:03d}.png", frame)
    return place


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve times the same frame, 16 bits."""
    frame = scene(Look.day, 1)[0].astype(np.uint16) * 128 + 8000
    return folder(tmp_path_factory.mktemp("clips") / "still", [frame] * 12)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "moving.mkv", scene(Look.day, 12))


def test_a_still_clip_is_steady_and_itself(still: Path) -> None:
    figures = judged(still, still)
    assert figures.frames == 12
    assert (figures.e_stab, figures.e_warp_short, figures.e_warp_long) == (0, 0, 0)
    assert figures.ssim_content == pytest.approx(1)
    assert figures.ssim_edge == pytest.approx(1)
    assert figures.sharpness_kept == pytest.approx(1)
    assert len(set(figures.color)) == 1
    assert math.isnan(figures.e_warp_detail)  # as unsteady as the input, which is not: 0 / 0


def test_noise_of_variance_v_has_a_warping_error_of_2_v(still: Path, tmp_path: Path) -> None:
    generator, sigma = np.random.default_rng(0), 0.02
    clean = scene(Look.day, 1)[0].astype(np.float64) * 128 + 8000
    noisy = [np.rint(clean + 65535 * sigma * generator.normal(size=clean.shape)).astype(np.uint16) for _ in range(12)]
    figures = judged(still, folder(tmp_path / "noisy", noisy))
    # The motion is that of the content, which stands still, whatever the noise does.
    assert figures.e_warp_short == pytest.approx(2 * sigma**2, rel=0.03)
    assert figures.e_warp_long == pytest.approx(2 * sigma**2, rel=0.03)
    assert figures.e_stab == pytest.approx(math.sqrt(2) * sigma, rel=0.03)
    given = judged(still, tmp_path / "noisy", motion=still_motion)
    assert given.e_warp_short == pytest.approx(2 * sigma**2, rel=0.03)
    assert given.ssim_content < 0.99


def test_the_content_itself_is_the_floor(moving: Path) -> None:
    floor = judged(moving, moving)
    assert floor.e_warp_detail == pytest.approx(1)
    assert floor.ssim_content == pytest.approx(1)
    assert 0 < floor.e_warp_short < floor.e_warp_long
    colors = [frame.reshape(-1, 3).mean(axis=0) / 255 for frame in scene(Look.day, 12)]
    np.testing.assert_allclose(floor.color, colors, atol=1e-6)


def test_blur_along_the_clip_fades_it_and_detail_is_not_fooled(moving: Path, tmp_path: Path) -> None:
    frames = scene(Look.day, 12)
    fading = [cv2.GaussianBlur(frame, (0, 0), 0.1 + 0.15 * t) for t, frame in enumerate(frames)]
    figures, floor = judged(moving, folder(tmp_path / "fading", fading)), judged(moving, moving)
    assert figures.sharpness_kept < 0.2 < 0.7 < floor.sharpness_kept
    assert all(after < before for before, after in zip(figures.sharpness[2:], figures.sharpness[3:], strict=False))
    assert figures.ssim_edge < 0.95
    hazy = [frame // 2 for frame in frames]
    veiled = judged(moving, folder(tmp_path / "hazy", hazy))
    assert veiled.e_warp_short < 0.3 * floor.e_warp_short
    assert veiled.e_warp_detail == pytest.approx(1, rel=0.05)


def test_the_photograph_s_own_look_is_nearer_to_it(moving: Path, tmp_path: Path) -> None:
    sunset = folder(tmp_path / "sunset", scene(Look.sunset, 12))
    assert judged(moving, sunset).style["steerable"] < judged(moving, moving).style["steerable"]


def test_style_is_of_at_most_eight_frames_and_pairs_are_1_and_10_apart(moving: Path) -> None:
    masked: list[int] = []
    asked: list[tuple[int, int]] = []

    def masks_of(index: int, frame: Tensor) -> Tensor:
        masked.append(index)
        return whole(index, frame)

    def motion(previous: Tensor, current: Tensor, indices: tuple[int, int]) -> FlowPair:
        asked.append(indices)
        return still_motion(previous, current, indices)

    judged(moving, moving, masks_of=masks_of, motion=motion)
    assert masked == [0, 2, 3, 5, 6, 8, 9, 11]
    assert sorted(asked) == sorted([(t, t + 1) for t in range(11)] + [(0, 10), (1, 11)])


def test_pairs_across_a_cut_are_left_out(tmp_path: Path) -> None:
    day, night = scene(Look.day, 1)[0], scene(Look.night, 1, seed=5)[0]
    cut = folder(tmp_path / "cut", [day] * 16 + [night] * 16)
    assert judged(cut, cut, motion=still_motion).e_stab == 0
    one_shot = judged(cut, cut, motion=still_motion, overview=Survey((Shot(0, 32),), {}))
    assert one_shot.e_stab > 0.05
    assert one_shot.e_warp_long > 0.05


def test_clips_are_judged_small_and_a_result_of_another_size_is_brought_to_it(moving: Path, tmp_path: Path) -> None:
    double = [cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST) for frame in scene(Look.day, 12)]
    large = write_clip(tmp_path / "large.mkv", double)
    assert judged(moving, large).ssim_content == pytest.approx(1)  # at the content's 96 pixels
    assert limit_long_side((1080, 1920), 320) == (180, 320)
    assert limit_long_side(SIZE, 320) == SIZE
    sizes: list[tuple[int, ...]] = []

    def masks_of(index: int, frame: Tensor) -> Tensor:
        sizes.append(tuple(frame.shape[-2:]))
        return whole(index, frame)

    judged(moving, large, masks_of=masks_of, size=48)
    assert set(sizes) == {(32, 48)}


def test_a_single_frame_has_no_steadiness(tmp_path: Path) -> None:
    write_image(tmp_path / "one.png", scene(Look.day, 1)[0])
    figures = judged(tmp_path / "one.png", tmp_path / "one.png")
    assert figures.frames == 1
    assert all(math.isnan(value) for value in (figures.e_stab, figures.e_warp_short, figures.e_warp_long))
    assert figures.style["steerable"] > 0


def test_neighbors_of_a_still_clip_are_alike_and_small_frames_have_no_patches(still: Path, tmp_path: Path) -> None:
    assert math.isnan(judged(still, still).ssim_adjacent)
    frame = cv2.resize(scene(Look.day, 1)[0], (150, 100), interpolation=cv2.INTER_AREA)
    same = folder(tmp_path / "same", [frame] * 2)
    assert judged(same, same, motion=still_motion).ssim_adjacent == pytest.approx(1)
    flicker = folder(tmp_path / "flicker", [frame, frame // 2])
    assert judged(same, flicker, motion=still_motion).ssim_adjacent < 0.9


def test_clips_of_two_lengths_are_refused(moving: Path, tmp_path: Path) -> None:
    short = write_clip(tmp_path / "short.mkv", scene(Look.day, 12)[:4])
    for content, result in ((moving, short), (short, moving)):
        with pytest.raises(MediaError, match=rf"^{short} ends after 4 frames, but {moving} goes on; judge a clip"):
            judged(content, result, motion=still_motion)


def test_content_motion_has_the_papers_binary_certainty(moving: Path) -> None:
    first, second = (to_frame(frame) for frame in scene(Look.day, 12)[:2])
    pair = content_motion().between(first, second, (0, 1))
    assert set(pair.certainty_to_next.unique().tolist()) == {0.0, 1.0}


def test_spread_and_mean() -> None:
    assert spread(24, 8) == [0, 3, 7, 10, 13, 16, 20, 23]
    assert spread(0, 8) == []
    assert mean([1.0, math.nan, 3.0]) == 2
    assert math.isnan(mean([]))
