"""Figures of single frames that give away haze, smear and drift of color over a clip: sharpness and mean color."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from photovst.ops.color import rec601_luma


def sharpness(frame: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """Variance over pixels of the Laplacian of Rec. 601 luma; lower is softer, 0 is flat or a ramp.

    The Laplacian is the sum of the four neighbours less four times the pixel, of luma in [0, 1], so the figure is in
    squared units of luma per squared pixel: 255^2 times it for values of 0 to 255. It grows with noise, and shrinks
    when a frame is enlarged: compare frames of one clip, at one size. The border pixel repeats outwards; the variance
    divides by the number of pixels.

    Args:
        frame: RGB in [0, 1].
    """
    luma = functional.pad(rec601_luma(frame), (1, 1, 1, 1), mode="replicate")
    across = luma[..., 1:-1, 2:] + luma[..., 1:-1, :-2]
    down = luma[..., 2:, 1:-1] + luma[..., :-2, 1:-1]
    laplacian = across + down - 4 * luma[..., 1:-1, 1:-1]
    return laplacian.var(dim=(1, 2, 3), correction=0)


def mean_color(frame: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c"]:
    """Mean over pixels of each channel as the file stores it: display-referred sRGB in [0, 1], not linear light."""
    return frame.mean(dim=(2, 3))
