import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from photovst.errors import MediaError, SettingsError
from photovst.media.images import write_image
from photovst.ops.warp import warp
from photovst.training.array_store import ArrayStore
from photovst.training.augmentation import Augmentation
from photovst.training.clips import Clips

NOISE = np.random.default_rng(0).integers(0, 256, (64, 140, 3), np.uint8)
TEXTURE = cv2.normalize(cv2.GaussianBlur(NOISE, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
RNG = np.random.default_rng


def _clip(folder: Path, frames: int) -> Path:
    """The texture moving two pixels to the right a frame."""
    folder.mkdir(parents=True)
    for t in range(frames):
        write_image(folder / f"{t:03d}.png", TEXTURE[:, 40 - 2 * t : 120 - 2 * t])
    return folder


def _source(store: ArrayStore, *paths: Path, **kinds: object) -> Clips:
    return Clips(paths, store, Augmentation((1.0, 1.0), flip=False), **kinds)  # type: ignore[arg-type]


def test_estimated_motion_of_either_order_of_time(tmp_path: Path, store: ArrayStore) -> None:
    source = _source(store, _clip(tmp_path / "clip", 4))
    ways = set()
    for seed in range(8):
        sample = source.sample(RNG(seed), (48, 48), (1, 3))
        far, near = sample.flow[:, 0].flatten(1).median(dim=1).values.tolist()
        assert abs(near) == pytest.approx(2, abs=0.3)
        assert far == pytest.approx(3 * near, abs=0.6)
        ways.add(near > 0)
        off = (warp(sample.frames[:-1], sample.flow) - sample.frames[-1:]).abs().mean(1, keepdim=True)
        assert (off * sample.certainty).sum() / sample.certainty.sum() < 0.03
        assert sample.certainty.mean() > 0.5
    assert ways == {True, False}


class _Never:
    name = "dis medium 0, 1"

    def __call__(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        raise AssertionError("flow is kept")


def test_frames_and_flow_are_kept_until_the_files_change(tmp_path: Path, store: ArrayStore) -> None:
    folder = _clip(tmp_path / "clip", 2)
    first = _source(store, folder)
    samples = [first.sample(RNG(seed), (48, 48), (1,)) for seed in range(6)]
    again = replace(first, estimator=_Never())
    assert all(torch.equal(again.sample(RNG(seed), (48, 48), (1,)).flow, samples[seed].flow) for seed in range(6))
    os.utime(folder / "000.png", (1, 1))
    from photovst.training import clips

    clips._identity.cache_clear()
    with pytest.raises(AssertionError, match="flow is kept"):
        replace(first, estimator=_Never()).sample(RNG(0), (48, 48), (1,))


def test_large_clips_are_made_smaller_and_long_ones_cut(tmp_path: Path, store: ArrayStore) -> None:
    source = _source(store, _clip(tmp_path / "clip", 5), short_side=32, longest=3)
    sample = source.sample(RNG(0), (32, 40), (1,))
    assert sample.frames.shape == (2, 3, 32, 40)
    (kept,) = store.folder.rglob("frames.npy")
    assert np.load(kept).shape == (3, 32, 40, 3)


def test_in_a_short_clip_the_farthest_frame_stands_in(tmp_path: Path, store: ArrayStore) -> None:
    sample = _source(store, _clip(tmp_path / "clip", 2)).sample(RNG(0), (48, 48), (1, 5))
    assert torch.equal(sample.frames[0], sample.frames[1])
    assert torch.equal(sample.flow[0], sample.flow[1])


def test_errors(tmp_path: Path, store: ArrayStore) -> None:
    with pytest.raises(MediaError, match=r"clip has one frame only"):
        _source(store, _clip(tmp_path / "clip", 1)).sample(RNG(0), (48, 48), (1,))
    with pytest.raises(MediaError, match=r"absent\.mp4 cannot be read"):
        _source(store, tmp_path / "absent.mp4").sample(RNG(0), (48, 48), (1,))
    with pytest.raises(MediaError, match="no clips"):
        Clips((), store)
    with pytest.raises(SettingsError, match="short side of 8"):
        _source(store, tmp_path, short_side=8)
