"""Several sources in given shares, and samples by their numbers: number ``i`` of a seed is always the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photovst.errors import SettingsError
from photovst.training.batch import Sample
from photovst.training.source import Source, farthest_first
from photovst.types import Size


@dataclass(frozen=True)
class Mixture:
    """Numbered samples of one size from several sources.

    Args:
        sources: where they come from.
        weights: how often each is drawn, to the others; 0 never draws it.
        size: of all samples, ``(height, width)``.
        distances: of all samples, see `Source`.
        seed: of all chance.

    Raises:
        SettingsError: there is no source, a weight is negative, or all are 0; a size or distance is not positive.
    """

    sources: tuple[Source, ...]
    weights: tuple[float, ...]
    size: Size
    distances: Sequence[int] = (1,)
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.weights):
            raise SettingsError(f"training data has {len(self.sources)} sources but {len(self.weights)} weights")
        total = math.fsum(self.weights)
        if not self.sources or min(self.weights) < 0 or not 0 < total < math.inf:
            raise SettingsError(
                f"the weights of training data are {list(self.weights)}; give one source at least a weight above 0, and"
                " none one below"
            )
        if min(self.size) < 1:
            raise SettingsError(f"samples of {self.size[0]}x{self.size[1]}; give a height and width of 1 or more")
        farthest_first(self.distances)

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: a pure function of the settings, the seed and this number.

        Raises:
            MediaError: a file of a source cannot be read.
        """
        rng = np.random.default_rng((self.seed, index))
        return self.sources[drawn(rng, self.weights)].sample(rng, self.size, self.distances)


def drawn(rng: np.random.Generator, weights: Sequence[float]) -> int:
    """Which of several is drawn, each as often as its weight says to the others."""
    until = np.cumsum(np.asarray(weights, np.float64)) / math.fsum(weights)
    return min(int(np.searchsorted(until, rng.random(), side="right")), len(weights) - 1)
