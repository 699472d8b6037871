"""The seam between networks that name what is in a picture and the regions made of that."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Segmenter(Protocol):
    """Tells what each pixel of a picture shows, one picture at a time: nothing is steadied, nothing refined."""

    @property
    def name(self) -> str:
        """Method, weights, parameters and version: probabilities of one name for the same picture are the same."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """What a pixel can be."""
        ...

    def __call__(self, frames: Tensor) -> Tensor:
        """Probabilities ``(B, C, h, w)`` of ``frames``, ``(B, 3, H, W)`` RGB in [0, 1]; they sum to 1 over classes.

        At the size the method works at, on the frames' device.
        """
        ...
