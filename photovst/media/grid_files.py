"""Color transforms of a clip in one .npz file; docs/export.md says what each array is."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photovst.errors import MediaError
from photovst.storage import Arrays, atomic

VERSION = 1
"""Of the layout; another one is not read."""

NEEDED = ("grids", "frames", "times", "shots", "size", "strength")

Rows = Callable[[], Iterable[NDArray[Any]]]
"""Gives the rows of an array, one after the other."""


def write_grid_file(
    path: str | Path,
    arrays: Mapping[str, NDArray[Any]],
    streamed: Mapping[str, Rows],
    rows: Mapping[str, int] | None = None,
) -> None:
    """Write arrays as .npz, whole or not at all; the same arrays give the same bytes.

    Args:
        path: of the file.
        arrays: those that are small, ``frames`` among them.
        streamed: those with many rows, of which one at a time is in memory: as many as ``frames``.
        rows: how many those of them have that have another number of rows.

    Raises:
        ValueError: rows are more or fewer than said, or differ in shape.
        MediaError: the file cannot be written.
    """
    try:
        with atomic(Path(path)) as stream, zipfile.ZipFile(stream, "w") as archive:
            for name, array in {**arrays, "version": np.array(VERSION)}.items():
                _write(archive, name, array.dtype, array.shape, [array])
            for name, give in streamed.items():
                rest = iter(give())
                first = next(rest)
                count = len(arrays["frames"]) if rows is None else rows.get(name, len(arrays["frames"]))
                shape = (count, *first.shape)
                _write(archive, name, first.dtype, shape, chain([first], rest))
    except OSError as error:
        raise MediaError(f"cannot write {path} ({error.strerror}); choose another place") from error


def read_grid_file(path: str | Path) -> Arrays:
    """The arrays of such a file.

    Raises:
        MediaError: the file is absent, damaged, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise MediaError(f"{path} cannot be read as color transforms ({error}); export it again") from error
    missing = [name for name in (*NEEDED, "version") if name not in arrays]
    if missing:
        raise MediaError(f"{path} lacks {missing[0]}; give a file that 'photovst export RUN --grid' wrote")
    if arrays["version"] != VERSION:
        raise MediaError(f"{path} has layout {arrays['version']}, but this photovst reads {VERSION}; export it again")
    return arrays


def _write(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], parts: Iterable[NDArray[Any]]
) -> None:
    left = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    # Dated 1980 by default; without force_zip64 an entry whose size is not told beforehand may hold 2 GB at most.
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
        np.lib.format.write_array_header_1_0(entry, header)
        for part in parts:
            if part.dtype != dtype or part.shape not in (shape, shape[1:]):
                raise ValueError(f"a row of {name} is {part.dtype} {part.shape}, but the array {dtype} {shape}")
            data = np.ascontiguousarray(part).tobytes()
            left -= len(data)
            entry.write(data)
    if left:
        raise ValueError(f"{name} has more or fewer rows than there are frames")
