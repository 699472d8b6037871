"""A photograph's light on any frame in one pass: a bilateral grid predicted from the regions of both.

What light and weather do to a region is, for the most part, a linear map of its colors, and the one from the region's
colors to its counterpart's in the photograph is known in closed form [Pitie2007]. So each region's map is computed, and
placed in the grid [Chen2007, Gharbi2017] in the cells whose pixels, by place and luma, belong to the region; the
network predicts what is to be added to them, from what it sees in the frame and from the style vectors of both. An
untrained network is the closed form. The result is locally affine in the frame's colors by construction.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.grid_network import looking, seen_by
from photovst.models.style_predictors import masked_mean
from photovst.ops.bilateral_grid import IDENTITY, slice_grids
from photovst.ops.bilateral_splat import splat
from photovst.ops.color import rec601_luma
from photovst.ops.masks import check_one_each, resize_masks, without_empty
from photovst.ops.resize import limit_long_side, resize
from photovst.ops.transport import color_moments, transport

QUANTILES = 9
"""Of luma, in a style vector."""

MOMENTS = 12
"""Numbers of a mean and a covariance of colors."""


class Photographic(nn.Module):
    """``network(frame, vectors, masks) -> frame`` of the same size, both RGB in [0, 1].

    A style vector is the mean and covariance of a region's colors, quantiles of its luma, and ``learned`` numbers.

    Args:
        luma: cells of the grid along luma.
        rows: cells from top to bottom.
        columns: cells from left to right.
        width: channels of the first layer; they double up to four times as many.
        size: longer side of the small copy that is looked at, in pixels.
        learned: numbers of a style vector that the network chooses itself.
        ridge: of the closed form, see `transport`: variance of color below which contrasts are hardly raised.
    """

    def __init__(
        self,
        luma: int = 8,
        rows: int = 12,
        columns: int = 16,
        width: int = 16,
        size: int = 192,
        learned: int = 24,
        ridge: float = 5e-3,
    ) -> None:
        super().__init__()
        self.cells, self.size, self.ridge = (luma, rows, columns), size, ridge
        self.vector_size = MOMENTS + QUANTILES + learned
        deep = 4 * width
        self.look = looking(width)
        self.say = nn.Linear(2 * deep, learned)
        self.compare = nn.Sequential(
            nn.Linear(2 * self.vector_size + len(IDENTITY), 2 * deep), nn.ReLU(), nn.Linear(2 * deep, deep)
        )
        self.local = nn.Conv2d(deep, deep, 3, padding=1, padding_mode="replicate")
        self.judge = nn.Sequential(
            nn.Conv3d(2 * deep + 5, deep, 1),
            nn.ReLU(),
            nn.Conv3d(deep, deep // 2, 3, padding=1, padding_mode="replicate"),
            nn.ReLU(),
        )
        self.head = nn.Conv3d(deep // 2, len(IDENTITY) + 1, 1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        frame: Float[Tensor, "b 3 h w"],
        vectors: Float[Tensor, "b k vector"],
        masks: Float[Tensor, "b k _h _w"] | None = None,
    ) -> Float[Tensor, "b 3 h w"]:
        """The frame in the light of its vectors, one, or one a region, in [0, 1]."""
        return slice_grids(self.grids(frame, vectors, masks), frame).clamp(0, 1)

    def with_features(
        self,
        frame: Float[Tensor, "b 3 h w"],
        vectors: Float[Tensor, "b k vector"],
        masks: Float[Tensor, "b k _h _w"] | None = None,
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b luma rows columns 12"]]:
        """The frame, not yet cut off at black and white, and the grid that does it: what is trained."""
        grids = self.grids(frame, vectors, masks)
        return slice_grids(grids, frame), grids

    def style_vectors(
        self, picture: Float[Tensor, "b 3 h w"], masks: Float[Tensor, "b k _h _w"] | None = None
    ) -> Float[Tensor, "b k vector"]:
        """The style vector of each region of a picture; of the whole where there are no masks."""
        small, masks = self._small(picture, masks)
        return self._vectors(small, masks, seen_by(self.look, small))

    def grids(
        self,
        frame: Float[Tensor, "b 3 h w"],
        vectors: Float[Tensor, "b k vector"],
        masks: Float[Tensor, "b k _h _w"] | None = None,
    ) -> Float[Tensor, "b luma rows columns 12"]:
        """The grid of each frame.

        Args:
            frame: RGB in [0, 1], of any size.
            vectors: of the photograph's regions.
            masks: of the frame's regions, at any size, summing to 1.

        Raises:
            ValueError: there are several vectors, but no masks, or another number of these.
        """
        check_one_each("vectors", vectors, masks)
        small, masks = self._small(frame, masks)
        seen = seen_by(self.look, small)
        own = self._vectors(small, masks, seen)
        maps = self.closed_form(own, vectors)
        gathered, pixels = splat(torch.cat([masks, small], dim=1), rec601_luma(small), self.cells)
        regions, colors = gathered[:, :-3], gathered[:, -3:]
        differences = self.compare(torch.cat([own, vectors, maps.flatten(2)], dim=2).to(seen.dtype))
        base = torch.einsum("bkzyx,bkn->bnzyx", regions, maps.flatten(2))
        depth, rows, columns = self.cells
        brightness = torch.linspace(-1, 1, depth, device=base.device)[:, None, None]
        places = torch.cat(
            [
                self.local(resize(seen, (rows, columns)))[:, :, None].expand(-1, -1, depth, -1, -1),
                torch.einsum("bkzyx,bkn->bnzyx", regions, differences),
                2 * colors - 1,
                (pixels / pixels.mean(dim=(2, 3, 4), keepdim=True)).log1p(),
                brightness.expand(len(base), 1, depth, rows, columns),
            ],
            dim=1,
        )
        told = self.head(self.judge(places)).float()
        identity = base.new_tensor(IDENTITY)[:, None, None, None]
        grids = base + told[:, -1:] * (base - identity) + told[:, :-1]
        placed: Tensor = grids.permute(0, 2, 3, 4, 1)
        return placed

    def closed_form(
        self, own: Float[Tensor, "b k vector"], wanted: Float[Tensor, "b k vector"]
    ) -> Float[Tensor, "b k 3 4"]:
        """The linear map from the colors of each region to those of its counterpart, by their style vectors."""
        with torch.autocast(own.device.type, enabled=False):
            return transport(*_moments(own.float()), *_moments(wanted.float()), ridge=self.ridge)

    def _small(self, picture: Tensor, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        small = resize(picture, limit_long_side((picture.shape[-2], picture.shape[-1]), self.size))
        if masks is None:
            return small, torch.ones_like(small[:, :1])
        return small, resize_masks(masks, (small.shape[-2], small.shape[-1])).to(small.dtype)

    def _vectors(self, small: Tensor, masks: Tensor, seen: Tensor) -> Tensor:
        # A region with no area is described as the whole picture, in every number.
        masks = without_empty(masks)
        mean, covariance = color_moments(small, masks)
        luma = _quantiles(rec601_luma(small), masks)
        power = (masked_mean(seen.square(), masks) + 1e-6).sqrt()
        learned = self.say(torch.cat([masked_mean(seen, masks), power], dim=2)).float()
        return torch.cat([mean, covariance.flatten(2), luma, learned], dim=2)


def _moments(vectors: Tensor) -> tuple[Tensor, Tensor]:
    covariance = vectors[..., 3:MOMENTS].reshape(*vectors.shape[:-1], 3, 3)
    # A blend of styles has a blend of covariances, which is one; what was stored in half the bits may be off by a hair.
    return vectors[..., :3], (covariance + covariance.transpose(-1, -2)) / 2


def _quantiles(luma: Float[Tensor, "b 1 h w"], masks: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k q"]:
    """Luma below which 10, 20, ... 90 % of a region lie."""
    values, order = luma.flatten(1).sort(dim=1)
    weights = masks.flatten(2)
    shares = weights.gather(2, order[:, None].expand_as(weights)).cumsum(dim=2)
    wanted = torch.linspace(0, 1, QUANTILES + 2, device=luma.device, dtype=luma.dtype)[1:-1] * shares[..., -1:]
    found = torch.searchsorted(shares, wanted.contiguous()).clamp(max=values.shape[1] - 1)
    return values[:, None].expand(-1, masks.shape[1], -1).gather(2, found)
