"""Random weights for the published network of any style, each variable's drawn from its name: the same here and there.

Only NumPy's RandomState is used, whose numbers stay what they are: those in ``tests/data/magenta`` came of them.
"""

import zlib

import numpy as np
from numpy.typing import NDArray


def random_values(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """What a variable of Magenta's program is set to: of such a size that no layer's features die out or explode."""
    numbers = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith("moving_variance"):
        values = numbers.uniform(0.5, 2, shape)
    elif name.endswith("weights"):
        values = numbers.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:3]))
    else:
        values = 0.3 * numbers.standard_normal(shape) + name.endswith("StyleNorm/Conv_1/biases")
    return values.astype(np.float32)


def random_picture(name: str, height: int, width: int) -> NDArray[np.float32]:
    """A picture of noise, (1, height, width, 3), in [0, 1]."""
    return np.random.RandomState(zlib.crc32(name.encode())).uniform(size=(1, height, width, 3)).astype(np.float32)
