"""Color look-up tables of three axes: applied [Kasson1995], and fitted to pairs of colors [Garcia2009].

A table has shape ``(red, green, blue, 3)``, as many points along each axis: entry ``[i, j, k]`` is the color that
``(i, j, k) / (points - 1)`` becomes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

Interpolation = Literal["trilinear", "tetrahedral"]

MEMBRANE, PLATE = 1e-4, 1e-4
"""Weights of squared first and second derivatives over the cube, against squared errors averaged over the colors seen.

With a hundredth of the second errors are a seventh smaller, but colors that lie close together part so far that the
blocks of a clip's coding show in skies.
"""

PULL = 1e-6
"""Weight of the squared difference to the affine map: it says where a point goes that nothing else holds."""

RIDGE = 1e-3
"""Of the affine map's departure from a gain a channel, and of that from no change of contrast."""

TOLERANCE = 1e-3
"""Relative residual at which the solver stops."""

MOST_STEPS = 1000

SEEN = 0.01
"""What the colors seen count as to the solver's preconditioner, beside the weights above; only speed depends on it."""


def identity_lut(points: int) -> Float[Tensor, "points points points 3"]:
    """The table that changes nothing."""
    axis = torch.linspace(0, 1, points)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)


def apply_lut(
    table: Float[Tensor, "points points points 3"],
    frame: Float[Tensor, "b 3 h w"],
    interpolation: Interpolation = "tetrahedral",
) -> Float[Tensor, "b 3 h w"]:
    """The frame's colors, looked up; those outside [0, 1] as the nearest inside.

    Args:
        table: at least two points an axis.
        frame: RGB in [0, 1].
        interpolation: between the eight points around a color, or the four of the tetrahedron it lies in, as most
            editors and FFmpeg have it where nothing else is asked for.
    """
    points = table.shape[0]
    lower, share = _place(frame.movedim(1, -1), points)
    strides = torch.tensor([points * points, points, 1], device=table.device)
    base, entries = (lower * strides).sum(-1), table.reshape(-1, 3).to(frame)
    result = torch.zeros_like(frame.movedim(1, -1))
    if interpolation == "trilinear":
        for corner in _corners():
            weight = torch.where(corner.to(share.device).bool(), share, 1 - share).prod(-1, keepdim=True)
            result = torch.addcmul(result, weight, entries[base + int((corner * strides.cpu()).sum())])
        return result.movedim(-1, 1)
    # From the corner nearest to black to the one nearest to white, along the axes by falling share.
    falling, axes = share.sort(dim=-1, descending=True)
    walk = torch.cat([base[..., None], base[..., None] + strides[axes].cumsum(-1)], dim=-1)
    ends = torch.cat([torch.ones_like(falling[..., :1]), falling, torch.zeros_like(falling[..., :1])], dim=-1)
    for step in range(4):
        weight = (ends[..., step] - ends[..., step + 1])[..., None]
        result = torch.addcmul(result, weight, entries[walk[..., step]])
    return result.movedim(-1, 1)


def best_affine(colors: Float[Tensor, "n 3"], wanted: Float[Tensor, "n 3"]) -> Float[Tensor, "4 3"]:
    """The affine map that takes colors ``(r, g, b, 1)`` nearest to the wanted ones.

    Where colors do not tell, as on grays alone, it is a gain and an offset a channel, and where they do not even tell
    those, as a single one, no change of contrast.
    """
    x, y = colors.double(), wanted.double()
    x_mean, y_mean = x.mean(0), y.mean(0)
    x, y = x - x_mean, y - y_mean
    moments, cross = x.T @ x / len(x), x.T @ y / len(x)
    gains = torch.diag((cross.diagonal() + RIDGE) / (moments.diagonal() + RIDGE))
    ridge = RIDGE * torch.eye(3, dtype=x.dtype, device=x.device)
    linear = gains + torch.linalg.solve(moments + ridge, cross - moments @ gains)
    return torch.cat([linear, (y_mean - x_mean @ linear)[None]]).to(colors)


