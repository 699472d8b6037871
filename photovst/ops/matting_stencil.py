"""The matting Laplacian as a stencil: its entries, one plane for each neighbour [Levin2008].

Pixel i shares windows with the pixels up to 2 radius away: at radius 1, a 5x5 stencil. M is symmetric and its rows sum
to zero, so the 12 neighbours that come after i in reading order say everything, the center too, and no index is kept:

    V^T M V = - sum_{i before j} M_ij (V_j - V_i)^2        (M V)_i = sum_j M_ij (V_j - V_i).

Differences are why this form, and not ``M_ii V_i + sum_j M_ij V_j``: neighbours are much alike, so that in float32
their difference, exact, loses nothing where values times entries would cancel. A constant image costs exactly 0.

Precision. In float64 the entries equal the formula's to about 1e-12 of the largest, flat and gray guides included. For
a float32 guide they are made in float64 up to the whitened colors and kept in float32, each off by about 1e-7, so that
the energy is off by about 1e-7 of the mean ``|M_ij| (V_j - V_i)^2``, either way. To an image with texture of its own
that is nothing. The energy of an exact affine recoloring is of that order itself, though: measured, it is off by up to
0.03 % on photographs, 2 % on gray ones and 50 % on gray noise, and nothing keeps it from coming out a hair below 0.
`photovst.ops.matting`, a sum of squares, cannot, and has it right to 1e-6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.ops.matting import quadratic_energy, symmetric_product
from photovst.ops.matting_windows import (
    band_pixels,
    check_matting,
    check_same_size,
    whitened_windows,
    window_bands,
    window_starts,
)


@dataclass(frozen=True)
class MattingStencil:
    """The entries of the matting Laplacian above its diagonal."""

    planes: Float[Tensor, "b neighbours h w"]
    """``M_ij`` at pixel i, for j at each of `later_neighbours`; 0 where j lies outside the picture."""
    radius: int


def later_neighbours(radius: int) -> list[tuple[int, int]]:
    """Rows down and columns right to each pixel that shares a window and comes later in reading order.

    >>> later_neighbours(1)[:5]
    [(0, 1), (0, 2), (1, -2), (1, -1), (1, 0)]
    """
    reach = 2 * radius
    return [(y, x) for y in range(reach + 1) for x in range(-reach, reach + 1) if (y, x) > (0, 0)]


def matting_stencil(guide: Float[Tensor, "b 3 h w"], epsilon: float = 1e-7, radius: int = 1) -> MattingStencil:
    """The stencil of the picture whose local color lines are to be kept; no gradient flows into it.

    Args:
        guide: RGB in [0, 1].
        epsilon: Ridge of the per-window color fit. Larger forgives recolorings that are not affine in flat
            windows.
        radius: Windows are (2 radius + 1)-square. There are ``((4 radius + 1)^2 - 1) / 2`` planes: 12, 40, 84, ...

    Raises:
        SettingsError: epsilon is not positive, or radius below 1.
        MediaError: the picture is smaller than a window.
    """
    check_matting(guide, epsilon, radius)
    width, side = guide.shape[-1], 2 * radius + 1
    planes = _windows_shared(guide, radius)
    # A neighbour is a constant distance away in memory, across a row's end too, where entries are 0.
    colors, entries, starts = guide.detach().flatten(2), planes.flatten(2), window_starts(width, radius)
    for band in window_bands(guide, radius):
        white = whitened_windows(colors[..., band], width, epsilon, radius).colors
        channels = [channel.unbind(1) for channel in white.unbind(1)]
        count = white.shape[-1]
        for plane, (down, right) in enumerate(later_neighbours(radius)):
            for y in range(side - down):
                for x in range(max(0, -right), side - max(0, right)):
                    here, there = y * side + x, (y + down) * side + x + right
                    start = band.start + starts[here]
                    entry = entries[:, plane, start : start + count]
                    for channel in channels:
                        entry.addcmul_(channel[here], channel[there])
    # Last, not first: 3/9 rounded alike everywhere in float32 would be an error that no sum over pixels averages out.
    planes *= -1 / side**2
    return MattingStencil(planes, radius)


def stencil_energy(image: Float[Tensor, "b c h w"], stencil: MattingStencil) -> Float[Tensor, ""]:
    """``sum_c V_c^T M V_c`` over channels and batch; its gradient is ``2 M V``. Differentiable once.

    Not divided by the number of pixels.

    Raises:
        MediaError: the image does not have the guide's size.
    """
    _check_size(image, stencil)
    return quadratic_energy(image, partial(_evaluate, stencil))


def stencil_energy_and_gradient(
    image: Float[Tensor, "b c h w"], stencil: MattingStencil
) -> tuple[Float[Tensor, ""], Float[Tensor, "b c h w"]]:
    """`stencil_energy` and its gradient ``2 M V``, without autograd.

    Raises:
        MediaError: the image does not have the guide's size.
    """
    _check_size(image, stencil)
    return _evaluate(stencil, image.detach(), 2)


def stencil_product(image: Float[Tensor, "b c h w"], stencil: MattingStencil) -> Float[Tensor, "b c h w"]:
    """``M V_c`` for each channel, differentiable (M is symmetric).

    Raises:
        MediaError: the image does not have the guide's size.
    """
    _check_size(image, stencil)
    return symmetric_product(image, partial(_evaluate, stencil))


def _evaluate(stencil: MattingStencil, image: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """The energy, and ``factor M V``."""
    values, entries = image.flatten(2), stencil.planes.flatten(2)
    total, width = values.shape[-1], image.shape[-1]
    band = min(band_pixels(image.device), total)
    product = torch.zeros_like(values)
    energy = torch.zeros((), dtype=torch.float64, device=image.device)
    work = torch.empty(3, *values.shape[:2], band, dtype=image.dtype, device=image.device)
    for first in range(0, total, band):
        energies = work[2].zero_()
        for plane, (down, right) in enumerate(later_neighbours(stencil.radius)):
            distance = down * width + right
            count = min(band, total - distance - first)
            if count <= 0:
                continue
            here, there = slice(first, first + count), slice(first + distance, first + distance + count)
            difference, flow = work[0, ..., :count], work[1, ..., :count]
            torch.sub(values[..., there], values[..., here], out=difference)
            torch.mul(entries[:, plane, None, here], difference, out=flow)
            product[..., here].add_(flow, alpha=factor)
            product[..., there].sub_(flow, alpha=factor)
            energies[..., :count].addcmul_(flow, difference, value=-1)
        energy += energies.sum()
    return energy.to(image.dtype), product.view(image.shape)


def _windows_shared(guide: Tensor, radius: int) -> Tensor:
    """The number of windows that hold a pixel and its neighbour: (b, neighbours, h, w)."""
    batch, _, height, width = guide.shape
    offsets = later_neighbours(radius)
    counts = guide.new_empty(batch, len(offsets), height, width)
    for plane, (down, right) in enumerate(offsets):
        rows, columns = (_shared(n, d, radius).to(guide) for n, d in ((height, down), (width, right)))
        torch.mul(rows.expand(batch, height)[..., None], columns, out=counts[:, plane])
    return counts


def _shared(length: int, distance: int, radius: int) -> Tensor:
    """Along an axis: how many windows hold both pixel i and i + distance; 0 where that one is outside."""
    i = torch.arange(length)
    low, high = torch.minimum(i, i + distance), torch.maximum(i, i + distance)
    windows = low.clamp(max=length - 1 - 2 * radius) - (high - 2 * radius).clamp(min=0) + 1
    return windows.clamp(min=0) * ((low >= 0) & (high < length))


def _check_size(image: Tensor, stencil: MattingStencil) -> None:
    check_same_size(image, stencil.planes[:, :3])  # named in the error as the guide, of which it has the size
