"""A bilateral grid of affine color transforms as the thing that is optimized.

Its picture is locally affine in the frame's colors by construction, which is the set that [Luan2017]'s matting term
pulls towards; it is solved at a small size and applied at full size with the frame itself as the guide [Chen2016].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from photovst.ops.bilateral_grid import identity_grid, slice_affine, slicing_matrix
from photovst.ops.color import rec601_luma
from photovst.ops.resize import resize
from photovst.ops.warp import warp
from photovst.optimize.grid_prior import GridPrior, Preconditioner, RegionLinks
from photovst.storage import Arrays

RIDGE = 1e-2
"""Added to the color second moments before they are inverted, so that gray frames stay solvable."""


@dataclass(frozen=True, eq=False)
class BilateralGrid:
    """The grid and the picture it makes; see `Parametrization`.

    Args:
        grid: affine transforms by luma, row and column.
        prior: what it is held to while it is optimized.
    """

    grid: Float[Tensor, "luma rows columns 12"]
    prior: GridPrior

    @classmethod
    def identity(cls, cells: tuple[int, int, int], prior: GridPrior, device: torch.device) -> BilateralGrid:
        """The grid that changes nothing, of so many cells along luma, rows and columns."""
        return cls(identity_grid(*cells).to(device), prior)

    def fit(self, frame: Float[Tensor, "1 3 h w"], masks: Float[Tensor, "1 k _h _w"]) -> GridFit:
        """Begin to optimize from this grid, on this frame at this size with these regions."""
        return GridFit(self, frame, masks)

    @torch.no_grad()
    def lift(self, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """Slice at the frame's own size, by its own luma."""
        return slice_affine(self.grid, frame).clamp_(0, 1)

    @torch.no_grad()
    def propagated(self, flow_to_previous: Float[Tensor, "1 2 h w"]) -> BilateralGrid:
        """Each cell takes the transform from where the flow says its pixels were."""
        _, rows, columns, _ = self.grid.shape
        height, width = flow_to_previous.shape[-2:]
        # Mean motion around a cell, in cells: cell centers span the frame from edge to edge.
        cells = resize(flow_to_previous, (rows, columns))
        scale = cells.new_tensor([(columns - 1) / max(width - 1, 1), (rows - 1) / max(height - 1, 1)])
        return self.moved(cells * scale[None, :, None, None])

    @torch.no_grad()
    def moved(self, cells: Float[Tensor, "1 2 rows columns"]) -> BilateralGrid:
        """Each cell takes the transform from so many cells away, x then y."""
        luma, rows, columns, _ = self.grid.shape
        planes = self.grid.permute(0, 3, 1, 2).reshape(1, luma * 12, rows, columns)
        moved = warp(planes, cells)
        return replace(self, grid=moved.view(luma, 12, rows, columns).permute(0, 2, 3, 1).contiguous())

    def transferred(self, frame: Float[Tensor, "1 3 h w"]) -> BilateralGrid:
        """The grid itself: it holds transforms and no picture."""
        return self

    @torch.no_grad()
    def blended(self, other: BilateralGrid, share: float | Float[Tensor, "1 1 _h _w"]) -> BilateralGrid:
        """The mean of two grids, with a share of the other; a map of shares is averaged over each cell's place."""
        t = torch.as_tensor(share).to(self.grid)
        if t.ndim:
            t = resize(t, (self.grid.shape[1], self.grid.shape[2]))[0, 0, None, :, :, None]
        return replace(self, grid=torch.lerp(self.grid, other.grid, t))

    @torch.no_grad()
    def resampled(self, cells: tuple[int, int, int]) -> BilateralGrid:
        """The grid at so many cells along luma, rows and columns, trilinear; at its own number as it is."""
        if cells == tuple(self.grid.shape[:3]):
            return self
        # The outermost cells lie on the frame's edges, as in slicing.
        planes = self.grid.permute(3, 0, 1, 2)[None]
        moved = F.interpolate(planes, cells, mode="trilinear", align_corners=True)
        return replace(self, grid=moved[0].permute(1, 2, 3, 0).contiguous())

    def state(self) -> Arrays:
        """The grid as float32."""
        return {"grid": self.grid.cpu().numpy().astype(np.float32)}

    def restored(self, arrays: Arrays) -> BilateralGrid:
        """The grid of a stored state."""
        return replace(self, grid=torch.from_numpy(arrays["grid"]).to(self.grid))


