from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from photovst.errors import MediaError
from photovst.media.images import write_image
from photovst.ops.warp import warp
from photovst.training.augmentation import Augmentation
from photovst.training.batch import UNKNOWN_LABEL
from photovst.training.painted_scenes import PaintedScenes
from photovst.training.smooth_motion import MotionRange
from photovst.training.still_motion import StillMotion
from photovst.training.still_pictures import SceneFrames, photo_folder

NOISE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
SMOOTH = cv2.normalize(cv2.GaussianBlur(NOISE, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)


@dataclass(frozen=True)
class OnePicture:
    picture: np.ndarray
    labels: np.ndarray | None = None
    name: str = "one picture"

    def __len__(self) -> int:
        return 1

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        return self.picture, self.labels


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.7, 0.7), (1.0, 1.6)])
def test_the_earlier_frames_warped_show_the_current_one(scale: tuple[float, float]) -> None:
    source = StillMotion(OnePicture(SMOOTH), Augmentation(scale))
    for seed in range(8):
        sample = source.sample(np.random.default_rng(seed), (64, 72), (1, 5))
        off = (warp(sample.frames[:-1], sample.flow) - sample.frames[-1:]).abs() * sample.certainty
        assert off.max() < 0.03  # lookups of 8 bits between pixels
        assert off.mean() < 0.005
        far, near = sample.flow.norm(dim=1).mean(dim=(1, 2))
        assert float(far) == pytest.approx(5 * float(near), rel=0.1)
        assert sample.certainty.mean() > 0.7


def test_no_motion_gives_the_window_of_the_picture_bit_by_bit() -> None:
    source = StillMotion(OnePicture(SMOOTH), Augmentation((1, 1), flip=False), MotionRange(0, 0, 0, 0, 0))
    sample = source.sample(np.random.default_rng(3), (64, 72), (1,))
    view = source.augmentation.view(_after_one_draw(3), (120, 160), (64, 72))
    assert torch.equal(sample.frames[1], view.frame(SMOOTH))
    assert (sample.frames[0] - sample.frames[1]).abs().max() < 1.01 / 255
    assert sample.flow.abs().max() < 1e-4


def _after_one_draw(seed: int) -> np.random.Generator:
    rng = np.random.default_rng(seed)
    rng.integers(1)
    return rng


def test_labels_move_along_and_are_unknown_outside_the_picture() -> None:
    labels = (np.mgrid[:120, :160][1] // 40).astype(np.uint8)
    source = StillMotion(OnePicture(SMOOTH, labels), Augmentation((1.0, 1.0)), MotionRange(0.3, 0, 0, 0, 0))
    outside = False
    for seed in range(8):
        sample = source.sample(np.random.default_rng(seed), (110, 150), (1,))
        now = sample.labels[1].float()[None, None]
        warped = warp(sample.labels[0].float()[None, None], sample.flow.round())
        same = (warped == now) | (sample.certainty == 0)
        assert same.float().mean() > 0.98  # off by one pixel at the borders of labels
        assert sample.labels[1].max() <= 3
        outside |= bool((sample.labels[0] == UNKNOWN_LABEL).any())
    assert outside


def test_pictures_without_labels_and_smaller_than_the_sample(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    write_image(tmp_path / "more" / "small.png", SMOOTH[:20, :30])
    sample = StillMotion(photo_folder(tmp_path)).sample(np.random.default_rng(0), (32, 64), (1,))
    assert sample.frames.shape == (2, 3, 32, 64)
    assert (sample.labels == UNKNOWN_LABEL).all()


def test_scenes_give_pictures_with_labels(scenes: PaintedScenes) -> None:
    pictures = SceneFrames(scenes)
    assert len(pictures) == 7
    picture, labels = pictures.read(4)
    assert np.array_equal(picture, scenes.clip(0).frames[4])
    assert labels is not None
    assert np.array_equal(labels, scenes.clip(0).labels[4])


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="holds no pictures to train on"):
        photo_folder(tmp_path)
    with pytest.raises(MediaError, match="absent is no folder"):
        photo_folder(tmp_path / "absent")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(MediaError, match=r"broken\.jpg is not a picture"):
        StillMotion(photo_folder(tmp_path)).sample(np.random.default_rng(0), (32, 32), (1,))
