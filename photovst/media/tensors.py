"""Between pictures as files hold them, ``(H, W, 3)`` integers, and frames as operators take them."""

from __future__ import annotations

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
    top = 65535 if np.dtype(dtype) == np.uint16 else 255
    levels = frame[0].detach().clamp(0, 1).mul(top).add_(0.5).permute(1, 2, 0)
    return np.ascontiguousarray(levels.cpu().numpy().astype(dtype))


def resized(picture: Picture, size: Size) -> Picture:
    """A picture, or a plane, at another size: by area where it gets smaller, bicubic where larger."""
    if picture.shape[:2] == size:
        return picture
    smaller = size[0] <= picture.shape[0] and size[1] <= picture.shape[1]
    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