class GridFit:
    """A grid while it is optimized on one frame: see `Fit`.

    The optimizer does not move transforms as they are, but their change in better coordinates. Over the cells these are
    the preconditioner's. In color they are where the frame's colors are white: red, green and blue of a photograph are
    so alike that their three columns fight each other, and L-BFGS needs several times the steps to tell them apart.
    """

    def __init__(self, start: BilateralGrid, frame: Tensor, masks: Tensor) -> None:
        self._start = start
        self._size = frame.shape[-2:]
        luma, rows, columns, _ = start.grid.shape
        pixels = frame[0].flatten(1)
        self._colors = torch.cat([pixels, torch.ones_like(pixels[:1])]).T.contiguous()
        moments = (self._colors.double().T @ self._colors.double()) / pixels.shape[1]
        values, vectors = torch.linalg.eigh(moments)
        whitening = vectors @ torch.diag((values.clamp_min(0) + RIDGE).rsqrt()) @ vectors.T
        self._whitening = (whitening / whitening[3, 3]).to(start.grid)
        self._precondition = Preconditioner((luma, rows, columns), start.prior, start.grid)
        self._links = RegionLinks.of(masks.to(start.grid), rows, columns)
        self._slice, self._slice_transposed = slicing_matrix(rec601_luma(frame), (luma, rows, columns))
        self._change = torch.zeros_like(start.grid).requires_grad_(True)

    @property
    def variables(self) -> list[Tensor]:
        """The change of the transforms, in the fit's own coordinates."""
        return [self._change]

    @property
    def roughness_weight(self) -> float:
        """Weight of the roughness in the loss."""
        return self._start.prior.smoothness

    def grid(self) -> Float[Tensor, "luma rows columns 12"]:
        """The transforms for the current variables."""
        change = self._precondition(self._change).reshape(-1, 3, 4) @ self._whitening
        grid: Tensor = self._start.grid + change.view_as(self._start.grid)
        return grid

    def render(self) -> Float[Tensor, "1 3 h w"]:
        """Slice the grid and transform the frame's colors."""
        return self._rendered(self.grid())

    def evaluate(self) -> tuple[Float[Tensor, "1 3 h w"], Float[Tensor, ""]]:
        """The same, and how far the grid is from what is expected of one: `GridPrior.roughness`."""
        grid = self.grid()
        return self._rendered(grid), self._start.prior.roughness(grid, self._links)

    def _rendered(self, grid: Tensor) -> Tensor:
        colors: Tensor = _Sliced.apply(  # type: ignore[no-untyped-call]
            grid.reshape(-1, 12), self._slice, self._slice_transposed, self._colors
        )
        return colors.T.reshape(1, 3, *self._size)

    @torch.no_grad()
    def result(self) -> BilateralGrid:
        """The grid for the current variables."""
        return replace(self._start, grid=self.grid())


class _Sliced(torch.autograd.Function):
    """Transforms by cell into colors by pixel: a sparse product, and each pixel's transform times its color.

    The gradient takes the sparse matrix's transpose, which is at hand, and keeps no transform of any pixel.
    """

    @staticmethod
    def forward(ctx: Any, cells: Tensor, matrix: Tensor, transposed: Tensor, colors: Tensor) -> Tensor:
        ctx.transposed, ctx.colors = transposed, colors
        red, green, blue, shift = (matrix @ cells).view(-1, 3, 4).unbind(dim=2)
        result = torch.addcmul(shift, red, colors[:, 0:1])
        return result.addcmul_(green, colors[:, 1:2]).addcmul_(blue, colors[:, 2:3])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        of_transforms = gradients[0].contiguous()[:, :, None] * ctx.colors[:, None]
        return ctx.transposed @ of_transforms.view(-1, 12), None, None, None
