"""A training's losses and samples for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from photovst.errors import MediaError, SettingsError

Picture = UInt8[np.ndarray, "h w 3"]


class Board:
    """Writes event files that ``tensorboard --logdir`` shows.

    Args:
        folder: where; TensorBoard forgets what it shows of later steps.
        step: steps of the checkpoint that the training goes on from.

    Raises:
        SettingsError: the package tensorboard is not there.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise SettingsError(
                "tensorboard=true needs the package tensorboard, which is not installed; pip install"
                " 'photovst[train]', or set tensorboard=false"
            ) from error
        self._folder = folder
        self._writer = _told(folder, SummaryWriter, str(folder), purge_step=step + 1)

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures after a step, by name; a slash in a name groups them."""
        for name, value in figures.items():
            _told(self._folder, self._writer.add_scalar, name, value, step)

    def show(self, step: int, picture: NDArray[np.uint8]) -> None:
        """A sample, (H, W, 3)."""
        _told(self._folder, self._writer.add_image, "sample", picture, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is not yet written."""
        _told(self._folder, self._writer.close)


def _told(folder: Path, call: Any, *arguments: Any, **options: Any) -> Any:
    """What a call gives; MediaError where the disk is full or the folder cannot be written."""
    try:
        return call(*arguments, **options)
    except OSError as error:
        raise MediaError(f"cannot write to {folder} ({error.strerror}); mend that, or set tensorboard=false") from error
