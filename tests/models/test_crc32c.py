import pytest
import torch

from photovst.models.crc32c import STEP, crc32c, masked


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_the_published_examples(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, STEP - 1, STEP, STEP + 1, 2 * STEP + 3, 5 * STEP, 9000])
def test_any_length_gives_what_bit_by_bit_gives(length: int) -> None:
    data = bytes(torch.randint(256, (length,)).tolist())
    assert crc32c(data) == bit_by_bit(data)


def test_masked_is_the_rotation_and_sum_of_its_definition() -> None:
    rotated = 0xE3069283 >> 15 | (0xE3069283 & 0x7FFF) << 17
    assert masked(0xE3069283) == (rotated + 0xA282EAD8) % 2**32
