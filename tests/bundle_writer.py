"""A writer of TensorFlow's checkpoints, as far as the tests need one: one file of values, one block of names."""

import struct
from collections.abc import Mapping
from pathlib import Path

from numpy.typing import NDArray

from photovst.models.crc32c import crc32c, masked

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}


def number(value: int) -> bytes:
    """As a varint."""
    groups = []
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def field(tag: int, value: int | bytes) -> bytes:
    """A field of a message."""
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    return number(tag << 3 | 2) + number(len(value)) + value


def entry(array: NDArray, offset: int, checksum: int) -> bytes:
    """What an index says of an array."""
    shape = b"".join(field(2, field(1, side)) for side in array.shape)
    head = field(1, TYPES[str(array.dtype)]) + field(2, shape) + field(4, offset) + field(5, array.nbytes)
    return head + number(6 << 3 | 5) + struct.pack("<I", checksum)


def block(entries: Mapping[bytes, bytes], kind: int = 0) -> bytes:
    """A block of a table with its trailer; no key leaves anything out."""
    rows = b"".join(number(0) + number(len(key)) + number(len(row)) + key + row for key, row in entries.items())
    content = rows + struct.pack("<II", 0, 1)
    return content + struct.pack("<BI", kind, masked(crc32c(content + bytes([kind]))))


def table(entries: Mapping[bytes, bytes], kind: int = 0) -> bytes:
    """A table of one block of data."""
    data = block(dict(sorted(entries.items())), kind)
    filters = block({})
    places = block({b"\xff": number(0) + number(len(data) - 5)})
    handles = number(len(data)) + number(len(filters) - 5)
    handles += number(len(data) + len(filters)) + number(len(places) - 5)
    return data + filters + places + handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write_bundle(prefix: Path, arrays: Mapping[str, NDArray]) -> Path:
    """A checkpoint; its prefix."""
    entries, values = {b"": field(1, 1)}, []
    offset = 0
    for name in sorted(arrays):
        data = arrays[name].tobytes()
        entries[name.encode()] = entry(arrays[name], offset, masked(crc32c(data)))
        values.append(data)
        offset += len(data)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(entries))
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(b"".join(values))
    return prefix
