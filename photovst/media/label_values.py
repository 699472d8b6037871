"""The values of pictures of one channel as they are stored: ids of classes, not colors to look at; in and out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from photovst.errors import MediaError
from photovst.media.label_legend import Legend
from photovst.storage import write_atomic

Values = NDArray[np.int64]

_ONE_CHANNEL = ("1", "L", "LA", "P", "PA", "I", "I;16", "I;16B", "I;16L")
_EXACT = ("PNG", "BMP", "TIFF")


@dataclass(frozen=True, eq=False)
class StoredValues:
    """``(H, W)`` values; those of a palette are indices into its colors, ``(N, 3)``, else they are gray."""

    kind: Literal["gray", "gray of 16 bits", "indices"]
    values: Values
    palette: NDArray[np.uint8] | None = None


def read_values(path: Path) -> StoredValues | None:
    """The values of a picture of one channel, or None for one in color. One bit a pixel is read as 0 and 255.

    Raises:
        MediaError: it is in gray and of a format that changes values.
    """
    with Image.open(path) as stored:
        picture = ImageOps.exif_transpose(stored)  # as other pictures are read
        if picture.mode not in _ONE_CHANNEL:
            return None
        if stored.format not in _EXACT:
            raise MediaError(f"the mask {path} is {stored.format} in gray, which changes ids; save it as PNG")
        values = np.asarray(picture)
        values = (values if values.ndim == 2 else values[..., 0]).astype(np.int64)  # without alpha
        if picture.mode in ("P", "PA"):
            table = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
            return StoredValues("indices", values, table)
        if picture.mode == "1":
            return StoredValues("gray", values * 255)
        return StoredValues("gray" if picture.mode in ("L", "LA") else "gray of 16 bits", values)


def write_labels(path: Path, labels: NDArray[np.integer], legend: Legend) -> None:
    """Write ids as an indexed PNG in the legend's colors, whole or not at all; the same ids give the same bytes.

    Args:
        path: ends in .png; the legend belongs beside it, see `write_legend`.
        labels: ``(H, W)``, ids of the legend, 0 to 255.
        legend: names and colors.

    Raises:
        MediaError: an id is not in the legend or above 255, or the file cannot be written.
    """
    if path.suffix.lower() != ".png" or labels.ndim != 2 or labels.size == 0:
        raise MediaError(f"{path}: labels are (H, W) and go into a .png, got {labels.shape}")
    given = {int(label) for label in np.unique(labels)}
    if missing := sorted(given - legend.names.keys()):
        raise MediaError(f"{path}: id {missing[0]} is not in the legend; add it there")
    if max(given) > 255:
        raise MediaError(f"{path}: id {max(given)} does not fit an indexed picture; use ids from 0 to 255")
    palette = np.zeros((256, 3), np.uint8)
    for entry in legend.entries:
        if entry.id <= 255:
            palette[entry.id] = entry.color
    picture = Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8))
    picture.putpalette(palette.tobytes())
    coded = io.BytesIO()
    picture.save(coded, "PNG", bits=8)
    try:
        write_atomic(path, coded.getvalue())
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror}; free space or choose another place") from error
