"""How many threads PyTorch and OpenCV work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """So many threads in this block; None leaves them as they are. Sums depend on it in their last digits."""
    former = torch.get_num_threads(), cv2.getNumThreads()
    try:
        if count is not None:
            torch.set_num_threads(count)
            cv2.setNumThreads(count)
        yield
    finally:
        torch.set_num_threads(former[0])
        cv2.setNumThreads(former[1])
