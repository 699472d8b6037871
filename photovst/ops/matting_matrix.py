"""The matting Laplacian as a sparse matrix [Levin2008]: for solvers and comparisons, not for optimization.

Pixels are numbered in reading order. Every pair of pixels up to 2 radius apart is an entry, so a row has up to
``(4 radius + 1)^2``; columns ascend. See `photovst.ops.matting` for the formula; the entries are
`photovst.ops.matting_stencil`'s, here with their mirror images and the diagonal.
"""

from __future__ import annotations

import warnings

import scipy.sparse
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.matting_stencil import later_neighbours, matting_stencil


def matting_matrix(guide: Float[Tensor, "1 3 h w"], epsilon: float = 1e-7, radius: int = 1) -> scipy.sparse.csr_array:
    """The SciPy matrix, (h w) x (h w), in the guide's precision; give the guide in float64 for solvers.

    Args:
        guide: RGB in [0, 1], one picture.
        epsilon: Ridge of the per-window color fit.
        radius: Windows are (2 radius + 1)-square.

    Raises:
        SettingsError: epsilon is not positive, or radius below 1.
        MediaError: the picture is smaller than a window, or there are several.
    """
    pointers, columns, values = (part.cpu().numpy() for part in _rows(guide, epsilon, radius))
    pixels = len(pointers) - 1
    return scipy.sparse.csr_array((values, columns, pointers), shape=(pixels, pixels))


def matting_matrix_torch(guide: Float[Tensor, "1 3 h w"], epsilon: float = 1e-7, radius: int = 1) -> Tensor:
    """The same as a `torch.sparse_csr` tensor on the guide's device; arguments and errors as `matting_matrix`."""
    pointers, columns, values = _rows(guide, epsilon, radius)
    pixels = len(pointers) - 1
    with warnings.catch_warnings():
        # PyTorch calls every CSR tensor a beta feature, once a process.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(pointers, columns, values, size=(pixels, pixels), check_invariants=False)


def _rows(guide: Tensor, epsilon: float, radius: int) -> tuple[Tensor, Tensor, Tensor]:
    """Row pointers, column indices and values."""
    if guide.shape[0] != 1:
        raise MediaError(f"a matting matrix is of one picture, given {guide.shape[0]}; give them one by one")
    planes = matting_stencil(guide, epsilon, radius).planes
    height, width = guide.shape[-2:]
    pixels, device = height * width, guide.device
    y = torch.arange(height, device=device)[:, None]
    x = torch.arange(width, device=device)
    later = later_neighbours(radius)
    entries = guide.new_zeros(2 * len(later) + 1, height, width)
    present = torch.ones(entries.shape, dtype=torch.bool, device=device)
    center = len(later)
    for k, (down, right) in enumerate(later):
        after, before = entries[center + 1 + k], entries[center - 1 - k]
        after.copy_(planes[0, k])
        # The same entry seen from its other pixel. Rows lie one after the other, and entries over an edge are 0.
        before.flatten()[down * width + right :] = planes[0, k].flatten()[: pixels - down * width - right]
        present[center + 1 + k] = (y + down < height) & (x + right >= 0) & (x + right < width)
        present[center - 1 - k] = (y >= down) & (x - right >= 0) & (x - right < width)
    entries[center] = -entries.sum(dim=0)
    distances = torch.tensor([down * width + right for down, right in later], device=device)
    distances = torch.cat([-distances.flip(0), distances.new_zeros(1), distances])
    # 32 bits for indices wherever they do, as SciPy would choose: half the memory.
    index = torch.int32 if entries.numel() < 2**31 else torch.int64
    kept = present.flatten(1).T
    pointers = torch.zeros(pixels + 1, dtype=index, device=device)
    pointers[1:] = kept.sum(dim=1).cumsum(0)
    columns = torch.arange(pixels, device=device, dtype=index)[:, None] + distances.to(index)
    return pointers, columns[kept], entries.flatten(1).T[kept]
