"""Slicing a bilateral grid of affine color transforms [Chen2007, Gharbi2017].

A grid has shape ``(luma, rows, columns, 12)``: in each cell a 3x4 matrix, row by row, that maps ``(r, g, b, 1)`` to a
color. Slicing interpolates the cells trilinearly at a pixel's position and luma. Cell centers of the first and last
row lie on the first and last pixel row, likewise for columns, and luma 0 and 1 are the first and last luma cell.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.ops.color import rec601_luma

IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""The transform that changes nothing."""


def identity_grid(luma: int, rows: int, columns: int) -> Float[Tensor, "luma rows columns 12"]:
    """A grid that changes nothing."""
    return torch.tensor(IDENTITY).expand(luma, rows, columns, 12).clone()


def _corners(position: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Lower neighbour and weight of the upper one, for positions in [0, 1] over ``cells`` cells."""
    scaled = position.clamp(0, 1) * (cells - 1)
    lower = scaled.floor().clamp(max=max(cells - 2, 0))
    return lower.long(), scaled - lower


def slicing_matrix(luma: Float[Tensor, "1 1 h w"], cells: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Slicing as a sparse matrix (pixels x cells, CSR) and its transpose: for many slices at one small size.

    The guide does not change while a frame is optimized, so eight weights a pixel are computed once and a slice is
    one sparse product.
    """
    height, width = luma.shape[-2:]
    depth, rows, columns = cells
    device, pixels, total = luma.device, height * width, depth * rows * columns
    z, luma_shares = _ends(luma[0, 0].double().cpu(), depth)
    y, row_shares = _ends(torch.linspace(0, 1, height, dtype=torch.float64), rows)
    x, column_shares = _ends(torch.linspace(0, 1, width, dtype=torch.float64), columns)
    # Eight corners a pixel, in ascending order of their cells: the rows of a CSR matrix as it wants them.
    steps = [np.array([0, step if count > 1 else 0], np.int32) for step, count in
             ((rows * columns, depth), (columns, rows), (1, columns))]  # fmt: skip
    corners = (steps[0][:, None, None] + steps[1][:, None] + steps[2]).reshape(-1)
    index = (((z * rows + y[:, None]) * columns + x).reshape(-1, 1) + corners).reshape(-1)
    weights = luma_shares[:, :, :, None] * row_shares[:, None, None]
    weights = weights[..., None] * column_shares[:, None, None]
    values = torch.from_numpy(weights.reshape(-1)).to(luma.dtype).numpy()
    # The transpose: stably sorted by cell, pixels stay in order. NumPy sorts 16 bits in a few passes.
    order = np.argsort(index.astype(np.uint16) if total <= 2**16 else index, kind="stable")
    cell_pointers = np.zeros(total + 1, np.int32)
    np.cumsum(np.bincount(index, minlength=total), out=cell_pointers[1:])
    pixel = (order // len(corners)).astype(np.int32)
    pointers = np.arange(0, len(index) + 1, len(corners), dtype=np.int32)
    return (
        _sparse(pointers, index, values, (pixels, total), device),
        _sparse(cell_pointers, pixel, values[order], (total, pixels), device),
    )


def _ends(position: Tensor, cells: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """As `_corners`, in NumPy: the lower neighbour, and the weights of both in a last axis."""
    lower, share = _corners(position, cells)
    return lower.to(torch.int32).numpy(), torch.stack([1 - share, share], dim=-1).numpy()


def _sparse(
    pointers: NDArray[np.int32],
    index: NDArray[np.int32],
    values: NDArray[np.floating[Any]],
    shape: tuple[int, int],
    device: torch.device,
) -> Tensor:
    with warnings.catch_warnings():
        # PyTorch calls every CSR tensor a beta feature, once a process; products with dense matrices are all we use.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        matrix = torch.sparse_csr_tensor(
            torch.from_numpy(pointers),
            torch.from_numpy(index),
            torch.from_numpy(values),
            size=shape,
            check_invariants=False,
        )
    return matrix.to(device)


def slice_affine(
    grid: Float[Tensor, "luma rows columns 12"], frame: Float[Tensor, "1 3 h w"], strip: int = 64
) -> Float[Tensor, "1 3 h w"]:
    """The frame's colors transformed by the grid, at any size; colors may leave [0, 1].

    Works in strips of rows, so that memory stays at a few frames however many pixels there are: a transform is four
    times as large as the color it is for.
    """
    height, width = frame.shape[-2:]
    planes = grid.permute(1, 3, 0, 2)[None].to(frame.dtype).contiguous()
    x = _coordinate(width, grid.shape[2], frame)
    row, share = _corners(_row_places(height, frame), grid.shape[1])
    result = torch.empty_like(frame)
    for top in range(0, height, strip):
        here = slice(top, top + strip)
        part = frame[:, :, here]
        result[:, :, here] = _transformed(planes, part, rec601_luma(part), x, row[here], share[here])
    return result


def slice_grids(
    grids: Float[Tensor, "b luma rows columns 12"], frames: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 3 h w"]:
    """Each frame's colors transformed by its own grid; colors may leave [0, 1]. Differentiable in both.

    In one piece, for the sizes that networks are trained at; `slice_affine` needs less memory. The guide is no way for
    gradients: by it colors would be moved to where a transform is better.
    """
    height, width = frames.shape[-2:]
    planes = grids.permute(0, 2, 4, 1, 3).contiguous()
    x = _coordinate(width, grids.shape[3], frames)
    row, share = _corners(_row_places(height, frames), grids.shape[2])
    return _transformed(planes, frames, rec601_luma(frames.detach()), x, row, share)


def _transformed(planes: Tensor, frames: Tensor, luma: Tensor, x: Tensor, row: Tensor, share: Tensor) -> Tensor:
    """Frames transformed by planes ``(b, rows, 12, luma, columns)``, of which ``row`` is the one above each pixel row.

    A pixel row lies in one plane for all its pixels, so rows are a batch of sampling in two dimensions: half the
    corners a pixel of sampling in three, for which PyTorch has no vector code on CPUs.
    """
    batch, _, height, width = frames.shape
    below = (row + 1).clamp(max=planes.shape[1] - 1)
    cells = torch.lerp(planes[:, row], planes[:, below], share[:, None, None, None]).flatten(0, 1)
    guide = luma.reshape(batch * height, 1, width).clamp(0, 1) * 2 - 1
    position = torch.stack([x.expand_as(guide), guide], dim=-1)
    sliced = F.grid_sample(cells, position, padding_mode="border", align_corners=True)
    red, green, blue, shift = sliced.view(batch, height, 3, 4, width).unbind(dim=3)
    colors = frames.transpose(1, 2)[:, :, :, None]
    result = torch.addcmul(shift, red, colors[:, :, 0])
    return result.addcmul_(green, colors[:, :, 1]).addcmul_(blue, colors[:, :, 2]).transpose(1, 2)


def _row_places(height: int, like: Tensor) -> Tensor:
    """Pixel rows from 0 to 1; a single one sits at the first."""
    return torch.linspace(0, 1, height, dtype=like.dtype, device=like.device)


def _coordinate(pixels: int, cells: int, like: Tensor) -> Tensor:
    """Pixel centers in grid_sample's [-1, 1]; a single pixel or cell sits at the first."""
    if pixels == 1 or cells == 1:
        return like.new_full((pixels,), -1.0)
    return torch.linspace(-1, 1, pixels, dtype=like.dtype, device=like.device)
