"""How several styles are blended, at rest or moving over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StyleWeights:
    """The share of each style at any time.

    Args:
        names: of the styles.
        times: of the keyframes, in seconds, ascending; one where nothing moves.
        shares: at each of them, of each style.
    """

    names: tuple[str, ...]
    times: tuple[float, ...]
    shares: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, keyframes: Sequence[tuple[float, Mapping[str, float]]]) -> StyleWeights:
        """From times and shares by name; styles that never have a share are left out."""
        names = tuple(dict.fromkeys(name for _, shares in keyframes for name, share in shares.items() if share))
        rows = tuple(tuple(shares.get(name, 0.0) for name in names) for _, shares in keyframes)
        return cls(names, tuple(time for time, _ in keyframes), rows)

    @property
    def moves(self) -> bool:
        """Whether shares change at all."""
        return any(row != self.shares[0] for row in self.shares)

    def at(self, time: float) -> tuple[float, ...]:
        """The shares at a time in seconds: linear between keyframes, held before the first and after the last."""
        return tuple(float(np.interp(time, self.times, column)) for column in zip(*self.shares, strict=True))
