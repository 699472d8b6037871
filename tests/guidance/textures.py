"""Pictures that flow can be followed on."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor


def texture(height: int, width: int) -> Tensor:
    """Smooth noise from 0 to 1."""
    noise = np.random.default_rng(0).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return torch.from_numpy(smooth).permute(2, 0, 1)[None].contiguous()


def shifted_pair(right: int, down: int, height: int = 60, width: int = 80) -> tuple[Tensor, Tensor]:
    """Two views of one texture: what the first shows is so much further in the second."""
    wide = texture(height + 16, width + 16)
    first = wide[..., 8 : 8 + height, 8 : 8 + width]
    second = wide[..., 8 - down : 8 - down + height, 8 - right : 8 - right + width]
    return first.contiguous(), second.contiguous()


def read_frame(path: Path) -> Tensor:
    """A picture file as a frame, by OpenCV."""
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
