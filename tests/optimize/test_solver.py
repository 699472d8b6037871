from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from photovst.errors import NumericalError
from photovst.losses.objective import Objective
from photovst.optimize.solver import Solver

TARGET = torch.linspace(-1, 1, 12).view(1, 3, 2, 2)
CURVATURE = torch.logspace(0, 2, 12).view(1, 3, 2, 2)


class Free:
    """The simplest fit: the picture is the variable, and its roughness the sum of squares."""

    def __init__(self, start: Tensor, roughness_weight: float = 0.0) -> None:
        self.roughness_weight = roughness_weight
        self.image = start.clone().requires_grad_(True)
        self.variables = [self.image]

    def render(self) -> Tensor:
        return self.image

    def evaluate(self) -> tuple[Tensor, Tensor]:
        return self.image, self.image.square().sum()

    def result(self) -> "Free":
        return Free(self.image.detach())


def quadratic(image: Tensor) -> Tensor:
    return (CURVATURE * (image - TARGET).square()).sum()


def rosenbrock(image: Tensor) -> Tensor:
    x, y = image.flatten()[:-1], image.flatten()[1:]
    return (100 * (y - x**2) ** 2 + (1 - x) ** 2).sum()


def objective(value: Callable[[Tensor], Tensor]) -> Objective:
    return Objective(lambda image: {}, {"value": lambda image, features: value(image)}, {"value": 1.0})


def start() -> Free:
    return Free(torch.zeros(1, 3, 2, 2))


@pytest.mark.parametrize(
    ("solver", "iterations"),
    [(Solver(tolerance=0), 60), (Solver("adam", learning_rate=0.05, tolerance=0, window=800), 800)],
    ids=["lbfgs", "adam"],
)
def test_the_minimum_of_a_quadratic_is_reached(solver: Solver, iterations: int) -> None:
    fit = start()
    solution = solver.minimize(fit, objective(quadratic), iterations)
    torch.testing.assert_close(fit.image.detach(), TARGET, rtol=0, atol=1e-3)
    assert solution.breakdown.numbers() == pytest.approx({"value": 0, "total": 0}, abs=1e-4)


def test_the_stop_rule_hears_what_is_reported_only() -> None:
    # Only the steady part is told: it stops at once, though the other has not settled.
    def terms(unreported: frozenset[str]) -> Objective:
        parts = {
            "steady": lambda image, features: 5 + 0 * image.sum(),
            "value": lambda image, features: rosenbrock(image),
        }
        return Objective(lambda image: {}, parts, {"steady": 1.0, "value": 1.0}, unreported)

    solver, told = Solver(tolerance=1e-9, window=3, line_search=False), list[float]()
    deaf = solver.minimize(start(), terms(frozenset({"value"})), 40, lambda _, loss: told.append(loss))
    assert deaf.iterations == 4
    assert told == [5.0] * 4
    assert solver.minimize(start(), terms(frozenset()), 40).iterations > 4
    assert deaf.breakdown.numbers()["total"] == pytest.approx(5 + deaf.breakdown.numbers()["value"])


def test_without_a_line_search_every_step_is_one_evaluation() -> None:
    fit = start()
    solution = Solver(tolerance=0, line_search=False).minimize(fit, objective(quadratic), 60)
    torch.testing.assert_close(fit.image.detach(), TARGET, rtol=0, atol=1e-3)
    assert solution.evaluations == solution.iterations + 1


@pytest.mark.parametrize("kind", ["lbfgs", "adam"])
def test_roughness_pulls_by_its_weight(kind: str) -> None:
    # The least of a (x - t)^2 + r x^2 is a t / (a + r).
    fit = Free(torch.zeros(1, 3, 2, 2), roughness_weight=3.0)
    solver = Solver("adam" if kind == "adam" else "lbfgs", learning_rate=0.05, tolerance=0, window=800)
    breakdown = solver.minimize(fit, objective(quadratic), 60 if kind == "lbfgs" else 800).breakdown
    expected = CURVATURE * TARGET / (CURVATURE + 3)
    torch.testing.assert_close(fit.image.detach(), expected, rtol=0, atol=1e-3)
    assert breakdown.weights == {"value": 1.0, "roughness": 3.0}
    values = {"value": quadratic(expected).item(), "roughness": expected.square().sum().item()}
    total = values["value"] + 3 * values["roughness"]
    assert breakdown.numbers() == pytest.approx({**values, "total": total}, rel=1e-2)


