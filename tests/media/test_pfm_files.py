import inspect
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.pfm_files import read_pfm, read_pfm_flow, write_pfm


def _random(height: int, width: int, channels: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_opencv_reads_what_is_written_and_the_other_way_round(tmp_path: Path, channels: int) -> None:
    samples = _random(5, 9, channels)
    write_pfm(tmp_path / "ours.pfm", samples)
    theirs = cv2.imread(str(tmp_path / "ours.pfm"), cv2.IMREAD_UNCHANGED).reshape(samples.shape)
    np.testing.assert_array_equal(theirs[..., ::-1], samples)  # blue first
    assert cv2.imwrite(str(tmp_path / "theirs.pfm"), np.ascontiguousarray(samples[..., ::-1]))
    back = read_pfm(tmp_path / "theirs.pfm")
    np.testing.assert_array_equal(back, samples)
    assert back.dtype == np.float32
    assert back.flags.writeable


@pytest.mark.parametrize(("scale", "order"), [("-1.0", "<"), ("1", ">"), ("-1", "<"), ("1.000000", ">"), ("-2e0", "<")])
def test_bytes_from_the_bottom_row_up_in_the_order_that_the_scale_says(tmp_path: Path, scale: str, order: str) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(f"Pf\n2 2\n{scale}\n".encode() + struct.pack(f"{order}4f", 3, 4, 1, 2))
    np.testing.assert_array_equal(read_pfm(path)[..., 0], [[1, 2], [3, 4]])


def test_a_sample_may_look_like_white_space(tmp_path: Path) -> None:
    spaces = np.frombuffer(b"\n\n  ", "<f4").reshape(1, 1, 1)
    write_pfm(tmp_path / "a.pfm", spaces.astype(np.float32))
    np.testing.assert_array_equal(read_pfm(tmp_path / "a.pfm"), spaces)


def test_flow_is_the_first_two_channels(tmp_path: Path) -> None:
    samples = _random(4, 6, 3)
    write_pfm(tmp_path / "flow.pfm", samples)
    np.testing.assert_array_equal(read_pfm_flow(tmp_path / "flow.pfm"), samples[..., :2])
    write_pfm(tmp_path / "gray.pfm", samples[..., :1])
    with pytest.raises(MediaError, match=r"gray\.pfm is a gray PFM, such as disparity; flow has three channels"):
        read_pfm_flow(tmp_path / "gray.pfm")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"is not a PFM: it starts with b'', not b'PF' or b'Pf'"),
        (b"PIEH\1\0\0\0", "is not a PFM: it starts with b'PI'"),
        (b"PF\n2", "has no width, height and scale after b'PF'; it is damaged"),
        (b"PF\n2 2\n0\n" + bytes(48), "has no width, height and scale"),
        (b"PF\n2 2\n-\n" + bytes(48), "has no width, height and scale"),
        (b"Pf\n2 -2\n-1\n" + bytes(16), "has no width, height and scale"),
        (b"Pf\n2 2\n1e999\n" + bytes(16), "has no width, height and scale"),
        (b"Pf\n0 2\n-1\n", "says it is 0x2 pixels; the file is damaged"),
        (b"Pf\n99999999 2\n-1\n", "says it is 99999999x2 pixels"),
        (b"PF\n2 3\n-1\n" + bytes(71), "holds 71 bytes of samples but 2x3 pixels of 3 take 72; the file is damaged"),
        (b"Pf\n2 3\n-1\n" + bytes(25), "holds 25 bytes of samples but 2x3 pixels of 1 take 24"),
    ],
)
def test_damaged_files(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bad.pfm"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=message) as caught:
        read_pfm(path)
    assert "\n" not in str(caught.value)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot read .*absent\.pfm: No such file or directory; check the path"):
        read_pfm(tmp_path / "absent.pfm")
    with pytest.raises(MediaError, match=r"cannot write .*: No such file or directory; check folder"):
        write_pfm(tmp_path / "absent" / "a.pfm", _random(2, 2, 3))
    plain = inspect.unwrap(write_pfm)
    for shape in ((2, 4), (2, 4, 2), (0, 4, 3)):
        with pytest.raises(MediaError, match=r"a PFM holds \(height, width, 1 or 3\), this array is"):
            plain(tmp_path / "a.pfm", np.zeros(shape, np.float32))
