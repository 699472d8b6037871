"""Free pixels as the thing that is optimized: the choice of the papers [Gatys2016, Luan2017, Ruder2016]."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from photovst.ops.guided_filter import affine_upsample
from photovst.ops.resize import resize
from photovst.ops.warp import resize_flow, warp
from photovst.storage import Arrays

TRANSFER_RADIUS = 8
"""Pixels around each, in which color transforms to another frame are fitted."""

MEAN_COLOR = (0.485, 0.456, 0.406)
"""Mean of ImageNet's photographs, RGB."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """A picture at the size it was optimized at; see `Parametrization`.

    Args:
        image: the result.
        frame: the frame it is the result of, at the same size.
        levels: while it is optimized, the picture is a sum of so many levels, each of half the size of the one before.
            With 1 it is the pixels themselves. More reach the same minimum in fewer iterations: a large area changes
            color by a few numbers, where pixels must agree on it step by step, the more so under the matting term.
    """

    image: Float[Tensor, "1 3 h w"]
    frame: Float[Tensor, "1 3 h w"]
    levels: int = 1

    @classmethod
    def identity(cls, frame: Float[Tensor, "1 3 h w"], levels: int = 1) -> Pixels:
        """The picture that is the frame."""
        return cls(_to_16_bits(frame), frame, levels)

    @classmethod
    def noise(cls, frame: Float[Tensor, "1 3 h w"], seed: int, levels: int = 1) -> Pixels:
        """Faint noise around the mean color of photographs, as [Luan2017] starts: 1e-4 of the range."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(frame.shape, generator=generator).to(frame)
        mean = frame.new_tensor(MEAN_COLOR).view(1, 3, 1, 1)
        return cls(_to_16_bits(mean + 1e-4 * noise), frame, levels)

    @classmethod
    def mean_color(cls, frame: Float[Tensor, "1 3 h w"], levels: int = 1) -> Pixels:
        """The mean color of photographs everywhere."""
        return cls(_to_16_bits(frame.new_tensor(MEAN_COLOR).view(1, 3, 1, 1).expand_as(frame)), frame, levels)

    def quantized(self, levels: int = 255) -> Pixels:
        """The picture as it would come back from a file with so many levels above black."""
        return replace(self, image=(self.image * levels).round() / levels)

    def fit(self, frame: Float[Tensor, "1 3 h w"], masks: Float[Tensor, "1 k _h _w"]) -> PixelFit:
        """Begin from this picture, brought to the frame's size; free pixels know no regions."""
        return PixelFit(self.lift(frame), frame, self.levels)

    @torch.no_grad()
    def lift(self, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """The picture itself at its own size; elsewhere its local color transforms, applied to the frame."""
        if frame.shape == self.image.shape:
            return self.image.clone()
        return affine_upsample(self.frame, self.image, frame).clamp_(0, 1)

    @torch.no_grad()
    def propagated(self, flow_to_previous: Float[Tensor, "1 2 h w"]) -> Pixels:
        """Picture and frame warped to the current frame; the flow may be of another size."""
        flow = resize_flow(flow_to_previous, (self.image.shape[-2], self.image.shape[-1]))
        return replace(self, image=_to_16_bits(warp(self.image, flow)), frame=warp(self.frame, flow))

    @torch.no_grad()
    def transferred(self, frame: Float[Tensor, "1 3 h w"]) -> Pixels:
        """The local color transforms from its frame to the picture, applied to another frame of any size."""
        # Wide windows: where the picture was stretched over what came into view there is little to fit to.
        image = affine_upsample(self.frame, self.image, frame, radius=TRANSFER_RADIUS)
        return replace(self, image=_to_16_bits(image), frame=frame)

    @torch.no_grad()
    def blended(self, other: Pixels, share: float | Float[Tensor, "1 1 _h _w"]) -> Pixels:
        """The mean with a share of the other, which is brought to the size of this one."""
        t = torch.as_tensor(share).to(self.image)
        if t.ndim:
            t = resize(t, (self.image.shape[-2], self.image.shape[-1]))
        image = torch.lerp(self.image, other.lift(self.frame), t)
        same_size = other.frame.shape == self.frame.shape
        frame = torch.lerp(self.frame, other.frame, t) if same_size else self.frame
        return replace(self, image=_to_16_bits(image), frame=frame)

    def state(self) -> Arrays:
        """The picture as 16-bit integers and its frame as floats, ``(3, H, W)``."""
        levels = (self.image[0] * 65535).round().cpu().numpy().astype(np.uint16)
        return {"image": levels, "frame": self.frame[0].cpu().numpy()}

    def restored(self, arrays: Arrays) -> Pixels:
        """The picture of a stored state."""
        image = torch.from_numpy(arrays["image"].astype(np.float32)) / 65535
        frame = torch.from_numpy(arrays["frame"])
        return replace(self, image=image[None].to(self.image), frame=frame[None].to(self.frame))


class PixelFit:
    """A picture while it is optimized: see `Fit`."""

    roughness_weight = 0.0
    """The smoothness of a picture is a term of the objective."""

    def __init__(self, start: Tensor, frame: Tensor, levels: int = 1) -> None:
        self.frame, self._levels = frame, levels
        self._image = start.detach().clone().requires_grad_(True)
        self._coarse = []
        height, width = start.shape[-2:]
        for _ in range(levels - 1):
            if max(height, width) < 2:
                break
            height, width = (height + 1) // 2, (width + 1) // 2
            self._coarse.append(start.new_zeros(1, 3, height, width).requires_grad_(True))

    @property
    def variables(self) -> list[Tensor]:
        """The picture, and the change of each coarser level."""
        return [self._image, *self._coarse]

    def render(self) -> Float[Tensor, "1 3 h w"]:
        """The picture, with its coarser levels drawn up to its size, one through the next."""
        change = None
        for level in reversed([self._image, *self._coarse]):
            if change is not None:
                size = (level.shape[-2], level.shape[-1])
                level = level + F.interpolate(change, size, mode="bilinear", align_corners=False)
            change = level
        assert change is not None
        return change

    def evaluate(self) -> tuple[Float[Tensor, "1 3 h w"], Float[Tensor, ""]]:
        """The picture, and no roughness."""
        return self.render(), self._image.new_zeros(())

    def result(self) -> Pixels:
        """The picture, with colors clipped to the gamut and rounded to 16 bits."""
        return Pixels(_to_16_bits(self.render().detach()), self.frame, self._levels)


def _to_16_bits(image: Tensor) -> Tensor:
    # As it is stored, so that a resumed run starts the next frame from the very same numbers.
    return (image.clamp(0, 1) * 65535).round() / 65535
