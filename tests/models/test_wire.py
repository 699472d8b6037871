import struct

import pytest
from bundle_writer import field, number

from photovst.models.wire import message, varint


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32 - 1, 2**63])
def test_a_number_is_read_back_and_where_the_next_begins(value: int) -> None:
    written = number(value)
    assert varint(b"x" + written + b"\xff", 1) == (value, 1 + len(written))


def test_fields_of_every_kind() -> None:
    written = field(1, 150) + field(2, b"text") + number(3 << 3 | 5) + struct.pack("<I", 7)
    written += number(4 << 3 | 1) + struct.pack("<Q", 2**40)
    assert list(message(written)) == [(1, 150), (2, b"text"), (3, 7), (4, 2**40)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x80" * 11, "number at byte 0 does not end"),
        (b"\x08", "number at byte 1 does not end"),
        (field(2, b"text")[:-1], "field 2 ends behind its message"),
        (number(1 << 3 | 3), r"field 1 is stored in a way that is not known \(3\)"),
    ],
)
def test_what_is_no_message(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(message(data))
