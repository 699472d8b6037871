"""Sources whose samples tell where they come from, and that worker processes can import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from photovst.errors import MediaError
from photovst.training.batch import Sample
from photovst.types import Size


@dataclass(frozen=True)
class Chance:
    """Frames of one value, the generator's next."""

    label: int = 0
    name: str = "chance"

    def sample(self, rng: np.random.Generator, size: Size, distances: Sequence[int]) -> Sample:
        t = len(distances) + 1
        return Sample(
            torch.full((t, 3, *size), float(rng.random())),
            torch.zeros(t - 1, 2, *size),
            torch.ones(t - 1, 1, *size),
            torch.full((t, *size), self.label, dtype=torch.uint8),
        )


@dataclass(frozen=True)
class Numbered:
    """Samples that hold their number, and PyTorch's threads where they are made; one of them cannot be read."""

    damaged: int = -1

    def __getitem__(self, index: int) -> Sample:
        if index == self.damaged:
            raise MediaError(f"sample {index} is damaged; get it again")
        value = torch.full((2, 3, 4, 4), float(index))
        threads = torch.full((2, 4, 4), torch.get_num_threads(), dtype=torch.uint8)
        return Sample(value, torch.zeros(1, 2, 4, 4), torch.ones(1, 1, 4, 4), threads)
