"""Many procedural paintings, each with a palette and a brush of its own, painted once and kept: styles to train on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from photovst.errors import SettingsError
from photovst.media.painting import Brush, Palette, painting
from photovst.training.array_store import ArrayStore
from photovst.training.still_pictures import Labels
from photovst.types import Size

_VERSION = 1


@dataclass(frozen=True)
class Paintings:
    """Paintings by their numbers; see `StillPictures`.

    Args:
        store: where they are kept.
        count: how many.
        first_seed: of the first one.
        size: of each, ``(height, width)``.

    Raises:
        SettingsError: there are none.
    """

    store: ArrayStore
    count: int = 48
    first_seed: int = 1000
    size: Size = (320, 320)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SettingsError(f"{self.count} paintings to train on; give 1 or more")

    @property
    def name(self) -> str:
        """What they are, for messages."""
        return "procedural paintings"

    def __len__(self) -> int:
        """How many there are."""
        return self.count

    def read(self, index: int) -> tuple[NDArray[np.uint8], Labels | None]:
        """A painting, with no labels.

        Raises:
            MediaError: it cannot be kept.
        """
        seed = self.first_seed + index
        key = f"painting {seed} {self.size}, {_VERSION}"
        return np.asarray(self.store.get(key, lambda: {"picture": _painted(seed, self.size)})["picture"]), None


def _painted(seed: int, size: Size) -> NDArray[np.uint8]:
    rng = np.random.default_rng((seed, 11))
    brush = Brush(
        length=float(np.exp(rng.uniform(*np.log((0.05, 0.16))))),
        width=float(np.exp(rng.uniform(*np.log((0.010, 0.035))))),
        relief=float(rng.uniform(0.05, 0.3)),
        variety=float(rng.uniform(0.02, 0.1)),
    )
    palettes = list(Palette)
    drawn = painting(seed, size, palettes[int(rng.integers(len(palettes)))], brush)
    return _recolored(drawn, rng)


def _recolored(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The painting in other colors: hues turned, more or less colorful, lighter or darker."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    turn, colorful = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.2)
    a, b = lab[..., 1].copy(), lab[..., 2].copy()
    lab[..., 1] = colorful * (np.cos(turn) * a - np.sin(turn) * b)
    lab[..., 2] = colorful * (np.sin(turn) * a + np.cos(turn) * b)
    lab[..., 0] = 100 * (lab[..., 0] / 100) ** np.exp(rng.uniform(-0.4, 0.4))
    return np.asarray(np.rint(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).clip(0, 1) * 255), np.uint8)
