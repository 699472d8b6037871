"""What a grid of color transforms is expected to be before any photograph is seen.

Light and weather change a scene region by region: inside a region the transform hardly varies over the picture, along
luma it bends gently, and contrast stays what it is. Without this an optimizer paints the photograph's variety into flat
skies as blotches, and makes the noise of a clip as strong as its detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.ops.bilateral_grid import IDENTITY
from photovst.ops.masks import resize_masks

BORDER = 50.0
"""Neighbouring cells are of one region by ``exp(-BORDER |difference of their memberships|^2)``."""

CURVATURE = 0.3
"""About the curvature of the rest of the objective in whitened colors; what is steeper gets evened out."""


@dataclass(frozen=True)
class GridPrior:
    """Weights of the grid's regularizer.

    Gradients are per side of the frame and per range of luma: a weight means the same for every number of cells.

    Args:
        smoothness: of squared gradients over the picture, and the scale of the three others.
        luma: how many times as much gradients along luma count.
        within: how many times as much gradients inside a region count, against those across the border of two.
        gain: how many times as much the 3x3 part's squared distance to the identity counts.
    """

    smoothness: float
    luma: float = 1.0
    within: float = 1.0
    gain: float = 0.0

    def roughness(self, grid: Float[Tensor, "luma rows columns 12"], regions: RegionLinks) -> Float[Tensor, ""]:
        """The regularizer without ``smoothness``: 0 for one transform everywhere that keeps contrasts."""
        total = grid.new_zeros(())
        for axis in range(3):
            cells = grid.shape[axis]
            if cells == 1:
                continue
            gradient = (grid.diff(dim=axis) * (cells - 1)).square()
            if axis == 0:
                total = total + self.luma * gradient.mean()
            else:
                links = (regions.down, regions.across)[axis - 1]
                total = total + (gradient * (1 + (self.within - 1) * links)[..., None]).mean()
        if self.gain:
            matrix = grid.view(*grid.shape[:3], 3, 4)[..., :3]
            identity = grid.new_tensor(IDENTITY).view(3, 4)[:, :3]
            total = total + self.gain * (matrix - identity).square().mean()
        return total


@dataclass(frozen=True, eq=False)
class RegionLinks:
    """How much neighbouring cells are of one region, 0 to 1: ``down`` the picture and ``across`` it."""

    down: Float[Tensor, "rows-1 columns"]
    across: Float[Tensor, "rows columns-1"]

    @classmethod
    def of(cls, masks: Float[Tensor, "1 k h w"], rows: int, columns: int) -> RegionLinks:
        """The links between the cells of a grid over a picture with these regions."""
        cells = resize_masks(masks, (rows, columns))[0]
        down, across = (torch.exp(-BORDER * cells.diff(dim=axis).square().sum(dim=0)) for axis in (1, 2))
        return cls(down, across)


class Preconditioner:
    """Coordinates of a grid in which its regularizer is about as steep every way.

    Squared differences of neighbours are diagonal in the cosine basis (DCT-II), where their weight grows with the
    square of the frequency: nothing for the whole grid together against thousands for one cell against the next. Steps
    that suit the one are hopeless for the other, so each coordinate is divided by the root of its weight.

    Args:
        shape: luma, rows and columns.
        prior: the regularizer.
        like: a tensor of the grid's kind: device and precision.
    """

    def __init__(self, shape: tuple[int, int, int], prior: GridPrior, like: Tensor) -> None:
        weights = (prior.luma, prior.within, prior.within)
        steepness = np.full(shape, prior.gain)
        self.bases = []
        for axis, (cells, weight) in enumerate(zip(shape, weights, strict=True)):
            frequencies = 2 - 2 * np.cos(np.pi * np.arange(cells) / cells)
            along = [1, 1, 1]
            along[axis] = cells
            steepness = steepness + weight * (cells - 1) ** 2 * frequencies.reshape(along)
            self.bases.append(torch.from_numpy(_cosines(cells).T.copy()).to(like))
        # A unit of the lowest coordinate moves every cell by one, as Adam's step size expects.
        scale = (np.prod(shape) / (1 + prior.smoothness / CURVATURE * steepness)) ** 0.5
        self.scale = torch.from_numpy(scale).to(like)[..., None]

    def __call__(self, coordinates: Float[Tensor, "luma rows columns 12"]) -> Tensor:
        """The grid these coordinates mean: their inverse cosine transform, scaled."""
        luma, rows, columns = self.bases
        grid = coordinates * self.scale
        # Along each axis with what lies behind it in one piece: no axis is moved, which takes longer than the products.
        grid = (luma @ grid.flatten(1)).view_as(grid)
        grid = (rows @ grid.flatten(2)).view_as(grid)
        return columns @ grid


def _cosines(cells: int) -> NDArray[np.float64]:
    """The orthonormal DCT-II as a matrix, frequencies by cells."""
    frequency, cell = np.arange(cells)[:, None], np.arange(cells)
    basis: NDArray[np.float64] = np.cos(np.pi * frequency * (2 * cell + 1) / (2 * cells)) * (2 / cells) ** 0.5
    basis[0] *= 0.5**0.5
    return basis
