"""Inverses of 3x3 covariance matrices, one a pixel, written out.

A symmetric matrix is six planes: xx, xy, xz, yy, yz, zz. The inverse goes through the Cholesky factor;
    cofactors over
the determinant would square the condition number, and a window on a flat surface is nearly singular.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Rows and columns of the six planes."""

PLANE = ((0, 1, 2), (1, 3, 4), (2, 4, 5))
"""The plane that holds entry (row, column)."""


def inverse_covariance(covariance: Float[Tensor, "b 6 h w"], ridge: float) -> Float[Tensor, "b 6 h w"]:
    """Inverse of ``covariance + ridge Id`` for positive semi-definite covariances and a positive ridge."""
    xx, xy, xz, yy, yz, zz = covariance.unbind(1)
    # The pivots of a ridged covariance are never below the ridge; rounding could take them there.
    l00 = (xx + ridge).clamp_min(ridge).sqrt()
    l10, l20 = xy / l00, xz / l00
    l11 = (yy + ridge - l10 * l10).clamp_min(ridge).sqrt()
    l21 = (yz - l20 * l10) / l11
    l22 = (zz + ridge - l20 * l20 - l21 * l21).clamp_min(ridge).sqrt()
    # Inverse of the lower triangle, W; the inverse is W^T W.
    w00, w11, w22 = 1 / l00, 1 / l11, 1 / l22
    w10 = -l10 * w00 * w11
    w21 = -l21 * w11 * w22
    w20 = -(l20 * w00 + l21 * w10) * w22
    return torch.stack(
        [
            w00 * w00 + w10 * w10 + w20 * w20,
            w10 * w11 + w20 * w21,
            w20 * w22,
            w11 * w11 + w21 * w21,
            w21 * w22,
            w22 * w22,
        ],
        dim=1,
    )
