"""Steadiness along the flow: ``e_stab`` [Ruder2016, Chen2017], ``e_warp`` [Lai2018], ``e_warp_detail``.

Each compares pairs of frames, given as batches; flow and certainty come from the input clip, so that input
and output are judged by the same motion. Figures of a clip are means over its pairs, so a long clip can be
streamed: take `stability_error` or `warp_error` of a few pairs at a time and average at the end. Always
report the input clip's own figure too; it is the floor.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.box_filter import box_mean_same
from photovst.ops.warp import warp

DETAIL_RADIUS = 8
"""Detail is what a 17x17 mean takes away."""


def stability_error(
    frame: Float[Tensor, "b c h w"],
    previous: Float[Tensor, "b c h w"],
    flow_to_previous: Float[Tensor, "b 2 h w"],
    certainty: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, " b"]:
    """``1/D sum M (O_t - W(O_t-1))^2`` of each pair, D = C H W: uncertain pixels count as steady.

    Raises:
        MediaError: frames, flow and certainty do not fit together.
    """
    _check_pair(frame, previous, flow_to_previous, certainty)
    difference = frame - warp(previous, flow_to_previous)
    return (certainty * difference.square()).mean(dim=(1, 2, 3))


def e_stab(
    frame: Float[Tensor, "b c h w"],
    previous: Float[Tensor, "b c h w"],
    flow_to_previous: Float[Tensor, "b 2 h w"],
    certainty: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, ""]:
    """``sqrt( mean over pairs of 1/D sum M (O_t - W(O_t-1))^2 )``, values in [0, 1]; lower is steadier.

    Raises:
        MediaError: frames, flow and certainty do not fit together.
    """
    return stability_error(frame, previous, flow_to_previous, certainty).mean().sqrt()


def warp_error(
    frame: Float[Tensor, "b c h w"],
    following: Float[Tensor, "b c h w"],
    flow_to_following: Float[Tensor, "b 2 h w"],
    certainty: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, " b"]:
    """``sum(M (W(O_t+1) - O_t)^2) / sum(M)`` of each pair.

    M counts once a channel, so this is a mean square of values, not of color vectors.
    NaN for a pair without any certain pixel: nothing was measured there.

    Raises:
        MediaError: frames, flow and certainty do not fit together.
    """
    _check_pair(frame, following, flow_to_following, certainty)
    difference = warp(following, flow_to_following) - frame
    certain = certainty.sum(dim=(1, 2, 3)) * frame.shape[1]
    return (certainty * difference.square()).sum(dim=(1, 2, 3)) / certain


def e_warp(
    frame: Float[Tensor, "b c h w"],
    following: Float[Tensor, "b c h w"],
    flow_to_following: Float[Tensor, "b 2 h w"],
    certainty: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, ""]:
    """Mean over pairs of ``sum(M (W(O_t+1) - O_t)^2) / sum(M)``; lower is steadier.

    The following frame is 1 away in the short and 10 away in the long protocol. Pairs without a certain pixel
    are left out; NaN when none is left.

    Raises:
        MediaError: frames, flow and certainty do not fit together.
    """
    return warp_error(frame, following, flow_to_following, certainty).nanmean()


def local_detail(frame: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """V: the variance over pixels of ``x - mean_17x17(x)``, averaged over channels, of each frame.

    The mean counts only pixels inside the picture; the variance divides by the number of pixels.
    """
    residual = frame - box_mean_same(frame, DETAIL_RADIUS)
    # In two passes, for PyTorch's variance takes ten times as long over the last axes alone.
    residual = residual - residual.mean(dim=(2, 3), keepdim=True)
    return residual.square().mean(dim=(1, 2, 3))


def e_warp_detail(
    output_error: Float[Tensor, ""],
    output_detail: Float[Tensor, ""],
    input_error: Float[Tensor, ""],
    input_detail: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """``(e_warp / V of the output) / (e_warp / V of the input)``: 1 is as steady as the input.

    Haze and smear lower `e_warp` by lowering contrast; dividing by detail takes that gain away. V is
    `local_detail` averaged over the clip. Not finite where the input has no error or the output no detail.
    """
    return (output_error / output_detail) / (input_error / input_detail)


def _check_pair(frame: Tensor, other: Tensor, flow: Tensor, certainty: Tensor) -> None:
    batch, _, height, width = frame.shape
    fits = other.shape == frame.shape
    fits = fits and flow.shape == (batch, 2, height, width) and certainty.shape == (batch, 1, height, width)
    if not fits:
        raise MediaError(
            f"frames {tuple(frame.shape)} and {tuple(other.shape)}, flow {tuple(flow.shape)} and certainty "
            f"{tuple(certainty.shape)} do not fit; give all at one size, one flow and certainty a pair"
        )
