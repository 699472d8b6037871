"""A network that predicts a bilateral grid of color transforms in place of pixels [Gharbi2017].

It looks at a small copy of the frame, and what it predicts is applied at the frame's full size. The result is locally
affine in the frame's colors by construction, so edges stay where they are, and its cost hardly grows with the size. In
the design of [Gharbi2017]: strided convolutions, then a local path at the grid's size and a global one for the whole
picture, added. Ours: the small copy keeps the frame's shape, no learned guide but luma, no normalization between
layers, and what is predicted is the difference from the identity, so that an untrained network changes nothing.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from photovst.ops.bilateral_grid import IDENTITY, slice_grids
from photovst.ops.resize import limit_long_side, resize

STRIDE = 8
"""Pixels of the small copy from one place to the next where features are taken."""

MARGIN = 2
"""Places beyond each border that are looked at, and left out again: near a border convolutions see what is not there,
and would paint it as a dark or colored rim."""


class GridNetwork(nn.Module):
    """``network(frame) -> frame`` of the same size, both RGB in [0, 1].

    Args:
        luma: cells of the grid along luma.
        rows: cells from top to bottom.
        columns: cells from left to right.
        width: channels of the first layer; they double up to four times as many.
        size: longer side of the small copy in pixels.
    """

    identity: Tensor

    def __init__(self, luma: int = 8, rows: int = 12, columns: int = 16, width: int = 16, size: int = 192) -> None:
        super().__init__()
        self.luma, self.cells, self.size = luma, (rows, columns), size
        self.look = looking(width)
        deep = 4 * width
        self.local = nn.Sequential(_layer(deep, deep), nn.Conv2d(deep, deep, 3, padding=1, padding_mode="replicate"))
        self.whole = nn.Sequential(nn.Linear(2 * deep, deep), nn.ReLU(), nn.Linear(deep, deep))
        self.head = nn.Conv2d(deep, luma * len(IDENTITY), 1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)
        self.register_buffer("identity", torch.tensor(IDENTITY), persistent=False)

    def forward(self, frame: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The frame, recolored, in [0, 1]."""
        return slice_grids(self.grids(frame), frame).clamp(0, 1)

    def with_features(
        self, frame: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b luma rows columns 12"]]:
        """The frame, recolored, not yet cut off at black and white, and the grid that does it: what is trained."""
        grids = self.grids(frame)
        return slice_grids(grids, frame), grids

    def grids(self, frame: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b luma rows columns 12"]:
        """The grid of each frame."""
        return self.predicted(self.small(frame))

    def small(self, frame: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 _h _w"]:
        """The copy of the frame that the network looks at."""
        return resize(frame, limit_long_side((frame.shape[-2], frame.shape[-1]), self.size))

    def predicted(self, small: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b luma rows columns 12"]:
        """The grid for a small copy of a frame, of any size."""
        seen = seen_by(self.look, small)
        power = (seen.square().mean(dim=(2, 3)) + 1e-6).sqrt()
        whole = self.whole(torch.cat([seen.mean(dim=(2, 3)), power], dim=1))
        local = self.local(resize(seen, self.cells))
        cells = self.head((local + whole[..., None, None]).relu())
        batch, rows, columns = len(cells), *self.cells
        difference = cells.view(batch, self.luma, len(IDENTITY), rows, columns).permute(0, 1, 3, 4, 2)
        grids: Tensor = self.identity + difference
        return grids


def looking(width: int) -> nn.Sequential:
    """Layers that look at a small copy of a frame: to four times ``width`` channels at an eighth of its size."""
    channels = [3, width, 2 * width, 4 * width]
    return nn.Sequential(
        *(_layer(a, b, stride=2) for a, b in itertools.pairwise(channels)), _layer(channels[-1], channels[-1])
    )


def seen_by(look: nn.Module, small: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c _h _w"]:
    """What such layers see in a small copy, RGB in [0, 1], at an eighth of its size rounded up."""
    height, width = small.shape[-2:]
    beyond = MARGIN * STRIDE
    mode = "reflect" if min(height, width) > beyond else "replicate"
    seen = look(F.pad(2 * small - 1, (beyond,) * 4, mode=mode))
    rows, columns = -(-height // STRIDE), -(-width // STRIDE)
    inner: Tensor = seen[..., MARGIN : MARGIN + rows, MARGIN : MARGIN + columns]
    return inner


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, padding_mode="replicate"), nn.ReLU())
