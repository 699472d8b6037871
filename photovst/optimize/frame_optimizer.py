"""One frame, optimized coarse to fine, from where the previous one ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from jaxtyping import Float
from torch import Tensor

from photovst.guidance.guides import Guides
from photovst.ops.resize import fit_long_side, resize
from photovst.optimize.frame_terms import FrameTerms
from photovst.optimize.parametrization import Parametrization
from photovst.optimize.solver import Solver

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
        terms: builds the objective of each frame.
        scales: working sizes, coarse to fine; those larger than a frame are cut down to it. A size may come twice,
            where the objective changes from one stage to the next.
        solver: how to minimize.
        start: what a shot's first frame starts from, given the frame.
        warm_start: start from the previous frame, carried along the flow, with fewer iterations.
        handover: what becomes of a result before the next stage starts from it; nothing when not given.
    """

    def __init__(
        self,
        terms: FrameTerms,
        scales: Sequence[Scale],
        solver: Solver,
        start: Callable[[Tensor], Parametrization],
        warm_start: bool = True,
        handover: Callable[[Parametrization], Parametrization] | None = None,
    ) -> None:
        self.terms = terms
        self.scales = scales
        self.solver = solver
        self.start = start
        self.warm_start = warm_start
        self.handover = handover

    def stylize(self, guides: Guides, previous: Stylized | None, on_iteration: OnIteration | None = None) -> Stylized:
        """Optimize one frame; ``previous`` is the frame before it, or None for the first of a shot."""
        carried = output = None
        if previous is not None and guides.motion is not None:
            carried = previous.parametrization.propagated(guides.motion.to_previous)
            output = partial(previous.parametrization.lift, previous.frame)
        current = carried if carried is not None and self.warm_start else self.start(guides.frame)
        full = (guides.frame.shape[-2], guides.frame.shape[-1])
        losses: dict[str, float] = {}
        iterations = evaluations = 0
        for stage, scale in enumerate(self.scales):
            warm = carried is not None and self.warm_start
            count = scale.next_iterations if warm else scale.iterations
            if count == 0:
                continue
            size = fit_long_side(full, scale.long_side) if scale.long_side < max(full) else full
            frame = resize(guides.frame, size)
            objective = self.terms.objective(guides, frame, scale.long_side, stage, carried, output)
            if self.handover is not None and iterations:
                current = self.handover(current)
            fit = current.fit(frame, guides.masks)
            report = None if on_iteration is None else _at_scale(on_iteration, scale.long_side)
            solution = self.solver.minimize(fit, objective, count, report)
            current = fit.result()
            iterations += solution.iterations
            evaluations += solution.evaluations
            losses = solution.breakdown.numbers()
        return Stylized(current, guides.frame, losses, iterations, evaluations)


def _at_scale(on_iteration: OnIteration, long_side: int) -> Callable[[int, float], None]:
    return lambda iteration, loss: on_iteration(long_side, iteration, loss)
