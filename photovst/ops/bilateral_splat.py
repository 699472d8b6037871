"""A picture's planes gathered in a bilateral grid: the mean over the pixels that each cell stands for [Chen2007].

It is slicing turned around: a pixel counts in the cells that would color it, by the same weights.
"""

from __future__ import annotations

import torch
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
    height, width = planes.shape[-2:]
    depth, rows, columns = cells
    known = torch.cat([planes, torch.ones_like(luma)], dim=1)
    down, across = (
        _hats(torch.linspace(0, 1, pixels, dtype=luma.dtype, device=luma.device), places)
        for pixels, places in zip((height, width), (rows, columns), strict=True)
    )
    heights = luma.clamp(0, 1) * (depth - 1)
    # One luma after the other: all at once would be as many copies of the planes.
    sums = torch.stack(
        [down.T @ (known * (1 - (heights - z).abs()).clamp_min(0) @ across) for z in range(depth)], dim=2
    )
    spread = _spread(sums)
    whole = sums.mean(dim=(2, 3, 4), keepdim=True) * FADING ** (REACHES + 2)
    spread = spread + whole
    return spread[:, :-1] / spread[:, -1:], sums[:, -1:]


def _hats(positions: Float[Tensor, " n"], cells: int) -> Float[Tensor, "n cells"]:
    """How much each position in [0, 1] counts in each of so many cells."""
    places = torch.arange(cells, device=positions.device, dtype=positions.dtype)
    return (1 - (positions[:, None] * (cells - 1) - places).abs()).clamp_min(0)


def _spread(sums: Float[Tensor, "b c luma rows columns"]) -> Float[Tensor, "b c luma rows columns"]:
    """What cells hold, and less and less of what those around them do."""
    over_luma, over_rows, over_columns = (_blur(cells, sums) for cells in sums.shape[2:])
    spread, total, share = sums, sums, 1.0
    for _ in range(REACHES):
        spread = over_rows @ (spread @ over_columns)
        spread = (over_luma @ spread.flatten(3)).view_as(sums)
        share *= FADING
        total = total + share * spread
    return total


def _blur(cells: int, like: Tensor) -> Float[Tensor, "cells cells"]:
    """Half of a cell, a quarter of the one on either side; the outermost go on beyond the borders. Symmetric."""
    place, own = torch.arange(cells, device=like.device), torch.eye(cells, device=like.device, dtype=like.dtype)
    return own / 2 + (own[(place - 1).clamp_min(0)] + own[(place + 1).clamp(max=cells - 1)]) / 4
