"""CRC-32C, the checksum of TensorFlow's files [Castagnoli1993], over many stretches of the data at a time.

A CRC is linear over GF(2) but for its start and end. So the data is cut into stretches of equal length whose CRCs go
on in step, a byte each, and are joined in pairs: that of ``A B`` is that of ``A``, carried over as many zero bytes as
``B`` has, and that of ``B``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

POLYNOMIAL = 0x82F63B78
"""Castagnoli's, lowest power in the highest bit."""

ONES = 0xFFFFFFFF

STEP = 128
"""About how many bytes of a stretch are gone through, one after the other."""

Words = npt.NDArray[np.uint32]


def _byte_table() -> Words:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ POLYNOMIAL, table >> 1).astype(np.uint32)
    return table


TABLE = _byte_table()


def crc32c(data: bytes) -> int:
    """The checksum of bytes, 32 bits.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    content = np.frombuffer(data, dtype=np.uint8)
    if len(content) < 4:
        return int(_advanced(np.full(1, ONES, dtype=np.uint32), content[:, None])[0]) ^ ONES
    stretches = 1
    while stretches * STEP < len(content):
        stretches *= 2
    length = -(-len(content) // stretches)
    # Zeros in front change nothing where the register starts at 0; its start of ones is the first four bytes inverted.
    padded = np.zeros(stretches * length, dtype=np.uint8)
    start = len(padded) - len(content)
    padded[start:] = content
    padded[start : start + 4] ^= 0xFF
    registers = _advanced(np.zeros(stretches, dtype=np.uint32), padded.reshape(stretches, length).T)
    # Column i: what becomes of bit i of a register that goes over a stretch of zeros.
    carried = _advanced(np.uint32(1) << np.arange(32, dtype=np.uint32), np.zeros((length, 1), dtype=np.uint8))
    while len(registers) > 1:
        registers = _combined(carried, registers[::2]) ^ registers[1::2]
        carried = _combined(carried, carried)
    return int(registers[0]) ^ ONES


def masked(checksum: int) -> int:
    """A checksum as it is stored beside data that may itself hold checksums.

    >>> hex(masked(0))
    '0xa282ead8'
    """
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _advanced(registers: Words, rows: npt.NDArray[np.uint8]) -> Words:
    """Registers after a byte of each row."""
    for row in rows:
        registers = TABLE[(registers ^ row) & 0xFF] ^ (registers >> 8)
    return registers


def _combined(columns: Words, registers: Words) -> Words:
    """The matrix of 32 columns times each register, over GF(2)."""
    bits = (registers[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    product: Words = np.bitwise_xor.reduce(bits * columns, axis=1)
    return product
