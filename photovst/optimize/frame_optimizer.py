"""One frame, optimized coarse to fine, from where the previous one ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.guidance.guides import Guides
from photovst.losses.content import ContentTerm
from photovst.losses.objective import Encoder, Objective, Term
from photovst.losses.photorealism import PhotorealismTerm
from photovst.losses.smoothness import GamutTerm, SmoothnessTerm
from photovst.losses.structure import StructureTerm
from photovst.losses.style import Grams, StyleTerm, region_grams
from photovst.losses.temporal import TemporalTerm
from photovst.ops.masks import resize_masks
from photovst.ops.resize import fit_long_side, resize
from photovst.ops.warp import warp
from photovst.optimize.parametrization import Parametrization
from photovst.optimize.solver import Solver
from photovst.types import Size

OnIteration = Callable[[int, int, float], None]
"""Called with the working size's longer side, the iteration and the loss."""


@dataclass(frozen=True)
class Scale:
    """One working size: its longer side, and the iterations there for a shot's first frame and for later ones."""

    long_side: int
    iterations: int
    next_iterations: int


@dataclass(frozen=True)
class Stylized:
    """A stylized frame: what was optimized, the frame at the working size, and what it took."""

    parametrization: Parametrization
    frame: Float[Tensor, "1 3 h w"]
    losses: dict[str, float]
    iterations: int
    evaluations: int


class FrameOptimizer:
    """Minimizes the objective for each frame of a shot; the optimized kind of `Styler`.

    Args:
        encoder: of the objective.
        photo: the photograph, RGB in [0, 1].
        photo_masks: its regions, at any size.
        scales: working sizes, coarse to fine; those larger than a frame are cut down to it.
        weights: by term; only terms named here are built.
        solver: how to minimize.
        start: what a shot's first frame starts from, given the frame.
        warm_start: start from the previous frame, carried along the flow, with fewer iterations.
        temporal_target: what the temporal term holds a frame to.
        epsilon: of the photorealism term.
    """

    def __init__(
        self,
        encoder: Encoder,
        photo: Float[Tensor, "1 3 _h _w"],
        photo_masks: Float[Tensor, "1 k _hm _wm"],
        scales: Sequence[Scale],
        weights: Mapping[str, float],
        solver: Solver,
        start: Callable[[Tensor], Parametrization],
        warm_start: bool = True,
        temporal_target: Literal["transform", "output"] = "transform",
        epsilon: float = 1e-7,
    ) -> None:
        self.encoder = encoder
        self.scales = scales
        self.weights = dict(weights)
        self.solver = solver
        self.start = start
        self.warm_start = warm_start
        self.temporal_target = temporal_target
        self.epsilon = epsilon
        self._photo, self._photo_masks = photo, photo_masks
        self._targets: dict[int, Grams] = {}

    def stylize(self, guides: Guides, previous: Stylized | None, on_iteration: OnIteration | None = None) -> Stylized:
        """Optimize one frame; ``previous`` is the frame before it, or None for the first of a shot."""
        carried = None
        if previous is not None and guides.motion is not None:
            carried = self._carried(previous, guides.motion)
        current = carried if carried is not None and self.warm_start else self.start(guides.frame)
        full = (guides.frame.shape[-2], guides.frame.shape[-1])
        losses: dict[str, float] = {}
        iterations = evaluations = 0
        for scale in self.scales:
            warm = carried is not None and self.warm_start
            count = scale.next_iterations if warm else scale.iterations
            if count == 0:
                continue
            size = fit_long_side(full, scale.long_side) if scale.long_side < max(full) else full
            frame = resize(guides.frame, size)
            terms = self._terms(guides, frame, previous, carried, scale.long_side)
            objective = Objective(self.encoder, terms, {name: self.weights[name] for name in terms})
            fit = current.fit(frame, guides.masks)
            report = None if on_iteration is None else _at_scale(on_iteration, scale.long_side)
            solution = self.solver.minimize(fit, objective, count, report)
            current = fit.result()
            iterations += solution.iterations
            evaluations += solution.evaluations
            losses = solution.breakdown.numbers()
        return Stylized(current, guides.frame, losses, iterations, evaluations)

    @torch.no_grad()
    def _terms(
        self,
        guides: Guides,
        frame: Tensor,
        previous: Stylized | None,
        carried: Parametrization | None,
        long_side: int,
    ) -> dict[str, Term]:
        """The terms that have a weight, with their targets for this frame at this size."""
        size = (frame.shape[-2], frame.shape[-1])
        terms: dict[str, Term] = {}
        if self.weights.keys() & {"content", "style"}:
            features = self.encoder(frame)
        if "content" in self.weights:
            terms["content"] = ContentTerm(features)
        if "style" in self.weights:
            terms["style"] = StyleTerm(self._style(long_side), resize_masks(guides.masks, size))
        if "structure" in self.weights:
            terms["structure"] = StructureTerm(frame)
        if "photorealism" in self.weights:
            terms["photorealism"] = PhotorealismTerm(frame, self.epsilon)
        if "smoothness" in self.weights:
            terms["smoothness"] = SmoothnessTerm()
        if "gamut" in self.weights:
            terms["gamut"] = GamutTerm()
        if "temporal" in self.weights and previous is not None and guides.motion is not None:
            if self.temporal_target == "transform" and carried is not None:
                target = carried.lift(frame)
            else:
                output = warp(previous.parametrization.lift(previous.frame), guides.motion.to_previous)
                target = resize(output, size)
            terms["temporal"] = TemporalTerm(target, resize(guides.motion.certainty_to_previous, size))
        return terms

    def _carried(self, previous: Stylized, motion: FlowPair) -> Parametrization:
        return previous.parametrization.propagated(motion.to_previous)

    def _style(self, long_side: int) -> Grams:
        """The photograph's statistics at a working size; its own size where that is smaller."""
        if long_side not in self._targets:
            size: Size = (self._photo.shape[-2], self._photo.shape[-1])
            if long_side < max(size):
                size = fit_long_side(size, long_side)
            self._targets[long_side] = region_grams(
                self.encoder(resize(self._photo, size)), resize_masks(self._photo_masks, size)
            )
        return self._targets[long_side]


def _at_scale(on_iteration: OnIteration, long_side: int) -> Callable[[int, float], None]:
    return lambda iteration, loss: on_iteration(long_side, iteration, loss)
