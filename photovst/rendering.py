"""A result at full size: the picture of a frame, mixed with the frame, rounded."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from photovst.media.records import Picture
from photovst.media.tensors import to_frames, to_pictures
from photovst.ops.dither import blue_noise
from photovst.ops.local_affine import smooth_local_affine
from photovst.ops.slice_picture import slice_picture
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.neighbors import Stylized


@dataclass(frozen=True)
class LocalAffine:
    """Smoothing of a result towards local color transforms of its frame; see `smooth_local_affine`."""

    radius: int
    range: float


@dataclass(frozen=True)
class Renderer:
    """Makes the pictures of results at the size of the frames given.

    A bilateral grid on a CPU goes from integers to integers in one pass; everything else goes through frames on the
    device, to which pictures move, and which they leave, as integers.

    Args:
        device: where results are.
        strength: how much of the change is shown, in [0, 1].
        dither: round 8 bits by a fixed pattern, so that smooth areas show no bands.
        local_affine: how results are smoothed; None leaves them as they are.
        threads: how many work on a CPU; as many as PyTorch has in the calling thread where not given.
    """

    device: torch.device
    strength: float = 1.0
    dither: bool = True
    local_affine: LocalAffine | None = None
    threads: int | None = None

    @torch.no_grad()
    def picture(self, image: Picture, stylized: Stylized) -> Picture:
        """The result of a frame on the frame's own picture, of its size and type.

        Args:
            image: the frame, ``(H, W, 3)`` uint8 or uint16, at the result's size.
            stylized: its result at the working size.
        """
        parametrization = stylized.parametrization
        if isinstance(parametrization, BilateralGrid) and self.device.type == "cpu" and self.local_affine is None:
            return slice_picture(parametrization.grid, image, self.strength, self.dither, self.threads)
        frame = to_frames([image], self.device)
        result = self._full(frame, stylized)
        if self.strength < 1:
            result = torch.lerp(frame, result, self.strength)
        return to_pictures(result, image.dtype, blue_noise() if self.dither else None)[0]

    def _full(self, frame: Tensor, stylized: Stylized) -> Tensor:
        if self.local_affine is None:
            return stylized.parametrization.lift(frame)
        small = stylized.parametrization.lift(stylized.frame)
        radius, spread = self.local_affine.radius, self.local_affine.range
        return smooth_local_affine(stylized.frame, small, radius, spread, frame).clamp(0, 1)
