"""A bilateral grid of affine color transforms as the thing that is optimized.

Its picture is locally affine in the frame's colors by construction, which is the set that [Luan2017]'s matting term
pulls towards; it is solved at a small size and applied at full size with the frame itself as the guide [Chen2016].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.bilateral_grid import identity_grid, slice_affine, slicing_matrix
from photovst.ops.color import rec601_luma
from photovst.ops.resize import resize
from photovst.ops.warp import warp
from photovst.storage import Arrays

RIDGE = 1e-2
"""Added to the color second moments before they are inverted, so that gray frames stay solvable."""


@dataclass(frozen=True, eq=False)
class BilateralGrid:
    """The grid and the picture it makes; see `Parametrization`.

    Args:
        grid: affine transforms by luma, row and column.
    """

    grid: Float[Tensor, "luma rows columns 12"]

    @classmethod
    def identity(cls, luma: int, rows: int, columns: int, device: torch.device) -> BilateralGrid:
        """The grid that changes nothing."""
        return cls(identity_grid(luma, rows, columns).to(device))

    def fit(self, frame: Float[Tensor, "1 3 h w"]) -> GridFit:
        """Begin to optimize from this grid, on this frame at this size."""
        return GridFit(self.grid, frame)

    @torch.no_grad()
    def lift(self, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """Slice at the frame's own size, by its own luma."""
        return slice_affine(self.grid, frame).clamp_(0, 1)

    @torch.no_grad()
    def propagated(self, flow_to_previous: Float[Tensor, "1 2 h w"]) -> BilateralGrid:
        """Each cell takes the transform from where the flow says its pixels were."""
        luma, rows, columns, _ = self.grid.shape
        height, width = flow_to_previous.shape[-2:]
        # Mean motion around a cell, in cells: cell centers span the frame from edge to edge.
        cells = resize(flow_to_previous, (rows, columns))
        scale = cells.new_tensor([(columns - 1) / max(width - 1, 1), (rows - 1) / max(height - 1, 1)])
        planes = self.grid.permute(0, 3, 1, 2).reshape(1, luma * 12, rows, columns)
        moved = warp(planes, cells * scale[None, :, None, None])
        return BilateralGrid(moved.view(luma, 12, rows, columns).permute(0, 2, 3, 1).contiguous())

    def blended(self, other: BilateralGrid, t: float) -> BilateralGrid:
        """The mean of two grids, ``t`` of it the other's."""
        return BilateralGrid(torch.lerp(self.grid, other.grid, t))

    def state(self) -> Arrays:
        """The grid as float32."""
        return {"grid": self.grid.cpu().numpy().astype(np.float32)}

    def restored(self, arrays: Arrays) -> BilateralGrid:
        """The grid of a stored state."""
        return BilateralGrid(torch.from_numpy(arrays["grid"]).to(self.grid))


class GridFit:
    """A grid while it is optimized on one frame: see `Fit`.

    The optimizer does not move transforms as they are, but their change in coordinates where the frame's colors are
    white: red, green and blue of a photograph are so alike that their three columns fight each other, and L-BFGS
    needs several times the steps to tell them apart.
    """

    def __init__(self, start: Tensor, frame: Tensor) -> None:
        self._start = start
        self._size = frame.shape[-2:]
        pixels = frame[0].flatten(1)
        self._colors = torch.cat([pixels, torch.ones_like(pixels[:1])]).T[:, None]
        moments = (self._colors[:, 0].double().T @ self._colors[:, 0].double()) / pixels.shape[1]
        values, vectors = torch.linalg.eigh(moments)
        whitening = vectors @ torch.diag((values.clamp_min(0) + RIDGE).rsqrt()) @ vectors.T
        self._whitening = (whitening / whitening[3, 3]).to(start)
        self._slice, self._slice_transposed = slicing_matrix(
            rec601_luma(frame), (start.shape[0], start.shape[1], start.shape[2])
        )
        self._change = torch.zeros_like(start).requires_grad_(True)

    @property
    def variables(self) -> list[Tensor]:
        """The change of the transforms, in whitened coordinates."""
        return [self._change]

    def grid(self) -> Float[Tensor, "luma rows columns 12"]:
        """The transforms for the current variables."""
        change = self._change.view(-1, 3, 4) @ self._whitening
        grid: Tensor = self._start + change.view_as(self._start)
        return grid

    def render(self) -> Float[Tensor, "1 3 h w"]:
        """Slice the grid and transform the frame's colors."""
        sliced: Tensor = _Product.apply(  # type: ignore[no-untyped-call]
            self.grid().reshape(-1, 12), self._slice, self._slice_transposed
        )
        colors = (sliced.view(-1, 3, 4) * self._colors).sum(dim=2)
        return colors.T.reshape(1, 3, *self._size)

    def roughness(self) -> Float[Tensor, ""]:
        """Mean squared difference of neighbouring cells, summed over the three axes."""
        grid = self.grid()
        total = grid.new_zeros(())
        for axis in range(3):
            if grid.shape[axis] > 1:
                total = total + grid.diff(dim=axis).square().mean()
        return total

    @torch.no_grad()
    def result(self) -> BilateralGrid:
        """The grid for the current variables."""
        return BilateralGrid(self.grid())


class _Product(torch.autograd.Function):
    """A sparse matrix times a dense one; the gradient takes the transpose that is at hand."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ dense

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ gradients[0].contiguous(), None, None
