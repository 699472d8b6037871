"""Between pictures as files hold them, ``(H, W, 3)`` integers, and frames as operators take them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.media.records import Picture
from photovst.types import Size


def to_frame(picture: Picture, device: torch.device | str = "cpu") -> Float[Tensor, "1 3 h w"]:
    """A picture as a frame: float32 in [0, 1]."""
    scale = np.float32(1 / np.iinfo(picture.dtype).max)
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    return torch.from_numpy(planes.astype(np.float32) * scale)[None].to(device)


def to_picture(frame: Float[Tensor, "1 3 h w"], dtype: npt.DTypeLike = np.uint8) -> Picture:
    """A frame as a picture, rounded to the nearest level of ``dtype``, uint8 or uint16."""
    deep = np.dtype(dtype) == np.uint16
    levels = frame[0].detach().clamp(0, 1).mul_(65535 if deep else 255).add_(0.5)
    # They leave the device as integers, and OpenCV puts planes together much faster than NumPy transposes.
    planes = levels.to(torch.int32 if deep else torch.uint8).cpu().numpy().astype(dtype, copy=False)
    return np.asarray(cv2.merge(list(planes)), dtype)


def to_frames(pictures: Sequence[Picture], device: torch.device | str = "cpu") -> Float[Tensor, "b 3 h w"]:
    """Pictures of one size and type as frames, each as `to_frame` has it; they move to the device as integers."""
    scale = np.float32(1 / np.iinfo(pictures[0].dtype).max).item()
    stacked = torch.from_numpy(np.stack(pictures)).to(device)
    return stacked.permute(0, 3, 1, 2).to(torch.float32).contiguous().mul_(scale)


def to_pictures(
    frames: Float[Tensor, "b 3 h w"],
    dtype: npt.DTypeLike = np.uint8,
    thresholds: npt.NDArray[np.float32] | None = None,
) -> list[Picture]:
    """Frames as pictures, each as `to_picture` has it; they leave the device as integers.

    Args:
        frames: what is rounded.
        dtype: uint8 or uint16.
        thresholds: in (0, 1), repeated over the frame: what is added to a level before its fraction is cut off,
            in place of a half, where levels are of 8 bits.
    """
    deep = np.dtype(dtype) == np.uint16
    levels = frames.detach().clamp(0, 1).mul(65535 if deep else 255)
    levels += 0.5 if thresholds is None or deep else _tiled(thresholds, levels)
    whole = levels.permute(0, 2, 3, 1).to(torch.int32 if deep else torch.uint8).contiguous().cpu().numpy()
    return list(whole.astype(dtype, copy=False))


def _tiled(pattern: npt.NDArray[np.float32], like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    repeats = -(-height // pattern.shape[0]), -(-width // pattern.shape[1])
    return torch.from_numpy(pattern).to(like).tile(repeats)[:height, :width]


def resized(picture: Picture, size: Size) -> Picture:
    """A picture, or a plane, at another size: by area where it gets smaller, bicubic where larger."""
    if picture.shape[:2] == size:
        return picture
    smaller = size[0] <= picture.shape[0] and size[1] <= picture.shape[1]
    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
