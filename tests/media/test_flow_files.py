import inspect
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.flow_files import read_flow, write_flow


def _random(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(height, width, 2)).astype(np.float32)


def test_opencv_reads_what_is_written_and_the_other_way_round(tmp_path: Path) -> None:
    flow = _random(5, 9)
    write_flow(tmp_path / "ours.flo", flow)
    np.testing.assert_array_equal(cv2.readOpticalFlow(str(tmp_path / "ours.flo")), flow)
    assert cv2.writeOpticalFlow(str(tmp_path / "theirs.flo"), flow)
    assert (tmp_path / "theirs.flo").read_bytes() == (tmp_path / "ours.flo").read_bytes()
    back = read_flow(tmp_path / "theirs.flo")
    np.testing.assert_array_equal(back, flow)
    assert back.dtype == np.float32
    assert back.flags.writeable
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ours.flo", "theirs.flo"]


def test_bytes_are_the_format_s(tmp_path: Path) -> None:
    flow = np.array([[[2, 1]], [[4, 3]]], np.float64)[:, :, ::-1]  # not float32, not contiguous
    write_flow(tmp_path / "a.flo", flow)
    expected = struct.pack("<fii4f", 202021.25, 1, 2, 1, 2, 3, 4)
    assert (tmp_path / "a.flo").read_bytes() == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a .flo file: it starts with b'', not b'PIEH'"),
        (b"PIEH", "is cut off after 4 bytes"),
        (b"P6\n1 1\n255\n123", "is not a .flo file: it starts with b'P6"),
        (b"PIEH\1\0\0\0", "is cut off after 8 bytes"),
        (b"PIEH" + struct.pack("<ii", 2, 3) + bytes(40), "holds 52 bytes but 3x2 pixels of flow take 60"),
        (b"PIEH" + struct.pack("<ii", 1, 1) + bytes(9), "holds 21 bytes but 1x1 pixels of flow take 20"),
        (b"PIEH" + struct.pack("<ii", -2, 3) + bytes(40), "says it is 3x-2 pixels; the file is damaged"),
        (b"PIEH" + struct.pack("<ii", 1 << 30, 1 << 30), "pixels; the file is damaged"),
    ],
)
def test_damaged_files(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bad.flo"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=message.replace("\n", ".")) as caught:
        read_flow(path)
    assert "\n" not in str(caught.value)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot read flow .*absent\.flo: No such file or directory"):
        read_flow(tmp_path / "absent.flo")
    with pytest.raises(MediaError, match=r"cannot write flow .*: No such file or directory; check folder"):
        write_flow(tmp_path / "absent" / "a.flo", _random(2, 2))
    plain = inspect.unwrap(write_flow)
    with pytest.raises(MediaError, match=r"a flow is \(height, width, 2\), this array \(2, 4, 4\)"):
        plain(tmp_path / "a.flo", np.zeros((2, 4, 4), np.float32))
    with pytest.raises(MediaError, match=r"this array \(0, 4, 2\)"):
        plain(tmp_path / "a.flo", np.zeros((0, 4, 2), np.float32))
