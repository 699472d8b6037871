"""Motion over several frames from that between neighbors, with what is lost on the way."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from photovst.errors import MediaError
from photovst.ops.warp import positions

MIXED = 0.5
"""Pixels by which a bilinear lookup of flow may differ from the nearest pixel's; beyond, two motions are mixed."""


def chained(
    flow: Float[Tensor, "b 2 h w"],
    certainty: Float[Tensor, "b 1 h w"],
    onward: Float[Tensor, "b 2 rows columns"],
    certainty_onward: Float[Tensor, "b 1 rows columns"],
    corner: tuple[int, int] = (0, 0),
) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 1 h w"]]:
    """The flow from a to c and its certainty, on a's grid, from those of a to b and of b to c.

    What lands outside b, or where two motions in b meet, is lost: its certainty is 0. Elsewhere it is the product of
    both. A chain of many frames is built link by link, each with the same first grid.

    Args:
        flow: from a to b; it may be known in a window of the picture only.
        certainty: of that.
        onward: from b to c, of the whole picture.
        certainty_onward: of that.
        corner: top and left of the window in the whole picture.

    Raises:
        MediaError: a flow and its certainty differ in size.
    """
    for vectors, of in ((flow, certainty), (onward, certainty_onward)):
        if vectors.shape[-2:] != of.shape[-2:]:
            raise MediaError(f"the flow is {tuple(vectors.shape)} but its certainty {tuple(of.shape)}; give one size")
    rows, columns = onward.shape[-2:]
    x, y = positions(flow).unbind(1)
    x, y = x + corner[1], y + corner[0]
    seen = (x >= 0) & (x <= columns - 1) & (y >= 0) & (y <= rows - 1)
    grid = torch.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], dim=1).permute(0, 2, 3, 1)
    planes = torch.cat([onward, certainty_onward], dim=1)
    # On the border row a lookup may round to just outside: `seen` tells, and the padding must not darken it.
    found = functional.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)
    nearest = functional.grid_sample(onward, grid, mode="nearest", padding_mode="border", align_corners=False)
    single = (found[:, :2] - nearest).square().sum(dim=1) <= MIXED**2
    kept = (seen & single)[:, None]
    return flow + found[:, :2], certainty * found[:, 2:] * kept
