"""The solver: L-BFGS or Adam on a fit, with a stop rule on the relative fall of the loss [Ruder2016]."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from photovst.errors import NumericalError
from photovst.losses.objective import Breakdown, Objective
from photovst.optimize.lbfgs import Lbfgs
from photovst.optimize.parametrization import Fit


@dataclass(frozen=True)
class Solver:
    """How to minimize.

    Args:
        kind: ``lbfgs`` or ``adam``.
        learning_rate: Adam's step size.
        history: steps L-BFGS remembers.
        tolerance: stop when the loss fell by less than this share over ``window`` iterations.
        window: iterations.
        line_search: L-BFGS looks for the length of each step; without, it takes the one its model proposes, as
            Torch7's does when it is not told otherwise.
    """

    kind: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 0.02
    history: int = 10
    tolerance: float = 1e-4
    window: int = 5
    line_search: bool = True

    def minimize(
        self,
        fit: Fit,
        objective: Objective,
        iterations: int,
        on_iteration: Callable[[int, float], None] | None = None,
    ) -> Solution:
        """Move the fit's variables downhill, at most this many iterations.

        Raises:
            NumericalError: the loss or its gradient is no longer a number.
        """
        loss = _Loss(fit, objective)
        walk = self._lbfgs(loss) if self.kind == "lbfgs" else self._adam(loss)
        losses: list[float] = []
        for _ in range(iterations):
            before = next(walk, None)
            if before is None:
                break
            losses.append(before)
            if on_iteration is not None:
                on_iteration(len(losses), before)
            if self._has_settled(losses):
                break
        breakdown = loss.where_it_is()
        return Solution(len(losses), loss.evaluations, breakdown)

    def _lbfgs(self, loss: _Loss) -> Iterator[float]:
        """Steps; each gives the loss it began at."""
        variables = loss.fit.variables

        def evaluate(place: Tensor) -> tuple[float, Tensor]:
            vector_to_parameters(place, variables)
            value = float(loss())
            # Gradients need not be contiguous, which `parameters_to_vector` asks for.
            return value, torch.cat([gradient.reshape(-1) for gradient in loss.gradients])

        optimizer = Lbfgs(evaluate, parameters_to_vector(variables).detach(), self.history, self.line_search)
        while True:
            before = optimizer.at.loss
            moved = optimizer.step()
            vector_to_parameters(optimizer.at.place, variables)
            if not moved:
                return
            yield before

    def _adam(self, loss: _Loss) -> Iterator[float]:
        """The same with PyTorch's Adam."""
        optimizer = torch.optim.Adam(loss.fit.variables, lr=self.learning_rate)
        while True:
            before = float(loss())
            for variable, gradient in zip(loss.fit.variables, loss.gradients, strict=True):
                variable.grad = gradient
            optimizer.step()
            yield before

    def _has_settled(self, losses: list[float]) -> bool:
        if len(losses) <= self.window:
            return False
        before, now = losses[-1 - self.window], losses[-1]
        return before - now < self.tolerance * abs(before)


@dataclass(frozen=True)
class Solution:
    """What a minimization took and came to."""

    iterations: int
    evaluations: int
    breakdown: Breakdown


class _Loss:
    """The loss of a fit where its variables are, its gradients, and the breakdown of the latest."""

    def __init__(self, fit: Fit, objective: Objective) -> None:
        self.fit, self.objective = fit, objective
        self.evaluations = 0
        self.gradients: tuple[Tensor, ...] = ()
        self._at: list[Tensor] = []
        self._breakdown: Breakdown | None = None

    def where_it_is(self) -> Breakdown:
        """The breakdown where the variables are now; without the graph it was made by."""
        if self._breakdown is None or not all(map(torch.equal, self._at, self.fit.variables)):
            self()
        assert self._breakdown is not None
        return self._breakdown

    def __call__(self) -> Tensor:
        variables = self.fit.variables
        picture, roughness = self.fit.evaluate()
        breakdown = self.objective(picture)
        values, weights, total, reported = breakdown.values, breakdown.weights, breakdown.total, breakdown.reported
        weight = self.fit.roughness_weight
        if weight:
            values = {**values, "roughness": roughness}
            weights = {**weights, "roughness": weight}
            rough = weight * roughness
            total, reported = total + rough, reported + rough
        if not math.isfinite(total.item()):
            # Here rather than after a step: a line search would go on comparing with it.
            raise NumericalError(
                f"the loss became {total.item()} after {self.evaluations} evaluations; lower the weights or the"
                " learning rate"
            )
        self.gradients = torch.autograd.grad(total, variables)
        self.evaluations += 1
        self._at = [variable.detach().clone() for variable in variables]
        values = {name: value.detach() for name, value in values.items()}
        self._breakdown = Breakdown(values, weights, total.detach(), reported.detach())
        return self._breakdown.reported
