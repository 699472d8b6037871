"""One frame, optimized coarse to fine, from where the previous one ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from photovst.guidance.guides import Guides
from photovst.ops.resize import limit_long_side, resize
from photovst.optimize.frame_terms import FrameTerms
from photovst.optimize.neighbors import Earlier, Neighbor, Stylized, neighbors_of
from photovst.optimize.parametrization import Parametrization
from photovst.optimize.solver import Solver
from photovst.optimize.starts import Starts

OnIteration = Callable[[int, int, float], None]
"""Called with the working size's longer side, the iteration and the loss."""


@dataclass(frozen=True)
class Scale:
    """One working size: its longer side, and the iterations there for a shot's first frame and for later ones."""

    long_side: int
    iterations: int
    next_iterations: int


class FrameOptimizer:
    """Minimizes the objective for each frame of a shot; the optimized kind of `Styler`.

    Args:
        terms: builds the objective of each frame.
        scales: working sizes, coarse to fine; those larger than a frame are cut down to it. A size may come twice,
            where the objective changes from one stage to the next.
        solver: how to minimize.
        starts: what frames start from.
        handover: what becomes of a result before the next stage starts from it; nothing when not given.
    """

    def __init__(
        self,
        terms: FrameTerms,
        scales: Sequence[Scale],
        solver: Solver,
        starts: Starts,
        handover: Callable[[Parametrization], Parametrization] | None = None,
    ) -> None:
        self.terms = terms
        self.scales = scales
        self.solver = solver
        self.starts = starts
        self.handover = handover

    def stylize(
        self, guides: Guides, earlier: Earlier | None = None, on_iteration: OnIteration | None = None
    ) -> Stylized:
        """Optimize one frame; ``earlier`` holds no neighbor for the first of a shot."""
        earlier = earlier or Earlier()
        neighbors = neighbors_of(guides, earlier)
        counts = [scale.next_iterations if neighbors else scale.iterations for scale in self.scales]
        start = self.starts.of(guides, neighbors, earlier)
        return self._optimized(guides, start, counts, neighbors, on_iteration)

    def refine(
        self,
        guides: Guides,
        current: Parametrization,
        earlier: Earlier,
        on_iteration: OnIteration | None = None,
    ) -> Stylized:
        """Optimize one frame further from a result of its own, with the iterations of later frames."""
        counts = [scale.next_iterations for scale in self.scales]
        return self._optimized(guides, current, counts, neighbors_of(guides, earlier), on_iteration)

    def drift(self, guides: Guides, blended: Parametrization, expected: float | None) -> float:
        """How much farther from the photograph's style a blended result is than ``expected``, as a share of that.

        Nothing where style has no weight, and where it comes nearer.
        """
        if not expected:
            return 0.0
        picture = blended.lift(guides.frame)
        return max(0.0, self.terms.style_distance(guides, picture, self.scales[-1].long_side) / expected - 1)

    def _optimized(
        self,
        guides: Guides,
        current: Parametrization,
        counts: Sequence[int],
        neighbors: Mapping[int, Neighbor],
        on_iteration: OnIteration | None,
    ) -> Stylized:
        full = (guides.frame.shape[-2], guides.frame.shape[-1])
        losses: dict[str, float] = {}
        iterations = evaluations = 0
        for stage, (scale, count) in enumerate(zip(self.scales, counts, strict=True)):
            if count == 0:
                continue
            size = limit_long_side(full, scale.long_side)
            frame = resize(guides.frame, size)
            objective = self.terms.objective(guides, frame, scale.long_side, stage, neighbors)
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
