"""Slicing a bilateral grid straight from a picture's integers to a picture's integers, on a CPU [Chen2007].

What `slice_affine` and the conversions around it give, in one pass over memory: no frame is ever held as numbers with
a fraction, and every core takes rows of its own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.ops.color import REC601_LUMA
from photovst.ops.dither import blue_noise

_BAND = 32
"""Rows that a thread takes at once: few enough that none is waited for long, where others use the cores too."""


def slice_picture(
    grid: Float[Tensor, "luma rows columns 12"],
    picture: NDArray[Any],
    strength: float = 1.0,
    dither: bool = False,
    threads: int | None = None,
) -> NDArray[Any]:
    """The picture's colors transformed by the grid, clamped, and mixed with the picture by ``strength``.

    Args:
        grid: color transforms, as `slice_affine` takes them, on any device.
        picture: ``(H, W, 3)`` RGB, uint8 or uint16 over the full range of its type.
        strength: how much of the change is shown, in [0, 1].
        dither: round by a fixed pattern of thresholds, so that areas have the right color on average where single
            levels are too coarse; what is a whole level already stays. Only 8 bits are dithered.
        threads: how many work; as many as PyTorch has where not given. The result does not depend on it.

    Returns:
        A picture of the same size and type.
    """
    # Only here: loading the compiler takes half a second, which nothing else has to wait for.
    from photovst.ops.slice_rows import slice_rows

    # One layout, so that one piece of machine code serves all.
    picture = np.require(picture, requirements=("C", "W"))
    height, width = picture.shape[:2]
    luma, rows, columns = grid.shape[:3]
    cells = _corners(grid)
    row, row_share = _places(height, rows)
    column, column_share = _places(width, columns)
    scale = np.float32(1 / np.iinfo(picture.dtype).max)
    guide = np.array(REC601_LUMA, np.float32) * (np.float32(luma - 1) * scale)
    thresholds = blue_noise() if dither and picture.dtype == np.uint8 else np.full((1, 1), 0.5, np.float32)
    result = np.empty_like(picture)

    def work(top: int) -> None:
        slice_rows(
            picture, result, top, min(top + _BAND, height), cells.reshape(len(cells), -1), row, row_share,
            column * np.int32(cells.shape[2] * 64), column_share, guide, np.int32(cells.shape[2] - 1), scale,
            np.float32(strength), thresholds,
        )  # fmt: skip

    count = torch.get_num_threads() if threads is None else threads
    if count == 1:
        for top in range(0, height, _BAND):
            work(top)
    else:
        with ThreadPoolExecutor(count, thread_name_prefix="slice") as workers:
            list(workers.map(work, range(0, height, _BAND)))  # raises what one of them raises
    return result


def _corners(grid: Tensor) -> NDArray[np.float32]:
    """What a pixel takes of the grid in one place: ``(rows, columns - 1, luma - 1, 4, 16)``.

    Of the four: the transform of a cell, its slopes to the next column and to the next luma, and the slope of one
    along the other. Each is four columns of three numbers and an idle one. An axis of one cell has its cell twice.
    """
    luma, rows, columns = grid.shape[:3]
    given = grid.detach().to("cpu", torch.float32).numpy().reshape(luma, rows, columns, 3, 4)
    padded = np.zeros((rows, columns, luma, 4, 4), np.float32)
    padded[..., :3] = given.transpose(1, 2, 0, 4, 3)
    planes = padded.reshape(rows, columns, luma, 16)
    for axis in range(3):
        if planes.shape[axis] == 1:
            planes = np.repeat(planes, 2, axis)
    near = planes[:, :-1, :-1]
    along, up = planes[:, 1:, :-1] - near, planes[:, :-1, 1:] - near
    both = planes[:, 1:, 1:] - planes[:, :-1, 1:] - along
    return np.stack([near, along, up, both], axis=3)


def _places(pixels: int, cells: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each pixel the cell before it, and how far it is to the next one; see `slice_affine` for where cells lie."""
    place = np.linspace(0, cells - 1, pixels)
    before = np.minimum(place.astype(np.int32), max(cells - 2, 0)).astype(np.int32)
    return before, (place - before).astype(np.float32)
