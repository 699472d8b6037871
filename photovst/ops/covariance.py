"""Inverses of 3x3 covariance matrices, one a pixel, written out.

A symmetric matrix is six planes: xx, xy, xz, yy, yz, zz. The inverse goes through the Cholesky factor;
cofactors over the determinant would square the condition number, and a window on a flat surface is nearly singular.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Rows and columns of the six planes."""

PLANE = ((0, 1, 2), (1, 3, 4), (2, 4, 5))
"""The plane that holds entry (row, column)."""


def outer_products(colors: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 6 h w"]:
    """The matrix ``x x^T`` of each color."""
    return torch.stack([colors[:, i] * colors[:, j] for i, j in PAIRS], dim=1)


def cholesky(covariance: Tensor, ridge: float) -> tuple[Tensor, ...]:
    """The lower triangle L of ``L L^T = covariance + ridge Id``: 1/xx, yx, zx, 1/yy, zy, 1/zz of planes in dimension 1.

    For positive semi-definite covariances and a positive ridge.
    """
    xx, xy, xz, yy, yz, zz = covariance.unbind(1)
    # The pivots of a ridged covariance are never below the ridge; rounding could take them there.
    inverse_x = (xx + ridge).clamp_min(ridge).rsqrt()
    yx, zx = xy * inverse_x, xz * inverse_x
    inverse_y = (yy + ridge - yx * yx).clamp_min(ridge).rsqrt()
    zy = (yz - zx * yx) * inverse_y
    inverse_z = (zz + ridge - zx * zx - zy * zy).clamp_min(ridge).rsqrt()
    return inverse_x, yx, zx, inverse_y, zy, inverse_z


def inverse_covariance(covariance: Float[Tensor, "b 6 h w"], ridge: float) -> Float[Tensor, "b 6 h w"]:
    """Inverse of ``covariance + ridge Id`` for positive semi-definite covariances and a positive ridge."""
    w00, l10, l20, w11, l21, w22 = cholesky(covariance, ridge)
    # Inverse of the lower triangle, W; the inverse is W^T W.
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


def times(
    symmetric: Float[Tensor, "b 6 h w"], vectors: Sequence[Float[Tensor, "b c h w"]]
) -> list[Float[Tensor, "b c h w"]]:
    """The matrices times vectors of three entries each, entry by entry; ``c`` vectors a pixel."""
    rows = []
    for g in range(3):
        x, y, z = (symmetric[:, PLANE[g][k], None] * vectors[k] for k in range(3))
        rows.append(x + y + z)
    return rows
