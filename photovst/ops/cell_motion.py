"""Flow as the cells of a grid over the picture see it: the mean motion around each, by what of it can be trusted."""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.resize import resize

REACH = 2.0
"""Cells over which motion is smoothed (sigma of a Gaussian): neighboring cells that part would fold the grid."""

LEAST = 1e-3
"""Weight of the mean motion of the picture where nothing near can be trusted."""


def cell_motion(
    flow: Float[Tensor, "b 2 h w"], certainty: Float[Tensor, "b 1 h w"], cells: tuple[int, int]
) -> Float[Tensor, "b 2 rows columns"]:
    """Motion of the cells of a grid, in cells, x then y; ``certainty`` in [0, 1] weighs the flow's pixels.

    Cell centers span the picture from edge to edge, as in slicing. Where nothing around a cell is certain it moves as
    the picture does on average; where nothing at all is, it stays.
    """
    height, width = flow.shape[-2:]
    rows, columns = cells
    scale = flow.new_tensor([(columns - 1) / max(width - 1, 1), (rows - 1) / max(height - 1, 1)])
    weight = certainty.to(flow)
    planes = torch.cat([flow * weight * scale[None, :, None, None], weight], dim=1)
    down, across = _smoothing(height, rows).to(flow), _smoothing(width, columns).to(flow)
    smooth = down @ planes @ across.T
    moved, trusted = smooth[:, :2], smooth[:, 2:]
    mean = moved.mean(dim=(2, 3), keepdim=True) / trusted.mean(dim=(2, 3), keepdim=True).clamp_min(LEAST)
    motion: Tensor = (moved + LEAST * mean) / (trusted + LEAST)
    return motion


@cache
def _smoothing(pixels: int, cells: int) -> Float[Tensor, "cells pixels"]:
    """Means over the pixels of each cell, and of these by a Gaussian; beyond the border the outermost go on."""
    means = resize(torch.eye(pixels)[None, None], (cells, pixels))[0, 0]
    radius = round(3 * REACH)
    offsets = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-0.5 * (offsets / REACH) ** 2)
    neighbors = (torch.arange(cells)[:, None] + offsets).clamp(0, cells - 1)
    gaussian = torch.zeros(cells, cells).scatter_add_(1, neighbors, (kernel / kernel.sum()).expand(cells, -1))
    return gaussian @ means
