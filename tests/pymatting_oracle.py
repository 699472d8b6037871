"""The matting Laplacian as pymatting makes it: what each form of ours is held against."""

from __future__ import annotations

import os
import warnings

import numpy as np
import scipy.sparse
from torch import Tensor

# pymatting imports numba, which would set PyTorch's threads to the number of cores for all tests after it.
os.environ.setdefault("NUMBA_NUM_THREADS", "1")


def laplacian(guide: Tensor, epsilon: float, radius: int) -> scipy.sparse.csr_matrix:
    """The assembled matrix of a picture ``(1, 3, H, W)`` in float64, pixels row by row."""
    with warnings.catch_warnings():
        # pymatting compiles with numba at import, which warns about the machine it runs on.
        warnings.simplefilter("ignore")
        from pymatting import cf_laplacian

        return cf_laplacian(np.ascontiguousarray(guide[0].permute(1, 2, 0).numpy()), epsilon, radius)


def columns(image: Tensor) -> np.ndarray:
    """``(1, C, H, W)`` as the matrix multiplies it: ``(H * W, C)`` in float64."""
    return image[0].flatten(1).T.double().numpy()
