"""The seam of training data: where one sample comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from photovst.errors import SettingsError
from photovst.training.batch import Sample
from photovst.types import Size


class Source(Protocol):
    """Gives samples. It keeps no state that shows in them: the same generator gives the same sample."""

    @property
    def name(self) -> str:
        """What it is, for messages."""
        ...

    def sample(self, rng: np.random.Generator, size: Size, distances: Sequence[int]) -> Sample:
        """One sample.

        Args:
            rng: where all chance comes from.
            size: of its frames, ``(height, width)``.
            distances: how many frames before the current one each earlier frame lies, whatever their order; the frames
                of the sample go from the farthest to the current one.

        Raises:
            MediaError: a file of it cannot be read.
        """
        ...


def farthest_first(distances: Sequence[int]) -> tuple[int, ...]:
    """Distances in the order of a sample's frames.

    >>> farthest_first((1, 5))
    (5, 1)

    Raises:
        SettingsError: there are none, one is below 1, or two are the same.
    """
    if not distances or min(distances) < 1 or len(set(distances)) < len(distances):
        raise SettingsError(
            f"distances={list(distances)} of earlier frames: give different numbers from 1, such as 1,5"
        )
    return tuple(sorted(distances, reverse=True))
