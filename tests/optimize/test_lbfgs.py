import numpy as np
import pytest
import torch
from scipy.optimize import minimize, rosen, rosen_der
from torch import Tensor

from photovst.optimize.lbfgs import CURVATURE, DECREASE, Lbfgs


def rosenbrock(place: Tensor) -> tuple[float, Tensor]:
    return float(rosen(place.numpy())), torch.from_numpy(rosen_der(place.numpy()))


def start(n: int = 10) -> Tensor:
    return torch.linspace(-1.2, 1.0, n, dtype=torch.float64)


def test_it_gets_where_scipys_gets_with_about_as_many_evaluations() -> None:
    expected = minimize(
        rosen, start().numpy(), jac=rosen_der, method="L-BFGS-B", options={"maxcor": 10, "gtol": 1e-8, "ftol": 1e-16}
    )
    count = 0

    def evaluate(place: Tensor) -> tuple[float, Tensor]:
        nonlocal count
        count += 1
        return rosenbrock(place)

    walk = Lbfgs(evaluate, start())
    while walk.at.gradient.abs().max() > 1e-8 and walk.step():
        pass
    np.testing.assert_allclose(walk.at.place.numpy(), expected.x, atol=1e-6)
    assert count < 1.5 * expected.nfev


def test_every_step_meets_the_weak_wolfe_conditions() -> None:
    walk = Lbfgs(rosenbrock, start())
    for _ in range(30):
        before = walk.at
        assert walk.step()
        way = walk.at.place - before.place
        assert walk.at.loss <= before.loss + DECREASE * float(before.gradient @ way) * (1 - 1e-9)
        assert float(walk.at.gradient @ way) >= CURVATURE * float(before.gradient @ way) * (1 + 1e-9)


def test_a_quadratic_a_thousand_times_as_steep_one_way_as_the_other() -> None:
    steepness = torch.logspace(0, 3, 6, dtype=torch.float64)
    walk = Lbfgs(lambda x: (float((steepness * x * x).sum() / 2), steepness * x), torch.ones(6, dtype=torch.float64))
    for _ in range(40):
        walk.step()
    assert walk.at.loss < 1e-8 * float(steepness.sum() / 2)


def test_at_a_minimum_there_is_no_step() -> None:
    walk = Lbfgs(lambda x: (float(x @ x), 2 * x), torch.zeros(3))
    assert not walk.step()
    assert torch.equal(walk.at.place, torch.zeros(3))


def test_a_point_is_left_only_for_a_lower_one() -> None:
    # The gradient lies: it points down where the loss goes up.
    walk = Lbfgs(lambda x: (float(x @ x), -2 * x), torch.ones(3))
    assert not walk.step()
    assert torch.equal(walk.at.place, torch.ones(3))


@pytest.mark.parametrize("history", [1, 3, 20])
def test_any_history_goes_down(history: int) -> None:
    walk = Lbfgs(rosenbrock, start(), history)
    losses = [walk.at.loss]
    for _ in range(25):
        walk.step()
        losses.append(walk.at.loss)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.2 * losses[0]
