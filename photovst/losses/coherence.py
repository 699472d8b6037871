"""Coherence: a frame is held to the output before it without a certainty of flow (Wang, Wu, Pan) [Xu2021].

x is the picture, V its frame, O' the output before it and V' that output's frame, all of one size, in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import mse_loss

CoherenceKind = Literal["mse", "enhanced", "flow", "difference"]


class CoherenceTerm:
    """Mean squared distance of a picture from what the output before it makes likely.

    - ``mse``: ``MSE(x, O')``. Ghosts where something moves, and at cuts.
    - ``difference`` [Xu2021]: ``MSE(x - O', V - V')``. The output may change as the frames do.
    - ``enhanced``: ``f(MSE(V, V')) MSE(x, O') + MSE(x - O', V - V')``, ``f(a) = tanh(exp(-a))``. Both, the first only
      where the frames hardly differ; said to be the most robust.
    - ``flow``: ``MSE(x, P)``. Said to be the best in motion; it fails at cuts.

    Args:
        kind: which of them.
        output_before: O', the output before this one.
        frame_before: V', its frame.
        frame: V, the frame of this one.
        prediction: P, the output before this one pushed along the flow with its holes filled; ``flow`` takes it.
        content_scale: factor on colors inside f, which the text leaves open. With 255, f takes values from 0 to 255:
            it is .76 for equal frames, .35 if they differ by one gray level (root mean square), .02 by two, and 0
            beyond, so that MSE(x, O') holds only where next to nothing moves. With 1, f stays between .76 and .35
            for any two frames, so that it is nearly a constant.

    Raises:
        ValueError: the kind is unknown, pictures differ in size, or the prediction is missing or of no use.
    """

    def __init__(
        self,
        kind: CoherenceKind,
        output_before: Float[Tensor, "1 3 h w"],
        frame_before: Float[Tensor, "1 3 h w"],
        frame: Float[Tensor, "1 3 h w"],
        prediction: Float[Tensor, "1 3 h w"] | None = None,
        content_scale: float = 255.0,
    ) -> None:
        given = [output_before, frame_before, frame] + ([] if prediction is None else [prediction])
        if len({picture.shape for picture in given}) > 1:
            sizes = ", ".join(str(tuple(picture.shape[-2:])) for picture in given)
            raise ValueError(f"the pictures of the coherence term are {sizes}; give all at one size")
        if prediction is not None and kind != "flow":
            raise ValueError(f"coherence {kind} takes no prediction; only flow is held to one")
        if not content_scale > 0:
            raise ValueError(f"the content scale of coherence is {content_scale}; give a number above 0")
        changed = output_before + (frame - frame_before)
        match kind:
            case "mse":
                targets = [(1.0, output_before)]
            case "enhanced":
                still = stillness(content_scale**2 * mse_loss(frame, frame_before).detach())
                targets = [(float(still), output_before), (1.0, changed)]
            case "flow":
                if prediction is None:
                    raise ValueError("coherence flow needs a prediction; push the output before along the flow")
                targets = [(1.0, prediction)]
            case "difference":
                targets = [(1.0, changed)]
            case _:
                raise ValueError(f"the coherence is {kind!r}; choose mse, enhanced, flow or difference")
        self.targets = [(weight, target.detach()) for weight, target in targets]

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Zero where the picture is what was expected; the features are not used."""
        return torch.stack([weight * (image - target).square().mean() for weight, target in self.targets]).sum()


class FeatureDifferenceTerm:
    """``mean over layers of mean |(F(x) - F(O')) - (F(V) - F(V'))|``: features change as the frames' do [Xu2021].

    Args:
        output_before: features of O', the output before this one, by layer.
        frame_before: features of V', its frame.
        frame: features of V, the frame of this one.

    Raises:
        ValueError: there is no layer, or layers differ.
    """

    def __init__(
        self,
        output_before: Mapping[str, Tensor],
        frame_before: Mapping[str, Tensor],
        frame: Mapping[str, Tensor],
    ) -> None:
        if not output_before or not output_before.keys() == frame_before.keys() == frame.keys():
            layers = "; ".join(", ".join(features) or "none" for features in (output_before, frame_before, frame))
            raise ValueError(f"the layers to compare are {layers}; encode all three pictures with one encoder")
        for name, before in output_before.items():
            if not before.shape == frame_before[name].shape == frame[name].shape:
                shapes = ", ".join(str(tuple(f[name].shape)) for f in (output_before, frame_before, frame))
                raise ValueError(f"layer {name} is {shapes}; give all three pictures at one size")
        self.targets = {
            name: (before + (frame[name] - frame_before[name])).detach() for name, before in output_before.items()
        }

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Zero where the features changed as those of the frames did; the picture itself is not used."""
        terms = [(features[name] - target).abs().mean() for name, target in self.targets.items()]
        return torch.stack(terms).mean()


def stillness(content_change: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """``f(a) = tanh(exp(-a))`` of the mean squared change of content: .76 for none, 0 for much."""
    return torch.tanh(torch.exp(-content_change))
