"""Temporal: a frame is held to what earlier ones make likely, where the flow can be trusted [Ruder2016]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from photovst.types import TermScale


class TemporalTerm:
    """``sum over references of 1/D sum c l(x - w)`` with D = 3 H W and ``l(d) = d^2``, or less for large d.

    Args:
        references: pairs of a target w and its certainty c, one for each earlier frame. In [Ruder2016] w is that
            frame's output warped by the flow. Warping blurs, and a frame held to a blurred picture loses detail with
            every step; a transform that can be carried along the flow instead gives w as the earlier frame's transform
            applied to this frame, which is as sharp as the frame. c is in [0, 1], 0 where the flow cannot be trusted;
            of several references, that of `long_term_certainties`.
        loss: ``mse`` is d^2. ``smooth_l1`` is PyTorch's smooth L1 times ``2 beta``: d^2 up to ``beta``, so that small
            differences count as in ``mse``, and ``2 beta |d| - beta^2`` beyond, so that a target that is wrong, by a
            flow that is wrong, pulls no harder the more it is wrong.
        beta: where smooth L1 turns from a parabola to a line, in units of color (1 is black to white).
        scale: ``coded`` multiplies by 255^2, since the released program works on values from 0 to 255; ``paper`` the
            same, whose weights are meant for such values; ``relative`` leaves colors in [0, 1].

    Raises:
        ValueError: there is no reference, one does not fit, or the loss or beta cannot be.
    """

    def __init__(
        self,
        references: Sequence[tuple[Float[Tensor, "1 3 h w"], Float[Tensor, "1 1 h w"]]],
        loss: Literal["mse", "smooth_l1"] = "mse",
        beta: float = 0.05,
        scale: TermScale = "relative",
    ) -> None:
        if not references:
            raise ValueError("the temporal term has no reference; give one or more, or leave the term out")
        if loss not in ("mse", "smooth_l1"):
            raise ValueError(f"the temporal loss is {loss!r}; choose mse or smooth_l1")
        if not beta > 0:
            raise ValueError(f"beta of the temporal term is {beta}; give a number above 0")
        size = references[0][0].shape[-2:]
        for target, certainty in references:
            if not target.shape[-2:] == certainty.shape[-2:] == size:
                raise ValueError(
                    f"the target is {tuple(target.shape[-2:])} but its certainty {tuple(certainty.shape[-2:])};"
                    f" give both at the frame's size, here {tuple(size)}"
                )
        self.references = [(target.detach(), certainty.detach()) for target, certainty in references]
        self.loss, self.beta = loss, beta
        self.factor = 1.0 if scale == "relative" else 255.0**2

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Zero where the frame is what was expected; the features are not used."""
        terms = [(certainty * self._distance(image, target)).mean() for target, certainty in self.references]
        return self.factor * torch.stack(terms).sum()

    def _distance(self, image: Tensor, target: Tensor) -> Tensor:
        if self.loss == "mse":
            return (image - target).square()
        return 2 * self.beta * functional.smooth_l1_loss(image, target, reduction="none", beta=self.beta)
