"""Two-frame losses: what a network that sees one frame at a time is held to over two of them [Gao2018].

Both sum over pixels whose flow is certain and divide by all pixels, so a weight means the same at every size.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.resize import resize
from photovst.ops.warp import resize_flow, warp

Luma = Literal["rec709", "rec601"]

LUMA: dict[Luma, tuple[float, float, float]] = {"rec709": (0.2126, 0.7152, 0.0722), "rec601": (0.299, 0.587, 0.114)}
"""Shares of red, green and blue in luma."""


def output_temporal(
    output: Float[Tensor, "b 3 h w"],
    earlier_output: Float[Tensor, "b 3 h w"],
    frame: Float[Tensor, "b 3 h w"],
    earlier_frame: Float[Tensor, "b 3 h w"],
    flow: Float[Tensor, "b 2 h w"],
    certainty: Float[Tensor, "b 1 h w"],
    luma: Luma = "rec709",
) -> Float[Tensor, ""]:
    """``1/D sum M |(O_t - W(O_e)) - (I_t - W(I_e))_Y|^2``, D = 3 H W: the output changes as the frame's luma does.

    Light that changes in the clip may change in the result, in all three colors alike. Both outputs are moved by the
    gradient. For the long-term loss the earlier frame is one several back.

    Args:
        output: of the current frame, in [0, 1].
        earlier_output: of an earlier one.
        frame: the current frame itself.
        earlier_frame: the earlier one.
        flow: from the current frame to the earlier one, on the current one's grid, pixels.
        certainty: of the flow, in [0, 1].
        luma: its shares: ``rec709``, or ``rec601`` as [Mahakalkar2022] has for animation.
    """
    shares = frame.new_tensor(LUMA[luma]).view(1, 3, 1, 1)
    expected = ((frame - warp(earlier_frame, flow)) * shares).sum(dim=1, keepdim=True)
    change = output - warp(earlier_output, flow)
    return (certainty * (change - expected).square()).mean()


def feature_temporal(
    features: Float[Tensor, "b c h w"],
    earlier_features: Float[Tensor, "b c h w"],
    flow: Float[Tensor, "b 2 full_h full_w"],
    certainty: Float[Tensor, "b 1 full_h full_w"],
) -> Float[Tensor, ""]:
    """Features change only where they move: ``sum M |F_t - W(F_e)|^2`` over the mean power of both features.

    [Gao2018] divides by C H W. A network can bring that to nothing by making its features small, and what a weight
    means depends on how large they are; relative to their own power 0 is steady, and 2 has nothing to do with before.

    Args:
        features: of the current frame, at the encoder's end.
        earlier_features: of an earlier one.
        flow: from the current frame to the earlier one at the frame's size, pixels.
        certainty: of the flow, in [0, 1].
    """
    size = features.shape[-2], features.shape[-1]
    earlier = warp(earlier_features, resize_flow(flow, size).to(features.dtype))
    weight = resize(certainty, size).to(features.dtype)
    difference = (weight * (features - earlier).square()).float().mean()
    power = 0.5 * (features.float().square().mean() + earlier.float().square().mean())
    return difference / power.clamp_min(torch.finfo(torch.float32).tiny)
