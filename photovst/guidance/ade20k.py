"""What each pixel shows, by a network trained on ADE20K [Zhou2017], asked at several sizes as where it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.models.ade20k_classes import CLASSES
from photovst.models.semseg import SemanticNetwork
from photovst.ops.resize import limit_long_side
from photovst.types import Size

SCALES = (300, 375, 450, 525, 600)
"""Shorter sides, in pixels, that the published networks were measured at."""

LONGEST = 1000
"""No picture the network is given has a longer side than this before it is rounded up."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


@dataclass(frozen=True, eq=False)
class Ade20k:
    """Probabilities of ADE20K's 150 classes, the mean over scales.

    At a frame's own size, all scales, it is what mit_semseg's test program gives.

    Args:
        network: of `photovst.models.semseg`, on the device that computes.
        weights: names them, such as ``resnet50dilated 1a2b3c4d 5e6f7a8b``.
        scales: shorter sides, in pixels, that a frame is shown at; small ones see the whole, large ones the details.
            Time goes by their squares: the five take eleven times as long as 300 alone.
        long_side: of the probabilities at most, in pixels; the networks' own grid has 75 to 250 places along it.
    """

    network: SemanticNetwork
    weights: str
    scales: Sequence[int] = SCALES
    long_side: int = 320

    def __post_init__(self) -> None:
        if not self.scales or min(*self.scales, self.long_side, 1) < 1:
            raise SettingsError(
                f"scales {tuple(self.scales)}, long side {self.long_side}; give one scale or more, and each at least 1"
            )

    @property
    def name(self) -> str:
        """Method, weights, parameters, kind of device (its rounding differs from another's) and version."""
        scales = ",".join(map(str, self.scales))
        return f"ade20k {self.weights} {scales} {self.long_side} {self._device.type}, 1"

    @property
    def classes(self) -> tuple[str, ...]:
        """The 150 names, by id - 1."""
        return CLASSES

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    @torch.no_grad()
    def __call__(self, frames: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 150 new_h new_w"]:
        """Probabilities of ``frames``, RGB in [0, 1], at their size or ``long_side``; they sum to 1 over classes.

        Raises:
            MediaError: the frames have no pixels, or hold values that are not numbers.
        """
        frame_size = (frames.shape[-2], frames.shape[-1])
        if min(frame_size) == 0:
            raise MediaError(f"a frame of {frame_size[0]}x{frame_size[1]} pixels shows nothing; give one with pixels")
        if not bool(frames.isfinite().all()):
            raise MediaError("a frame holds values that are not finite numbers; segmentation needs RGB in [0, 1]")
        size = limit_long_side(frame_size, self.long_side)
        if len(frames) == 0:
            return frames.new_zeros(0, len(CLASSES), *size)
        levels = (frames.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        pictures = [Image.fromarray(picture) for picture in levels]
        sizes = [shown_size(frame_size, scale, self.network.multiple) for scale in self.scales]
        total = sum(self.network(self._shown(pictures, shown), size) for shown in sizes)
        assert isinstance(total, Tensor)
        return (total / len(sizes)).to(frames)

    def _shown(self, pictures: list[Image.Image], size: Size) -> Tensor:
        """Pictures as the network is shown them at ``size``.

        By Pillow, which rounds to 8 bits between rows and columns: as trained and measured, to the bit.
        """
        resized = [np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR)) for picture in pictures]
        levels = torch.from_numpy(np.stack(resized)).to(self._device).permute(0, 3, 1, 2).contiguous()
        mean, deviation = (levels.new_tensor(values, dtype=torch.float32) for values in (_MEAN, _DEVIATION))
        return (levels.float() / 255 - mean[:, None, None]) / deviation[:, None, None]


def shown_size(size: Size, scale: int, multiple: int) -> Size:
    """What a frame of ``size`` is resized to: shorter side ``scale``, longer at most `LONGEST`, both rounded up.

    >>> shown_size((1080, 1920), 600, 8)
    (568, 1000)
    """
    ratio = min(scale / min(size), LONGEST / max(size))
    height, width = (max(-(-int(side * ratio) // multiple), 1) * multiple for side in size)
    return height, width
