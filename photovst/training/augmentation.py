"""The same random window of all frames of a sample, at another scale and perhaps mirrored; flow goes along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import SettingsError
from photovst.media.tensors import to_frame
from photovst.ops.warp import inside
from photovst.types import Size


@dataclass(frozen=True)
class View:
    """A window of a picture, resampled to the size of a sample.

    Args:
        top: its first row.
        left: its first column.
        window: its size in the picture.
        size: its size in the sample.
        flipped: whether left and right are exchanged.
    """

    top: int
    left: int
    window: Size
    size: Size
    flipped: bool

    def cut(self, plane: NDArray[Any]) -> NDArray[Any]:
        """The window itself, as the picture holds it."""
        return plane[self.top : self.top + self.window[0], self.left : self.left + self.window[1]]

    def frame(self, picture: NDArray[np.uint8]) -> Float[Tensor, "3 h w"]:
        """RGB in [0, 1]: means of areas where it gets smaller, linear where larger."""
        window = np.ascontiguousarray(self.cut(picture))
        if self.window != self.size:
            smaller = self.window[0] >= self.size[0] and self.window[1] >= self.size[1]
            window = cv2.resize(window, self.size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        return to_frame(self._turned(window))[0]

    def labels(self, window: NDArray[np.uint8]) -> UInt8[Tensor, "h w"]:
        """The label of the nearest pixel; of a window that is cut already, as for `flow`."""
        return torch.from_numpy(self._turned(self._nearest(window)).copy())

    def flow(self, window: NDArray[np.float32]) -> Float[Tensor, "2 h w"]:
        """Flow ``(H, W, 2)`` of the window in the sample's pixels.

        Each pixel takes the vector of the nearest one: a mean of two surfaces' motion would be that of neither.
        """
        scale = np.array([self.size[1] / self.window[1], self.size[0] / self.window[0]], np.float32)
        if self.flipped:
            scale[0] = -scale[0]
        turned = self._turned(self._nearest(window)) * scale
        return torch.from_numpy(np.ascontiguousarray(turned.transpose(2, 0, 1)))

    def certainty(self, window: NDArray[np.float32], flow: Float[Tensor, "2 h w"]) -> Float[Tensor, "1 h w"]:
        """Certainty ``(H, W)`` of the window: a mean, but 0 where the nearest pixel's is, or the flow leaves the crop.

        Args:
            window: that of the picture's flow.
            flow: what `flow` gave.
        """
        values = window
        if self.window != self.size:
            mean = cv2.resize(np.ascontiguousarray(window), self.size[::-1], interpolation=cv2.INTER_LINEAR)
            values = np.where(self._nearest(window) > 0, mean, np.float32(0))
        turned = torch.from_numpy(np.ascontiguousarray(self._turned(values)))
        return turned[None] * inside(flow[None])[0]

    def _nearest(self, window: NDArray[Any]) -> NDArray[Any]:
        if self.window == self.size:
            return window
        kept = cv2.resize(np.ascontiguousarray(window), self.size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        return np.asarray(kept)

    def _turned(self, plane: NDArray[Any]) -> NDArray[Any]:
        return plane[:, ::-1] if self.flipped else plane


@dataclass(frozen=True)
class Augmentation:
    """What is random about the window.

    Args:
        scale: pixels of the picture to one of the sample: least and most, drawn evenly between. A picture that has too
            few for it is scaled by what it has, and so enlarged where it is smaller than the sample.
        flip: whether half of the samples are mirrored.

    Raises:
        SettingsError: the scales are not positive, or the first is above the second.
    """

    scale: tuple[float, float] = (1.0, 1.5)
    flip: bool = True

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0 < low <= high:
            raise SettingsError(f"scale={low},{high} of training data: give the least and the most, above 0")

    def view(self, rng: np.random.Generator, picture: Size, size: Size) -> View:
        """A window of a picture of this size, for a sample of that size."""
        flipped = bool(rng.random() < 0.5) and self.flip
        scale = min(rng.uniform(*self.scale), picture[0] / size[0], picture[1] / size[1])
        height, width = (min(max(round(side * scale), 1), most) for side, most in zip(size, picture, strict=True))
        top = int(rng.integers(picture[0] - height + 1))
        left = int(rng.integers(picture[1] - width + 1))
        return View(top, left, (height, width), size, flipped)