def fit_lut(
    colors: Float[Tensor, "n 3"], wanted: Float[Tensor, "n 3"], points: int = 33
) -> Float[Tensor, "points points points 3"]:
    """The table that takes colors nearest to the wanted ones, smooth, and sane where no color was seen.

    Lattice regression, departing from the paper in the regularizer.
    What is solved for is the table's difference ``d`` to the best affine map, of least

        mean |T d - (wanted - affine(colors))|^2 + membrane |D1 d|^2 + plate |D2 d|^2 + pull |d|^2,

    T the trilinear look-up, D1 and D2 first and second derivatives along the axes, averaged over the points. An affine
    recoloring is met at any number of points. Where nothing was seen the membrane carries on what is at the border of
    what was: first derivatives keep differences within those seen, where second ones alone would follow slopes.

    Args:
        colors: RGB in [0, 1].
        wanted: what they are to become, in [0, 1].
        points: an axis.

    Raises:
        ValueError: there are fewer than two points an axis, or no colors.
    """
    if points < 2 or not len(colors):
        raise ValueError(f"a table of {points} points an axis for {len(colors)} colors; at least 2 and 1 are needed")
    affine = best_affine(colors, wanted).double().cpu()
    base = identity_lut(points).double() @ affine[:3] + affine[3]
    x, y = colors.double().cpu(), wanted.double().cpu()
    errors = (y - (x @ affine[:3] + affine[3])).numpy()
    seen = _lookup_matrix(x, points)
    system = (seen.T @ seen) / len(x) + _smoothness(points)
    target = seen.T @ errors / len(x)
    precondition = scipy.sparse.linalg.LinearOperator(system.shape, _preconditioner(points), dtype=np.float64)
    solved = [
        scipy.sparse.linalg.cg(system, target[:, channel], rtol=TOLERANCE, maxiter=MOST_STEPS, M=precondition)[0]
        for channel in range(3)
    ]
    table = base + torch.from_numpy(np.stack(solved, axis=1)).view(points, points, points, 3)
    return table.clamp_(0, 1).to(colors)


def _place(colors: Tensor, points: int) -> tuple[Tensor, Tensor]:
    """The point below each color, and the share of the one above, along each axis."""
    scaled = colors.clamp(0, 1) * (points - 1)
    lower = scaled.floor().clamp(max=points - 2)
    return lower.long(), scaled - lower


def _corners() -> Tensor:
    return torch.cartesian_prod(*[torch.arange(2)] * 3)


def _lookup_matrix(colors: Tensor, points: int) -> scipy.sparse.csr_array:
    """Trilinear look-up as a matrix, colors x points."""
    lower, share = _place(colors, points)
    corners = _corners()
    index = ((lower[:, None] + corners) * torch.tensor([points * points, points, 1])).sum(-1)
    weight = torch.where(corners.bool(), share[:, None], 1 - share[:, None]).prod(-1)
    pointers = np.arange(0, 8 * len(colors) + 1, 8)
    shape = (len(colors), points**3)
    return scipy.sparse.csr_array((weight.flatten().numpy(), index.flatten().numpy(), pointers), shape=shape)


def _smoothness(points: int) -> scipy.sparse.csr_array:
    """The quadratic form of the regularizer."""
    eye = scipy.sparse.eye_array(points)
    slope = (points - 1) * scipy.sparse.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(points - 1, points))
    membrane, plate = slope.T @ slope, scipy.sparse.csr_array((points, points))
    if points > 2:
        bend = (points - 1) ** 2 * scipy.sparse.diags_array(
            [1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(points - 2, points)
        )
        plate = bend.T @ bend
    along = (MEMBRANE * membrane + PLATE * plate) / points
    every = [(along, eye, eye), (eye, along, eye), (eye, eye, along)]
    total = sum(scipy.sparse.kron(scipy.sparse.kron(a, b), c) for a, b, c in every) / points**2
    return scipy.sparse.csr_array(total + PULL * scipy.sparse.eye_array(points**3) / points**3)


def _preconditioner(points: int) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """The inverse of the regularizer, nearly: cosines are its eigenvectors but for second differences at the border.

    Where the regularizer says least the colors seen do; without it steps are ten to twenty times as many.
    """
    wave = (points - 1) ** 2 * (2 - 2 * np.cos(np.pi * np.arange(points) / points))
    axis = MEMBRANE * wave + PLATE * wave**2
    every = axis[:, None, None] + axis[:, None] + axis
    scale = points**3 / (every + SEEN)

    def apply(vector: NDArray[Any]) -> NDArray[np.float64]:
        waves = scipy.fft.dctn(vector.reshape(scale.shape), norm="ortho")
        whole: NDArray[np.float64] = scipy.fft.idctn(waves * scale, norm="ortho").ravel()
        return whole

    return apply
