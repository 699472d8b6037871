"""The solver: L-BFGS or Adam on a fit, with a stop rule on the relative fall of the loss [Ruder2016]."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from photovst.errors import NumericalError
from photovst.losses.objective import Breakdown, Objective
from photovst.optimize.parametrization import Fit


@dataclass(frozen=True)
class Solver:
    """How to minimize.

    Args:
        kind: ``lbfgs`` with strong Wolfe line search, or ``adam``.
        learning_rate: Adam's step size.
        history: steps L-BFGS remembers.
        tolerance: stop when the loss fell by less than this share over ``window`` iterations.
        window: iterations.
        roughness: weight of the parametrization's own regularizer.
    """

    kind: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 0.02
    history: int = 10
    tolerance: float = 1e-4
    window: int = 5
    roughness: float = 0.0

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
        evaluate = _Evaluation(fit, objective, self.roughness)
        optimizer = self._optimizer(fit)
        losses: list[float] = []
        done = 0
        for done in range(1, iterations + 1):
            losses.append(float(optimizer.step(evaluate)))  # type: ignore[arg-type]
            if on_iteration is not None:
                on_iteration(done, losses[-1])
            if self._has_settled(losses):
                break
        evaluate()
        return Solution(done, evaluate.evaluations, evaluate.latest)

    def _optimizer(self, fit: Fit) -> torch.optim.Optimizer:
        if self.kind == "adam":
            return torch.optim.Adam(fit.variables, lr=self.learning_rate)
        # One iteration a step, so that the stop rule is ours; the optimizer keeps its history between steps.
        return torch.optim.LBFGS(
            fit.variables,
            max_iter=1,
            max_eval=8,
            history_size=self.history,
            line_search_fn="strong_wolfe",
            tolerance_grad=0,
            tolerance_change=0,
        )

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


class _Evaluation:
    """Loss and gradients, remembered for the point they were last computed at.

    A step of L-BFGS begins by asking again for the point the last line search ended at.
    """

    def __init__(self, fit: Fit, objective: Objective, roughness: float) -> None:
        self.fit, self.objective, self.roughness = fit, objective, roughness
        self.evaluations = 0
        self._at: list[Tensor] = []
        self._gradients: list[Tensor] = []
        self._loss: Tensor | None = None
        self._latest: Breakdown | None = None

    @property
    def latest(self) -> Breakdown:
        assert self._latest is not None  # evaluated at least once by minimize()
        return self._latest

    def __call__(self) -> Tensor:
        variables = self.fit.variables
        if self._loss is not None and all(map(torch.equal, self._at, variables)):
            for variable, gradient in zip(variables, self._gradients, strict=True):
                variable.grad = gradient.clone()
            return self._loss
        breakdown = self.objective(self.fit.render())
        values, weights, total = breakdown.values, breakdown.weights, breakdown.total
        if self.roughness:
            values = {**values, "roughness": self.fit.roughness()}
            weights = {**weights, "roughness": self.roughness}
            total = total + self.roughness * values["roughness"]
        if not math.isfinite(total.item()):
            # Here rather than after a step: the line search of L-BFGS would go on comparing with it.
            raise NumericalError(
                f"the loss became {total.item()} after {self.evaluations} evaluations; lower the weights or the"
                " learning rate"
            )
        gradients = torch.autograd.grad(total, variables)
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.grad = gradient.clone()
        self.evaluations += 1
        self._at = [variable.detach().clone() for variable in variables]
        self._gradients = list(gradients)
        self._loss = total.detach()
        self._latest = Breakdown({name: v.detach() for name, v in values.items()}, weights, self._loss)
        return self._loss
