"""The matting Laplacian without its matrix [Levin2008].

M sums, over every window wholly inside the picture, the projection of the window's values onto what a ridge
regression on the guide's colors cannot explain: for a window w of n pixels with colors I, mean mu and
covariance Sigma,

    M_ij = sum_{w holding i, j} [ delta_ij - (1 + (I_i - mu)^T (Sigma + eps/n Id)^-1 (I_j - mu)) / n ].

So V^T M V is, summed over windows, the least value of ``sum_i (V_i - a . (I_i - mu) - b)^2 + eps |a|^2``, and
M V adds up the residuals. Both are computed here as residuals: window moments (box filters of I V less
products of means) are the same numbers on paper, but cancel in float32 and can turn negative.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops.box_filter import box_mean, check_window_fits
from photovst.ops.covariance import PAIRS, PLANE, inverse_covariance


@dataclass(frozen=True)
class MattingStatistics:
    """What the matting Laplacian needs to know of its guide: nine planes besides the guide itself."""

    guide: Float[Tensor, "b 3 h w"]
    mean: Float[Tensor, "b 3 inner_h inner_w"]
    """Mean color of each window."""
    inverse: Float[Tensor, "b 6 inner_h inner_w"]
    """Inverse of ``Sigma + eps/n Id`` of each window; planes as in `photovst.ops.covariance`."""
    epsilon: float
    radius: int


def matting_statistics(guide: Float[Tensor, "b 3 h w"], epsilon: float = 1e-7, radius: int = 1) -> MattingStatistics:
    """Window statistics of the picture whose local color lines are to be kept; no gradient flows into it.

    Args:
        guide: RGB in [0, 1].
        epsilon: Ridge of the per-window color fit. Larger forgives recolorings that are not affine in flat
            windows.
        radius: Windows are (2 radius + 1)-square. Larger holds farther pixels together.

    Raises:
        SettingsError: epsilon is not positive, or radius below 1.
        MediaError: the picture is smaller than a window.
    """
    if not epsilon > 0:
        raise SettingsError(f"the matting epsilon is {epsilon}; give a number above 0, such as 1e-7")
    if radius < 1:
        raise SettingsError(f"the matting radius is {radius}; give 1 or more")
    check_window_fits(guide.shape[-2], guide.shape[-1], radius)
    guide = guide.detach()
    pixels = (2 * radius + 1) ** 2
    exact = guide.double()  # once a guide; a nearly flat window is nearly singular
    mean = box_mean(exact, radius)
    covariance = mean.new_zeros(mean.shape[0], 6, *mean.shape[2:])
    for window in _offsets(mean, radius):
        delta = exact[window] - mean
        for plane, (i, j) in enumerate(PAIRS):
            covariance[:, plane].addcmul_(delta[:, i], delta[:, j], value=1 / pixels)
    inverse = inverse_covariance(covariance, epsilon / pixels)
    return MattingStatistics(guide, mean.to(guide), inverse.to(guide), epsilon, radius)


def matting_energy(image: Float[Tensor, "b c h w"], statistics: MattingStatistics) -> Float[Tensor, ""]:
    """``sum_c V_c^T M V_c`` over channels and batch; its gradient is ``2 M V``. Differentiable once.

    Not divided by the number of pixels. Never negative; 0 for a constant image, and about 0 for a
    locally affine recoloring of the guide.

    Raises:
        MediaError: the image does not have the guide's size.
    """
    _check_sizes(image, statistics)
    energy: Tensor = _Energy.apply(image, statistics)  # type: ignore[no-untyped-call]
    return energy


def matting_product(image: Float[Tensor, "b c h w"], statistics: MattingStatistics) -> Float[Tensor, "b c h w"]:
    """``M V_c`` for each channel, differentiable (M is symmetric).

    Raises:
        MediaError: the image does not have the guide's size.
    """
    _check_sizes(image, statistics)
    product: Tensor = _Product.apply(image, statistics)  # type: ignore[no-untyped-call]
    return product


class _Energy(torch.autograd.Function):
    """Energy and gradient come from the same residuals, so the gradient is made on the way forward."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, statistics: MattingStatistics) -> Tensor:
        energy, product = _energy_and_product(image, statistics)
        ctx.save_for_backward(product)
        return energy

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (product,) = ctx.saved_tensors
        return 2 * gradients[0] * product, None


class _Product(torch.autograd.Function):
    """A symmetric linear map is its own backward pass."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, statistics: MattingStatistics) -> Tensor:
        ctx.statistics = statistics
        return _energy_and_product(image, statistics)[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return matting_product(gradients[0], ctx.statistics), None


def _energy_and_product(image: Tensor, statistics: MattingStatistics) -> tuple[Tensor, Tensor]:
    guide, mean, inverse = statistics.guide, statistics.mean, statistics.inverse
    radius = statistics.radius
    pixels = (2 * radius + 1) ** 2
    image_mean = box_mean(image, radius)
    # cross[:, g, c]: covariance of guide channel g and image channel c, from differences to both means.
    cross = torch.zeros_like(image_mean[:, None]).repeat(1, 3, 1, 1, 1)
    for window in _offsets(mean, radius):
        delta, value = guide[window] - mean, image[window] - image_mean
        for g in range(3):
            cross[:, g].addcmul_(delta[:, g, None], value, value=1 / pixels)
    slopes = torch.zeros_like(cross)
    for g in range(3):
        for k in range(3):
            slopes[:, g].addcmul_(inverse[:, PLANE[g][k], None], cross[:, k])
    energy = statistics.epsilon * slopes.square().sum()
    product = torch.zeros_like(image)
    for window in _offsets(mean, radius):
        delta, residual = guide[window] - mean, image[window] - image_mean
        for g in range(3):
            residual.addcmul_(delta[:, g, None], slopes[:, g], value=-1)
        energy = energy + residual.square().sum()
        product[window] += residual
    return energy, product


def _offsets(inner: Tensor, radius: int) -> Iterator[tuple[Any, ...]]:
    """Index of the pixel at each position of the windows, one position after the other."""
    height, width = inner.shape[-2:]
    for y in range(2 * radius + 1):
        for x in range(2 * radius + 1):
            yield ..., slice(y, y + height), slice(x, x + width)


def _check_sizes(image: Tensor, statistics: MattingStatistics) -> None:
    guide = statistics.guide
    if image.shape[-2:] != guide.shape[-2:] or image.shape[0] != guide.shape[0]:
        raise MediaError(
            f"the image is {tuple(image.shape)} but the matting guide {tuple(guide.shape)}; "
            "give as many images as guides, of the same size"
        )
