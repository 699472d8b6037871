"""A picture's planes gathered in a bilateral grid: the mean over the pixels that each cell stands for [Chen2007].

It is slicing turned around: a pixel counts in the cells that would color it, by the same weights.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

REACHES = 6
"""Times that what is known is spread to the cells around, for those that no pixel falls in."""

FADING = 0.08
"""What each further time counts."""


def splat(
    planes: Float[Tensor, "b c h w"], luma: Float[Tensor, "b 1 h w"], cells: tuple[int, int, int]
) -> tuple[Float[Tensor, "b c luma rows columns"], Float[Tensor, "b 1 luma rows columns"]]:
    """Mean of each plane in each cell, and the number of pixels there.

    A cell with few pixels of its own goes by the cells around it, and one far from all by the whole picture.

    Args:
        planes: whatever there is to know of pixels, such as regions or colors.
        luma: their place along the grid's first axis, in [0, 1].
        cells: along luma, rows and columns; as for `photovst.ops.bilateral_grid`.
    """
    batch, count, height, width = planes.shape
    depth, rows, columns = cells
    z, z_weight = _corners(luma[:, 0].clamp(0, 1), depth)
    y, y_weight = _corners(torch.linspace(0, 1, height, device=luma.device, dtype=luma.dtype)[:, None], rows)
    x, x_weight = _corners(torch.linspace(0, 1, width, device=luma.device, dtype=luma.dtype)[None], columns)
    first = torch.arange(batch, device=luma.device)[:, None, None] * (depth * rows * columns)
    known = torch.cat([planes, torch.ones_like(luma)], dim=1).permute(1, 0, 2, 3)
    sums = known.new_zeros(count + 1, batch * depth * rows * columns)
    for dz, dy, dx in itertools.product((0, 1), repeat=3):
        weight = z_weight[dz] * y_weight[dy] * x_weight[dx]
        place = first + ((z[dz] * rows + y[dy]) * columns + x[dx])
        sums.index_add_(1, place.flatten(), (known * weight).flatten(1))
    sums = sums.view(count + 1, batch, depth, rows, columns).transpose(0, 1)
    spread = _spread(sums)
    whole = sums.mean(dim=(2, 3, 4), keepdim=True) * FADING ** (REACHES + 2)
    spread = spread + whole
    return spread[:, :-1] / spread[:, -1:], sums[:, -1:]


def _corners(position: Tensor, cells: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Places of the lower and the upper cell, and their weights."""
    scaled = position * (cells - 1)
    lower = scaled.floor().clamp(max=max(cells - 2, 0))
    upper = scaled - lower
    place = lower.long()
    return (place, (place + 1).clamp(max=cells - 1)), (1 - upper, upper)


def _spread(sums: Tensor) -> Tensor:
    """What cells hold, and less and less of what those around them do."""
    batch, count = sums.shape[:2]
    kernel = sums.new_tensor([0.25, 0.5, 0.25])
    spread, total, share = sums.flatten(0, 1)[:, None], sums, 1.0
    for _ in range(REACHES):
        for axis in range(3):
            if sums.shape[2 + axis] == 1:
                continue
            shape = [1, 1, 1, 1, 1]
            shape[2 + axis] = 3
            beside = [0] * 6
            beside[4 - 2 * axis] = beside[5 - 2 * axis] = 1
            spread = F.conv3d(F.pad(spread, beside, mode="replicate"), kernel.view(shape))
        share *= FADING
        total = total + share * spread.view(batch, count, *sums.shape[2:])
    return total
