"""Color look-up tables: looking up, and fitting to what was seen without nonsense where nothing was."""

import itertools

import numpy as np
import pytest
import torch
from scipy.interpolate import RegularGridInterpolator
from torch import Tensor

from photovst.ops import color_lut
from photovst.ops.color import rec601_luma
from photovst.ops.color_lut import Interpolation, apply_lut, best_affine, fit_lut, identity_lut


def random_colors(count: int, seed: int = 0) -> Tensor:
    return torch.rand((count, 3), generator=torch.Generator().manual_seed(seed))


def looked_up(table: Tensor, colors: Tensor, interpolation: Interpolation = "trilinear") -> Tensor:
    return apply_lut(table, colors.T[None, :, None], interpolation)[0, :, 0].T


@pytest.mark.parametrize("interpolation", ["trilinear", "tetrahedral"])
def test_the_identity_changes_nothing_and_colors_outside_are_the_nearest_inside(interpolation: Interpolation) -> None:
    colors = torch.cat([random_colors(100), torch.eye(3), torch.zeros(1, 3), torch.ones(1, 3)])
    torch.testing.assert_close(looked_up(identity_lut(5), colors, interpolation), colors)
    outside = torch.tensor([[-0.5, 0.5, 1.5]])
    torch.testing.assert_close(looked_up(identity_lut(5), outside, interpolation), torch.tensor([[0.0, 0.5, 1.0]]))


@pytest.mark.parametrize("interpolation", ["trilinear", "tetrahedral"])
def test_points_themselves_are_met(interpolation: Interpolation) -> None:
    table = torch.rand((4, 4, 4, 3), generator=torch.Generator().manual_seed(1))
    at = identity_lut(4).reshape(-1, 3)
    torch.testing.assert_close(looked_up(table, at, interpolation), table.reshape(-1, 3))


def test_trilinear_is_scipys() -> None:
    table, colors = torch.rand((5, 5, 5, 3), generator=torch.Generator().manual_seed(2)), random_colors(200)
    oracle = RegularGridInterpolator([np.linspace(0, 1, 5)] * 3, table.numpy())
    np.testing.assert_allclose(looked_up(table, colors), oracle(colors.numpy()), atol=1e-6)


def test_looking_up_has_the_gradient_of_its_table() -> None:
    table = torch.rand((3, 3, 3, 3), dtype=torch.float64, requires_grad=True)
    frame = 0.05 + 0.4 * torch.rand((1, 3, 2, 3), dtype=torch.float64)
    for interpolation in ("trilinear", "tetrahedral"):
        assert torch.autograd.gradcheck(lambda t, how=interpolation: apply_lut(t, frame, how), table)


def test_an_affine_recoloring_is_found_exactly_at_any_number_of_points() -> None:
    matrix = torch.tensor([[0.6, 0.1, 0.0], [0.05, 0.7, 0.1], [0.1, 0.0, 0.5]])
    colors = random_colors(500)
    wanted = colors @ matrix + 0.1
    affine = best_affine(colors, wanted)
    torch.testing.assert_close(affine, torch.cat([matrix, torch.full((1, 3), 0.1)]), atol=0.01, rtol=0)
    for points in (2, 5, 12):
        table = fit_lut(colors, wanted, points)
        torch.testing.assert_close(looked_up(table, colors), wanted, atol=0.004, rtol=0)


def test_a_bent_recoloring_is_closer_than_its_best_affine_map() -> None:
    colors = random_colors(4000)
    bent = lambda x: x.sqrt() * 0.8 + 0.1 * x.flip(-1)  # noqa: E731
    table, fresh = fit_lut(colors, bent(colors), 17), random_colors(500, seed=5)
    affine = best_affine(colors, bent(colors))
    error = (looked_up(table, fresh) - bent(fresh)).pow(2).mean().sqrt()
    assert error < 0.33 * (fresh @ affine[:3] + affine[3] - bent(fresh)).pow(2).mean().sqrt()


def test_a_table_solves_the_least_squares_problem_of_its_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solved once more, dense, from differences of neighbors."""
    monkeypatch.setattr(color_lut, "TOLERANCE", 1e-9)
    points, colors = 4, random_colors(40)
    wanted = 0.2 + 0.5 * colors.flip(-1) ** 2
    rows = [np.sqrt(1 / 40) * np.array([looked_up_weights(c, points) for c in colors.numpy()])]
    affine = best_affine(colors, wanted).double().numpy()
    rest = wanted.numpy() - (colors.numpy() @ affine[:3] + affine[3])
    targets = [np.sqrt(1 / 40) * rest]
    for axis, order in itertools.product(range(3), (1, 2)):
        weight = (color_lut.MEMBRANE, color_lut.PLATE)[order - 1] / points**3
        eye = np.eye(points**3).reshape(points, points, points, -1)
        step = np.diff(eye, n=order, axis=axis).reshape(-1, points**3) * (points - 1) ** order
        rows.append(np.sqrt(weight) * step)
        targets.append(np.zeros((len(step), 3)))
    rows.append(np.sqrt(color_lut.PULL / points**3) * np.eye(points**3))
    targets.append(np.zeros((points**3, 3)))
    solution = np.linalg.lstsq(np.concatenate(rows), np.concatenate(targets), rcond=None)[0]
    grid = identity_lut(points).reshape(-1, 3).numpy()
    expected = np.clip(grid @ affine[:3] + affine[3] + solution, 0, 1)
    np.testing.assert_allclose(fit_lut(colors, wanted, points).reshape(-1, 3), expected, atol=1e-5)


def looked_up_weights(color: np.ndarray, points: int) -> np.ndarray:
    """A row of trilinear weights, by hat functions."""
    hats = [np.maximum(0, 1 - np.abs(value * (points - 1) - np.arange(points))) for value in color]
    return np.einsum("i,j,k->ijk", *hats).ravel()


def test_grays_alone_say_something_sensible_of_saturated_colors() -> None:
    gray = torch.linspace(0, 1, 2000)[:, None].expand(-1, 3)
    table = fit_lut(gray, 0.1 + 0.6 * gray**2, 17)
    torch.testing.assert_close(looked_up(table, gray), 0.1 + 0.6 * gray**2, atol=0.02, rtol=0)
    corners = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)))
    made = looked_up(table, corners)
    for color, result in zip(corners, made, strict=True):
        # Channels keep their order, nothing leaves what grays became by much, and full ones stay well above empty ones.
        assert ((result >= 0.0) & (result <= 0.8)).all()
        if 0 < color.sum() < 3:
            assert result[color == 1].min() > result[color == 0].max() + 0.3
    luma = rec601_luma(made.T[None, :, None])[0, 0, 0]
    assert luma.min() > luma[0] - 0.05
    assert luma.argmax() == 7


def test_one_color_alone_shifts_all_alike() -> None:
    table = fit_lut(torch.full((50, 3), 0.5), torch.tensor([0.6, 0.5, 0.4]).expand(50, 3), 9)
    torch.testing.assert_close(looked_up(table, torch.full((1, 3), 0.5))[0], torch.tensor([0.6, 0.5, 0.4]))
    torch.testing.assert_close(looked_up(table, torch.full((1, 3), 0.2))[0], torch.tensor([0.3, 0.2, 0.1]))


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 and 1"):
        fit_lut(torch.zeros((0, 3)), torch.zeros((0, 3)))
    with pytest.raises(ValueError, match="a table of 1 points"):
        fit_lut(torch.zeros((5, 3)), torch.zeros((5, 3)), 1)
