"""Whole files or none: atomic writes, and arrays on disk with a checksum and without the time of day."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
CHECKSUM = hashlib.sha256().digest_size


@contextmanager
def atomic(path: Path, sync: bool = True) -> Iterator[BinaryIO]:
    """A file that appears under its name, whole and on disk, when the block ends well, or not at all.

    Without ``sync`` it may come to disk later, and is lost or damaged where the power fails before that.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            if sync:
                os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file, or leave the former one as it was."""
    with atomic(path) as stream:
        stream.write(data)


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]], sync: bool = True) -> None:
    """Write arrays as .npz, without the time of day, and with a checksum as its comment; see `atomic`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getbuffer())  # dated 1980 by default
        archive.comment = bytes(CHECKSUM)  # holds the place: an archive ends with its comment
    data = buffer.getbuffer()[:-CHECKSUM]
    with atomic(path, sync) as stream:
        stream.write(data)
        stream.write(hashlib.sha256(data).digest())


def read_npz(path: Path) -> Arrays:
    """Read what :func:`write_npz` wrote.

    Raises:
        FileNotFoundError: the file is absent.
        ValueError: its checksum is wrong.
    """
    data = path.read_bytes()
    if hashlib.sha256(data[:-CHECKSUM]).digest() != data[-CHECKSUM:]:
        raise ValueError("its checksum is wrong")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
            for name in archive.namelist()
        }
