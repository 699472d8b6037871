"""The matting Laplacian without its matrix [Levin2008]: any radius, nine planes of memory.

M sums, over every window wholly inside the picture, the projection of the window's values onto what a ridge
regression on the guide's colors cannot explain: for a window w of n pixels with colors I, mean mu and
covariance Sigma,

    M_ij = sum_{w holding i, j} [ delta_ij - (1 + (I_i - mu)^T (Sigma + eps/n Id)^-1 (I_j - mu)) / n ].

So V^T M V is, summed over windows, the least value of ``sum_i (V_i - a . (I_i - mu) - b)^2 + eps |a|^2``, and
M V adds up the residuals. Both are computed here as residuals: window moments (box filters of I V less
products of means) are the same numbers on paper, but cancel in float32 and can turn negative.

Nothing is kept but the guide: each evaluation makes the windows' statistics anew, band by band, so memory stays at a
few pictures whatever the size. `photovst.ops.matting_stencil` is the same operator with its entries kept: several times
faster an evaluation. `photovst.ops.matting_matrix` is the sparse matrix itself.

Precision. Statistics are made in float64, for a nearly flat window, or a nearly gray one, is nearly singular: in
float32 a plain recoloring of a gray picture would pass for new texture. With float32 images the energy, a sum of
squares, is never negative and is right to about 1e-6 of itself, an affine recoloring's too; M V is right to about 1e-7
of the image's local contrast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.matting_windows import (
    check_matting,
    check_same_size,
    whitened_windows,
    window_bands,
    window_means,
    window_starts,
)

Evaluate = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""From an image and a factor: ``sum_c V_c^T M V_c``, and the factor times ``M V``."""


@dataclass(frozen=True)
class MattingStatistics:
    """What the matting Laplacian is of; the statistics of its windows follow from it, a band of them at a time."""

    guide: Float[Tensor, "b 3 h w"]
    epsilon: float
    radius: int


def matting_statistics(guide: Float[Tensor, "b 3 h w"], epsilon: float = 1e-7, radius: int = 1) -> MattingStatistics:
    """The matting Laplacian of the picture whose local color lines are to be kept; no gradient flows into it.

    Args:
        guide: RGB in [0, 1].
        epsilon: Ridge of the per-window color fit. Larger forgives recolorings that are not affine in flat
            windows.
        radius: Windows are (2 radius + 1)-square. Larger holds farther pixels together.

    Raises:
        SettingsError: epsilon is not positive, or radius below 1.
        MediaError: the picture is smaller than a window.
    """
    check_matting(guide, epsilon, radius)
    return MattingStatistics(guide.detach(), epsilon, radius)


def matting_energy(image: Float[Tensor, "b c h w"], statistics: MattingStatistics) -> Float[Tensor, ""]:
    """``sum_c V_c^T M V_c`` over channels and batch; its gradient is ``2 M V``. Differentiable once.

    Not divided by the number of pixels. Never negative; 0 for a constant image, and about 0 for a
    locally affine recoloring of the guide.

    Raises:
        MediaError: the image does not have the guide's size.
    """
    check_same_size(image, statistics.guide)
    return quadratic_energy(image, partial(_evaluate, statistics))


def matting_product(image: Float[Tensor, "b c h w"], statistics: MattingStatistics) -> Float[Tensor, "b c h w"]:
    """``M V_c`` for each channel, differentiable (M is symmetric).

    Raises:
        MediaError: the image does not have the guide's size.
    """
    check_same_size(image, statistics.guide)
    return symmetric_product(image, partial(_evaluate, statistics))


def quadratic_energy(image: Tensor, evaluate: Evaluate) -> Tensor:
    """The energy of any form of M, with its gradient; differentiable once."""
    energy: Tensor = _Energy.apply(image, evaluate)  # type: ignore[no-untyped-call]
    return energy


def symmetric_product(image: Tensor, evaluate: Evaluate) -> Tensor:
    """``M V`` of any form of M, differentiable."""
    product: Tensor = _Product.apply(image, evaluate)  # type: ignore[no-untyped-call]
    return product


class _Energy(torch.autograd.Function):
    """Energy and gradient come from the same residuals, so the gradient is made on the way forward."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, evaluate: Evaluate) -> Tensor:
        energy, gradient = evaluate(image, 2)
        ctx.save_for_backward(gradient)
        return energy

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradients[0] * gradient, None


class _Product(torch.autograd.Function):
    """A symmetric linear map is its own backward pass."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, evaluate: Evaluate) -> Tensor:
        ctx.evaluate = evaluate
        return evaluate(image, 1)[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return symmetric_product(gradients[0], ctx.evaluate), None


def _evaluate(statistics: MattingStatistics, image: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """The energy, and ``factor M V``."""
    radius, width = statistics.radius, image.shape[-1]
    pixels = (2 * radius + 1) ** 2
    # Rows lie one after the other: a position in all windows is one contiguous stretch of pixels.
    guide, values = statistics.guide.flatten(2), image.flatten(2)
    starts = window_starts(width, radius)
    energy = torch.zeros((), dtype=torch.float64, device=image.device)
    product = torch.zeros_like(values)
    for band in window_bands(image, radius):
        windows = whitened_windows(guide[..., band], width, statistics.epsilon, radius)
        white, part, target = windows.colors, values[..., band], product[..., band]
        count = white.shape[-1]
        mean = window_means(part, width, radius)
        residual = part.new_empty(*part.shape[:2], pixels, count)
        for position, start in enumerate(starts):
            torch.sub(part[..., start : start + count], mean, out=residual[:, :, position])
        residual *= windows.inside
        # The fit in whitened colors: slopes are plain products, and taking it away leaves what it cannot explain.
        slopes = part.new_zeros(part.shape[0], 3, part.shape[1], count)
        for g in range(3):
            for position in range(pixels):
                slopes[:, g].addcmul_(white[:, g, None, position], residual[:, :, position], value=1 / pixels)
        for g in range(3):
            residual.addcmul_(white[:, g, None], slopes[:, g, :, None], value=-1)
        energy += residual.square().sum() + statistics.epsilon * windows.color_slopes(slopes).square().sum()
        for position, start in enumerate(starts):
            target[..., start : start + count].add_(residual[:, :, position], alpha=factor)
    return energy.to(image.dtype), product.view(image.shape)
