"""The bytes of protocol buffers, as far as they are needed to read numbers and texts out of a message of known fields.

A message is a row of fields: a number that says which and how it is stored, and its value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where the next value begins.

    >>> varint(bytes([0xAC, 0x02]), 0)
    (300, 2)

    Raises:
        ValueError: it does not end within ten bytes, or within the data.
    """
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError(f"the number at byte {at} does not end")


def message(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of a message in order: their numbers, and whole numbers without sign, or bytes.

    Raises:
        ValueError: it is no message.
    """
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == LENGTH:
            length, at = varint(data, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            length = 8 if kind == EIGHT_BYTES else 4
        else:
            raise ValueError(f"field {number} is stored in a way that is not known ({kind})")
        content = data[at : at + length]
        if len(content) != length:
            raise ValueError(f"field {number} ends behind its message")
        at += length
        yield number, content if kind == LENGTH else struct.unpack("<Q" if length == 8 else "<I", content)[0]
