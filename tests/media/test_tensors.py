import cv2
import numpy as np
import pytest
import torch

from photovst.media.tensors import resized, to_frame, to_frames, to_picture, to_pictures


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_way_there_and_back(dtype: type) -> None:
    top = np.iinfo(dtype).max
    levels = np.arange(top + 1, dtype=dtype).reshape(16, -1)
    picture = np.stack([levels, levels[::-1], levels[:, ::-1]], axis=2)
    frame = to_frame(picture)
    assert frame.shape == (1, 3, *levels.shape)
    assert frame.dtype == torch.float32
    assert (frame.min(), frame.max()) == (0, 1)
    torch.testing.assert_close(frame[0, 0], torch.from_numpy(levels.astype(np.float64) / top).float())
    back = to_picture(frame, dtype)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, picture)


def test_frames_are_rounded_and_clipped() -> None:
    values = torch.tensor([-0.5, 0.0, 0.49 / 255, 0.51 / 255, 0.5, 1.0, 7.0])
    picture = to_picture(values.expand(1, 3, 1, 7))
    assert picture[0, :, 0].tolist() == [0, 0, 0, 1, 128, 255, 255]
    assert to_picture(values.expand(1, 3, 1, 7), np.uint16)[0, -2:, 0].tolist() == [65535, 65535]


def test_a_picture_owns_its_memory_and_leaves_the_frame() -> None:
    frame = torch.full((1, 3, 2, 2), 0.5, requires_grad=True)
    picture = to_picture(frame)
    assert picture.flags.c_contiguous
    picture[:] = 0
    assert (frame == 0.5).all()


def test_any_layout_in_memory_is_taken() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    assert torch.equal(to_frame(picture[:, ::-1]), to_frame(picture).flip(3))
    assert torch.equal(to_frame(picture[::2]), to_frame(picture)[:, :, ::2])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_resized_is_by_area_down_and_bicubic_up(dtype: type) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 18, 3)).astype(dtype)
    assert resized(picture, (12, 18)) is picture
    halved = resized(picture, (6, 9))
    mean = picture.reshape(6, 2, 9, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(halved, mean, atol=0.51)
    for size in ((24, 36), (6, 36)):
        expected = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_CUBIC)
        np.testing.assert_array_equal(resized(picture, size), expected)
    assert resized(picture[..., 0], (6, 9)).shape == (6, 9)
    assert resized(picture, (7, 9)).dtype == dtype


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_several_at_once_are_each_as_it_would_be_alone(dtype: type) -> None:
    top = np.iinfo(dtype).max
    pictures = [np.random.default_rng(seed).integers(0, top, (20, 30, 3), dtype, endpoint=True) for seed in range(3)]
    frames = to_frames(pictures)
    for frame, picture in zip(frames, pictures, strict=True):
        assert torch.equal(frame[None], to_frame(picture))
    beyond = frames * 1.2 - 0.1
    for frame, made in zip(beyond, to_pictures(beyond, dtype), strict=True):
        assert made.dtype == dtype
        assert made.flags.c_contiguous
        assert np.array_equal(made, to_picture(frame[None], dtype))
    assert all(np.array_equal(a, b) for a, b in zip(pictures, to_pictures(frames, dtype), strict=True))