def test_lbfgs_stops_where_nothing_leads_down() -> None:
    fit = Free(TARGET)
    solution = Solver(tolerance=0).minimize(fit, objective(quadratic), 12)
    assert (solution.iterations, solution.evaluations) == (0, 1)
    assert torch.equal(fit.image.detach(), TARGET)


def test_it_stops_when_the_loss_has_settled() -> None:
    def slowly(image: Tensor) -> Tensor:  # Adam moves each value by its step size: a fall of 12e-3 a step
        return 1000 - image.sum()

    losses: list[float] = []
    solver = Solver("adam", learning_rate=1e-3, tolerance=1e-4, window=4)
    solution = solver.minimize(start(), objective(slowly), 100, lambda _, loss: losses.append(loss))
    assert solution.iterations == 5  # the first that has one four before it
    assert losses == pytest.approx([1000 - 0.012 * i for i in range(5)])
    patient = Solver("adam", learning_rate=1e-3, tolerance=1e-5, window=4)
    assert patient.minimize(start(), objective(slowly), 50).iterations == 50


def test_a_loss_that_rises_stops_it_too() -> None:
    # So large a step overshoots: nothing is gained by going on.
    solution = Solver("adam", learning_rate=50, tolerance=0, window=3).minimize(start(), objective(quadratic), 100)
    assert solution.iterations == 4


def test_iterations_are_told_as_they_happen() -> None:
    told: list[tuple[int, float]] = []
    solution = Solver(tolerance=0).minimize(
        start(), objective(quadratic), 6, lambda iteration, loss: told.append((iteration, loss))
    )
    assert [iteration for iteration, _ in told] == [1, 2, 3, 4, 5, 6]
    losses = [loss for _, loss in told] + [solution.breakdown.total.item()]
    assert losses[0] == pytest.approx(quadratic(torch.zeros(1, 3, 2, 2)).item())
    assert losses == sorted(losses, reverse=True)


def test_no_iterations_only_measure() -> None:
    fit = start()
    solution = Solver().minimize(fit, objective(quadratic), 0)
    assert (solution.iterations, solution.evaluations) == (0, 1)
    assert torch.equal(fit.image.detach(), torch.zeros(1, 3, 2, 2))
    assert solution.breakdown.numbers()["value"] == pytest.approx(quadratic(torch.zeros(1, 3, 2, 2)).item())


def test_the_breakdown_is_of_where_it_ended_and_holds_no_graph() -> None:
    for iterations in (1, 2, 3, 7):
        fit = start()
        breakdown = Solver(tolerance=0).minimize(fit, objective(rosenbrock), iterations).breakdown
        assert breakdown.total.item() == rosenbrock(fit.image.detach()).item()
        assert not breakdown.total.requires_grad
        assert not breakdown.values["value"].requires_grad


@pytest.mark.parametrize("kind", ["lbfgs", "adam"])
def test_the_same_start_ends_in_the_same_bits(kind: str) -> None:
    results = []
    for _ in range(2):
        fit = start()
        solver = Solver("adam" if kind == "adam" else "lbfgs", tolerance=0)
        results.append((solver.minimize(fit, objective(rosenbrock), 15), fit.image.detach()))
    (first, image), (second, again) = results
    assert torch.equal(image, again)
    assert (first.iterations, first.evaluations) == (second.iterations, second.evaluations)
    assert first.breakdown.numbers() == second.breakdown.numbers()


@pytest.mark.parametrize("kind", ["lbfgs", "adam"])
@pytest.mark.parametrize("iterations", [1, 2, 20])
@pytest.mark.parametrize(
    "value",
    [
        lambda image: image.sum() * float("nan"),
        lambda image: image.square().sum().sqrt(),  # whose gradient at 0 is no number
        lambda image: torch.log(image + 0.01).sum(),  # which the first step leaves the domain of
    ],
    ids=["loss", "gradient", "after a step"],
)
def test_numbers_that_are_none_are_said(kind: str, iterations: int, value: Callable[[Tensor], Tensor]) -> None:
    solver = Solver("adam" if kind == "adam" else "lbfgs", learning_rate=0.02)
    with pytest.raises(NumericalError, match=r"^the loss became nan after \d evaluations; lower the weights or the"):
        solver.minimize(start(), objective(lambda image: value(-image)), iterations)


def test_infinity_is_no_number_either() -> None:
    with pytest.raises(NumericalError, match="the loss became inf after 0 evaluations"):
        Solver().minimize(start(), objective(lambda image: image.sum() + torch.inf), 0)
