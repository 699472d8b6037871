"""Classes of ADE20K [Zhou2017] by a network small enough for a telephone: DeepLabv3+ on MobileNetV2 [Chen2018].

From benchmarks/ade20k_mobile.py: share of the pixels of its 31 classes that are found, mean over three validation
photos as they are (4:3) and cut to other shapes; share of pixels whose label changes along the flow in clips of DAVIS;
and milliseconds that one core computes at 1920x1080:

                         4:3   16:9   2.39:1  9:16   car-shadow  horsejump  kite-surf  motocross   ms
    whole picture        .846  .831   .813    .905   .020        .086       .008       .197        88
    and its mirror       .844  .831   .832    .906   .016        .072       .007       .202
    and square crops     .847  .841   .841    .912   .013        .064       .007       .166       222
    uint8 file, whole    .829  .837   .839    .877   .013        .085       .109       .181       163
    and square crops     .828  .829   .843    .894   .011        .058       .016       .152       437
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import MediaError
from photovst.models.ade20k_classes import CLASSES, OTHER
from photovst.models.deeplab_mobile import GRID, OUTPUTS, SIDE
from photovst.ops.resize import resize
from photovst.types import Size

Network = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Logits ``(128, 128, 32)`` of an RGB picture ``(512, 512, 3)``."""

_CELL = SIDE // GRID


class Ade20kMobile:
    """The first 31 classes of ADE20K, and ``other`` for the rest, by a network such as `DeeplabMobile`.

    The network takes squares. A picture is pressed into one as a whole, for what only the whole tells. Where
    ``crops`` are on, squares of its shorter side, evenly spaced along the longer one, are asked as well, and the mean
    of both is taken.

    Args:
        network: that of the checkpoint.
        weights: names it, such as ``ade20k_mobile 3960571f``.
        crops: whether squares are asked beside the whole; better and steadier, and 3 times the time at 4:3 or 16:9.
    """

    classes: tuple[str, ...] = (OTHER, *CLASSES[: OUTPUTS - 1])

    def __init__(self, network: Network, weights: str, crops: bool = True) -> None:
        self._network = network
        self._weights = weights
        self._crops = crops

    @property
    def name(self) -> str:
        """Method, weights, parameters and version."""
        return f"{self._weights} {'crops' if self._crops else 'whole'}, 1"

    @torch.no_grad()
    def __call__(self, frames: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 32 gh gw"]:
        """Probabilities of `classes` at a quarter of the size that the network sees, on the frames' device.

        With crops the shorter side is 128 and the longer one in proportion; without them both are 128. Computed on
        the CPU from there on: a frame has the same probabilities on every device.

        Args:
            frames: RGB in [0, 1].

        Raises:
            MediaError: a value is not a number.
        """
        if not bool(torch.isfinite(frames).all()):
            raise MediaError("a frame to be segmented holds values that are not numbers; check the clip")
        size = _grid_size((frames.shape[-2], frames.shape[-1])) if self._crops else (GRID, GRID)
        each = [self._of_frame(frame[None].cpu().float().clamp(0, 1), size) for frame in frames]
        probabilities = torch.cat(each) if each else torch.zeros(0, OUTPUTS, *size)
        return probabilities.to(frames)

    def _of_frame(self, frame: Tensor, size: Size) -> Tensor:
        whole = resize(self._of_square(resize(frame, (SIDE, SIDE))), size)
        if max(size) == GRID:  # the only square is the whole
            return whole
        picture = resize(frame, (size[0] * _CELL, size[1] * _CELL))
        total, count = torch.zeros(1, OUTPUTS, *size), torch.zeros(1, 1, *size)
        for top, left in _places(size):
            here = ..., slice(top, top + GRID), slice(left, left + GRID)
            square = picture[..., top * _CELL : top * _CELL + SIDE, left * _CELL : left * _CELL + SIDE]
            total[here] += self._of_square(square)
            count[here] += 1
        return (whole + total / count) / 2

    def _of_square(self, picture: Tensor) -> Tensor:
        levels = (picture[0] * 255).round().to(torch.uint8).permute(1, 2, 0)
        logits = self._network(np.ascontiguousarray(levels.numpy()))
        return torch.from_numpy(logits).permute(2, 0, 1)[None].softmax(dim=1)


def _grid_size(size: Size) -> Size:
    """A frame's size, scaled so that its shorter side is that of the network's grid."""
    height, width = (max(GRID, round(side * GRID / min(size))) for side in size)
    return height, width


def _places(size: Size) -> list[tuple[int, int]]:
    """Upper left corners of the fewest squares that cover a grid, evenly spaced."""
    longer = max(size)
    count = math.ceil(longer / GRID)
    starts = [round(k * (longer - GRID) / (count - 1)) for k in range(count)]
    return [(0, start) if size[1] == longer else (start, 0) for start in starts]
