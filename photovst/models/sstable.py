"""Sorted string tables, the files of keys and values that LevelDB defined and TensorFlow keeps its indexes in.

From the end: a footer of 48 bytes holds the places of two blocks, and a magic number; the second of these maps last
keys to the places of the blocks of data. Within a block a key leaves out what it shares with the one before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from photovst.errors import WeightsError
from photovst.models.crc32c import crc32c, masked
from photovst.models.wire import varint

FOOTER = 48
MAGIC = 0xDB4775248B80FB57
TRAILER = 5
"""Bytes behind a block: how it is compressed, and its checksum."""

PLAIN, SNAPPY = 0, 1

Place = tuple[int, int]
"""Of a block: where it begins, and how long it is."""


def is_table(end: bytes) -> bool:
    """Whether a file, or as much as its last 48 bytes, ends as a table does."""
    return len(end) >= FOOTER and struct.unpack("<Q", end[-8:])[0] == MAGIC


def read_table(data: bytes, name: str) -> dict[bytes, bytes]:
    """Every key of a table with its value, in order.

    Args:
        data: the whole file.
        name: what errors call it.

    Raises:
        WeightsError: it is no table, is cut short or damaged, or is compressed.
    """
    if not is_table(data):
        raise WeightsError(f"{name} does not end as a table of TensorFlow's does; take a fresh copy")
    try:
        _, at = _place(data, len(data) - FOOTER)  # of the filters, which TensorFlow leaves empty
        index, _ = _place(data, at)
        blocks = [_place(value, 0)[0] for _, value in _entries(_block(data, index, name))]
        return {key: value for place in blocks for key, value in _entries(_block(data, place, name))}
    except (ValueError, struct.error) as error:
        raise WeightsError(f"{name} is damaged ({error}); take a fresh copy") from error


def _place(data: bytes, at: int) -> tuple[Place, int]:
    start, at = varint(data, at)
    length, at = varint(data, at)
    return (start, length), at


def _block(data: bytes, place: Place, name: str) -> bytes:
    start, length = place
    stored = data[start : start + length + TRAILER]
    if len(stored) != length + TRAILER:
        raise WeightsError(f"{name} is cut short: a block of it ends behind its end; take a fresh copy")
    kind, checksum = struct.unpack("<BI", stored[length:])
    if masked(crc32c(stored[: length + 1])) != checksum:
        raise WeightsError(f"{name} is damaged: a block's checksum is another; take a fresh copy")
    if kind != PLAIN:
        how = "Snappy" if kind == SNAPPY else f"kind {kind}"
        raise WeightsError(f"{name} is compressed ({how}), which is not read; write it again with tf.train.Saver")
    return stored[:length]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; what stands behind them, for a search by halves, is not needed to read all."""
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, key = len(block) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + own + length > end:
            raise ValueError("an entry ends behind its block")
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length
