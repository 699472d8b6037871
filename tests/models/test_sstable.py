"""The files of TensorFlow itself are read in test_tensor_bundle; here, what they do not hold."""

import pytest
from bundle_writer import number, table

from photovst.errors import WeightsError
from photovst.models.sstable import SNAPPY, is_table, read_table

ENTRIES = {b"": b"head", b"one": b"1" * 200, b"two": b""}


def test_entries_come_back_in_order() -> None:
    assert list(read_table(table(ENTRIES), "it").items()) == sorted(ENTRIES.items())
    assert is_table(table(ENTRIES)[-48:])
    assert not is_table(b"short")


def test_a_block_of_another_compression_is_named() -> None:
    with pytest.raises(WeightsError, match=r"^it is compressed \(Snappy\), which is not read; write it again"):
        read_table(table(ENTRIES, kind=SNAPPY), "it")


@pytest.mark.parametrize("place", [0, 5, 100, 150])
def test_a_changed_byte_is_found(place: int) -> None:
    data = bytearray(table(ENTRIES))
    data[place] ^= 1
    with pytest.raises(WeightsError, match=r"^it is damaged: a block's checksum is another; take a fresh copy"):
        read_table(bytes(data), "it")


def test_a_table_cut_short() -> None:
    whole = table(ENTRIES)
    with pytest.raises(WeightsError, match=r"^it does not end as a table of TensorFlow's does"):
        read_table(whole[:-1], "it")
    far = number(0) + number(0) + number(10**6) + number(9)
    with pytest.raises(WeightsError, match=r"^it is cut short: a block of it ends behind its end"):
        read_table(far.ljust(40, b"\0") + whole[-8:], "it")
    endless = b"\xff" * 40
    with pytest.raises(WeightsError, match=r"^it is damaged \(the number at byte 0 does not end\)"):
        read_table(endless + whole[-8:], "it")
