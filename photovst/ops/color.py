"""Luma, opponent colors, and CIE Lab of sRGB under D65 [IEC61966-2-1, CIE15]."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

REC601_LUMA = (0.299, 0.587, 0.114)
"""Weights of R'G'B' in Rec. 601 luma: the gray that guides, grids and structure measures look at."""

OPPONENT = (REC601_LUMA, (0.5, -0.5, 0.0), (-0.25, -0.25, 0.5))
"""Rows: luma, red against green, blue against yellow."""

RGB_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
"""Linear sRGB to CIE XYZ (D65)."""

D65_WHITE = (0.95047, 1.0, 1.08883)
"""XYZ of white, 2 degree observer."""

_LINEAR_BELOW = 0.008856
_LINEAR_SLOPE = 7.787


def rec601_luma(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Rec. 601 luma, ``.299 R + .587 G + .114 B`` of the display values."""
    red, green, blue = image.unbind(1)
    luma = REC601_LUMA[0] * red + REC601_LUMA[1] * green + REC601_LUMA[2] * blue
    return luma[:, None]


def rgb_to_lab(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """CIE Lab of sRGB in [0, 1]: L in [0, 100], a and b about [-110, 110]. Differentiable."""
    xyz = _mixed(_srgb_to_linear(image), image.new_tensor(RGB_TO_XYZ))
    ratio = xyz / image.new_tensor(D65_WHITE)[:, None, None]
    # The branch not taken must stay finite too, or its gradient would poison the one that is.
    root = ratio.clamp_min(_LINEAR_BELOW).pow(1 / 3)
    fx, fy, fz = torch.where(ratio > _LINEAR_BELOW, root, _LINEAR_SLOPE * ratio + 16 / 116).unbind(1)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=1)


def lab_to_rgb(lab: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """sRGB of CIE Lab. Differentiable.

    Colors that sRGB cannot show come out below 0 or above 1; they are not clipped.
    """
    lightness, a, b = lab.unbind(1)
    fy = (lightness + 16) / 116
    f = torch.stack([fy + a / 500, fy, fy - b / 200], dim=1)
    # The same threshold as on the way forward, so that the two are inverses.
    threshold = _LINEAR_SLOPE * _LINEAR_BELOW + 16 / 116
    ratio = torch.where(f > threshold, f**3, (f - 16 / 116) / _LINEAR_SLOPE)
    xyz = ratio * lab.new_tensor(D65_WHITE)[:, None, None]
    inverse = torch.linalg.inv(torch.tensor(RGB_TO_XYZ, dtype=torch.float64)).to(lab)
    return _linear_to_srgb(_mixed(xyz, inverse))


def _mixed(image: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix, image)


def _srgb_to_linear(image: Tensor) -> Tensor:
    curve = ((image.clamp_min(0.04045) + 0.055) / 1.055).pow(2.4)
    return torch.where(image > 0.04045, curve, image / 12.92)


def _linear_to_srgb(image: Tensor) -> Tensor:
    curve = 1.055 * image.clamp_min(0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(image > 0.0031308, curve, 12.92 * image)
