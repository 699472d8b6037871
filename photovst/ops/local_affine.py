"""Smooth local affine models: a result rebuilt from its frame by color transforms that vary smoothly [Luan2017].

In the window around each pixel the result's colors S are fitted as affine in the frame's colors, M = (r, g, b, 1):

    A = (M^T M + diag(ridge, ridge, ridge, 0))^-1 M^T S.

That is ridge regression on colors less their window's mean, with sums, not means, over the window. The models are
smoothed where the frame's colors are alike, and applied to the frame: its detail stays, what the result has besides
local recoloring (noise, textures of the photograph) goes. A model is the 12 numbers of a 3x4 matrix, row by row, that
maps ``(r, g, b, 1)`` to a color, as in `photovst.ops.bilateral_grid`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.ops.box_filter import check_radius, window_sum
from photovst.ops.covariance import inverse_covariance, outer_products, times
from photovst.ops.joint_bilateral import joint_bilateral
from photovst.ops.resize import resize

_BAND = 64
"""Rows solved at a time: the solution takes some fifty planes in float64."""


def smooth_local_affine(
    frame: Float[Tensor, "b 3 h w"],
    result: Float[Tensor, "b 3 h w"],
    radius: int,
    sigma_range: float,
    full: Float[Tensor, "b 3 full_h full_w"] | None = None,
) -> Float[Tensor, "b 3 out_h out_w"]:
    """``result`` as a smoothly varying recoloring of its frame; not clipped to [0, 1], and without gradient.

    The models' ridge costs some faint texture: a photograph given as its own result comes back 0.003 away on average.

    Args:
        frame: RGB in [0, 1].
        result: RGB in [0, 1], the stylized frame.
        radius: Models are averaged over (2 radius + 1)-square windows; 0 leaves them as they are. Published runs
            take 15 at a long side of 700 pixels.
        sigma_range: Color difference in the frame across which models are still averaged. Published runs take 0.01;
            larger mixes the recolorings of different surfaces.
        full: The same frame at another size, to which the models are applied instead: the result at that size.

    Raises:
        SettingsError: the radius is negative or sigma_range not positive.
        MediaError: frame and result differ in number or size.
    """
    models = joint_bilateral(local_affine_models(frame, result), frame, radius, sigma_range)
    return apply_models(models, frame if full is None else full)


@torch.no_grad()
def local_affine_models(
    frame: Float[Tensor, "b 3 h w"], result: Float[Tensor, "b 3 h w"], ridge: float = 1e-3, radius: int = 1
) -> Float[Tensor, "b 12 h w"]:
    """The affine model of each pixel's window; at the border, of the part of it inside the picture. No gradient.

    Solved in float64, since a window on a flat surface is nearly singular. At its own pixel a model misses an affine
    recoloring by less than sqrt(ridge) times the recoloring's norm.

    Args:
        frame: RGB in [0, 1].
        result: RGB in [0, 1].
        ridge: Added to the sums of squared color differences. Larger makes models of faint texture more constant.
        radius: Windows are (2 radius + 1)-square.

    Raises:
        SettingsError: the ridge is not positive, or the radius negative.
        MediaError: frame and result differ in number or size.
    """
    if not ridge > 0:
        raise SettingsError(f"the ridge of the local affine models is {ridge}; give a number above 0, such as 1e-3")
    check_radius(radius)
    if frame.shape != result.shape:
        raise MediaError(
            f"the result is {tuple(result.shape)} but its frame {tuple(frame.shape)}; "
            "give as many results as frames, of the same size"
        )
    batch, _, height, width = frame.shape
    # A plane of ones, padded with zeros like the colors, counts the pixels inside the picture.
    padded = F.pad(torch.cat([torch.ones_like(frame[:, :1]), frame, result], dim=1), (radius,) * 4)
    models = frame.new_empty(batch, 12, height, width)
    for top in range(0, height, _BAND):
        part = padded[:, :, top : top + _BAND + 2 * radius].double()
        models[:, :, top : top + _BAND] = _fits(part, ridge, radius)
    return models


def apply_models(
    models: Float[Tensor, "b 12 h w"], frame: Float[Tensor, "b 3 full_h full_w"]
) -> Float[Tensor, "b 3 full_h full_w"]:
    """The frame's colors transformed by the models, brought to its size if theirs is another. Differentiable.

    Colors may leave [0, 1].

    Raises:
        MediaError: there are not as many sets of models as frames.
    """
    if models.shape[0] != frame.shape[0]:
        raise MediaError(
            f"there are models for {models.shape[0]} frames but {frame.shape[0]} frames; give as many of each"
        )
    batch, _, height, width = frame.shape
    matrix = resize(models, (height, width)).view(batch, 3, 4, height, width)
    return (matrix[:, :, :3] * frame[:, None]).sum(dim=2) + matrix[:, :, 3]


def _fits(part: Tensor, ridge: float, radius: int) -> Tensor:
    """Models of every window wholly inside ``part``, planes: inside the picture or not, frame, result."""

    def window(x: Tensor) -> Tensor:
        return window_sum(window_sum(x, 2 * radius + 1, -2), 2 * radius + 1, -1)

    inside, frame, result = part[:, :1], part[:, 1:4], part[:, 4:]
    count = window(inside)
    frame_mean, result_mean = window(frame) / count, window(result) / count
    scatter = window(outer_products(frame)) - count * outer_products(frame_mean)
    # cross[:, g, c]: frame channel g with result channel c.
    cross = window(frame[:, :, None] * result[:, None])
    cross -= (count * frame_mean)[:, :, None] * result_mean[:, None]
    columns, intercept = times(inverse_covariance(scatter, ridge), cross.unbind(1)), result_mean
    for g, column in enumerate(columns):
        intercept = intercept - column * frame_mean[:, g, None]
    return torch.stack([*columns, intercept], dim=2).flatten(1, 2)
