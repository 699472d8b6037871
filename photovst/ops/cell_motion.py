"""Flow as the cells of a grid over the picture see it: the mean motion around each, by what of it can be trusted."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from photovst.ops.resize import resize

REACH = 2.0
"""Cells over which motion is smoothed (sigma of a Gaussian): neighboring cells that part would fold the grid."""

LEAST = 1e-3
"""Weight of the mean motion of the picture where nothing near can be trusted."""


def cell_motion(
    flow: Float[Tensor, "1 2 h w"], certainty: Float[Tensor, "1 1 h w"], cells: tuple[int, int]
) -> Float[Tensor, "1 2 rows columns"]:
    """Motion of the cells of a grid, in cells, x then y; ``certainty`` in [0, 1] weighs the flow's pixels.

    Cell centers span the picture from edge to edge, as in slicing. Where nothing around a cell is certain it moves as
    the picture does on average; where nothing at all is, it stays.
    """
    height, width = flow.shape[-2:]
    rows, columns = cells
    scale = flow.new_tensor([(columns - 1) / max(width - 1, 1), (rows - 1) / max(height - 1, 1)])
    weight = certainty.to(flow)
    moved = _smooth(resize(flow * weight * scale[None, :, None, None], cells))
    trusted = _smooth(resize(weight, cells))
    mean = moved.mean(dim=(2, 3), keepdim=True) / trusted.mean(dim=(2, 3), keepdim=True).clamp_min(LEAST)
    return (moved + LEAST * mean) / (trusted + LEAST)


def _smooth(planes: Tensor) -> Tensor:
    """A Gaussian over the cells; beyond the border the outermost go on."""
    radius = round(3 * REACH)
    offsets = torch.arange(-radius, radius + 1, dtype=planes.dtype, device=planes.device)
    kernel = torch.exp(-0.5 * (offsets / REACH) ** 2)
    kernel = (kernel / kernel.sum()).expand(planes.shape[1], 1, 1, -1)
    count = planes.shape[1]
    across = functional.conv2d(functional.pad(planes, (radius, radius, 0, 0), "replicate"), kernel, groups=count)
    down = functional.pad(across, (0, 0, radius, radius), "replicate")
    return functional.conv2d(down, kernel.transpose(2, 3), groups=count)
