"""The linear map that gives one set of colors the mean and covariance of another [Pitie2007].

Among all maps that do so it moves colors least: Monge and Kantorovich's optimal transport between normal distributions.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.masks import pixel_shares


def color_moments(
    picture: Float[Tensor, "b 3 h w"], masks: Float[Tensor, "b k h w"]
) -> tuple[Float[Tensor, "b k 3"], Float[Tensor, "b k 3 3"]]:
    """Mean and covariance of the colors of each region; a region with no area has those of the whole picture.

    Args:
        picture: RGB.
        masks: of its regions, at its size.
    """
    weights = pixel_shares(masks)
    colors = picture.flatten(2)
    mean = weights @ colors.transpose(1, 2)
    centered = colors[:, None] - mean[..., None]
    covariance = (centered * weights[:, :, None]) @ centered.transpose(2, 3)
    return mean, covariance


def transport(
    mean: Float[Tensor, "*n 3"],
    covariance: Float[Tensor, "*n 3 3"],
    wanted_mean: Float[Tensor, "*n 3"],
    wanted_covariance: Float[Tensor, "*n 3 3"],
    ridge: float = 0.0,
) -> Float[Tensor, "*n 3 4"]:
    """The affine map of colors ``(r, g, b, 1)`` from one mean and covariance to another.

    ``C^(-1/2) (C^(1/2) W C^(1/2))^(1/2) C^(-1/2)``, the only such map that is symmetric and turns no color around.

    Args:
        mean: of the colors there are.
        covariance: of these.
        wanted_mean: of the colors there are to be.
        wanted_covariance: of these.
        ridge: variance added to both, so that contrasts of what is almost flat are not raised without limit.
    """
    identity = torch.eye(3, dtype=covariance.dtype, device=covariance.device)
    root, inverse = _roots(covariance + ridge * identity)
    middle, _ = _roots(root @ (wanted_covariance + ridge * identity) @ root)
    matrix = inverse @ middle @ inverse
    shift = wanted_mean - (matrix @ mean[..., None])[..., 0]
    return torch.cat([matrix, shift[..., None]], dim=-1)


def _roots(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Square root and its inverse of a positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(symmetric)
    values = values.clamp_min(torch.finfo(values.dtype).eps)[..., None, :]
    turned = vectors.transpose(-1, -2)
    return (vectors * values.sqrt()) @ turned, (vectors * values.rsqrt()) @ turned
