"""KITTI's flow against OpenCV as what reads and writes its 16-bit PNG."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.kitti_flow import read_kitti_flow, write_kitti_flow


def _flow(height: int = 5, width: int = 9) -> np.ndarray:
    steps = np.random.default_rng(0).integers(-(1 << 15), 1 << 15, (height, width, 2))
    return (steps / 64).astype(np.float32)


def _opencv(flow: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Blue, green, red, as OpenCV holds a picture."""
    return np.dstack([valid, 64 * flow[..., 1] + 32768, 64 * flow[..., 0] + 32768]).astype(np.uint16)


def test_opencv_reads_what_is_written(tmp_path: Path) -> None:
    flow, valid = _flow(), np.random.default_rng(1).random((5, 9)) < 0.6
    path = tmp_path / "a.png"
    write_kitti_flow(path, flow, valid)
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    np.testing.assert_array_equal(stored[valid], _opencv(flow, valid)[valid])
    np.testing.assert_array_equal(stored[~valid], 0)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_what_opencv_writes_is_read(tmp_path: Path) -> None:
    flow, valid = _flow(), np.arange(45).reshape(5, 9) % 3 > 0
    path = tmp_path / "a.png"
    assert cv2.imwrite(str(path), _opencv(flow, valid))
    read, known = read_kitti_flow(path)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_array_equal(read, flow * valid[..., None])


def test_a_pixel_is_64_steps_and_vectors_are_rounded_to_them(tmp_path: Path) -> None:
    flow = np.array([[[1, -1], [0.3, -511.999], [511.98, 0]]], np.float64)
    write_kitti_flow(tmp_path / "a.png", flow)
    read, valid = read_kitti_flow(tmp_path / "a.png")
    assert valid.all()
    np.testing.assert_array_equal(read[0, 0], [1, -1])
    np.testing.assert_allclose(read, flow, atol=1 / 128)


def test_what_is_not_valid_is_not_looked_at(tmp_path: Path) -> None:
    flow = np.array([[[np.nan, 1], [2, 3]]], np.float32)
    write_kitti_flow(tmp_path / "a.png", flow, np.array([[False, True]]))
    read, valid = read_kitti_flow(tmp_path / "a.png")
    assert valid.tolist() == [[False, True]]
    assert read.tolist() == [[[0, 0], [2, 3]]]


@pytest.mark.parametrize("value", [np.nan, 512.0, -512.1])
def test_vectors_the_format_does_not_hold_are_refused(tmp_path: Path, value: float) -> None:
    flow = np.zeros((2, 3, 2), np.float32)
    flow[1, 2, 0] = value
    with pytest.raises(MediaError, match=r"holds vectors from -512 to 511\.98 pixels, and this flow has others"):
        write_kitti_flow(tmp_path / "a.png", flow)
    assert not list(tmp_path.iterdir())


def test_other_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for picture in (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint16), np.zeros((4, 5, 4), np.uint16)):
        cv2.imwrite(str(path), picture)
        with pytest.raises(MediaError, match=r"a\.png is not KITTI flow: that is a color PNG of 16 bits a channel"):
            read_kitti_flow(path)
    write_kitti_flow(path, _flow(40, 50))
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(MediaError, match="is cut off"):
        read_kitti_flow(path)
    with pytest.raises(MediaError, match="does not exist"):
        read_kitti_flow(tmp_path / "absent.png")


@pytest.mark.usefixtures("shapes_unchecked")
def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"end its name in \.png"):
        write_kitti_flow(tmp_path / "a.flo", _flow())
    with pytest.raises(MediaError, match=r"a flow is \(height, width, 2\), this array \(2, 4, 4\)"):
        write_kitti_flow(tmp_path / "a.png", np.zeros((2, 4, 4), np.float32))
    with pytest.raises(MediaError, match=r"the flow is \(5, 9\) but 'valid' \(5, 8\)"):
        write_kitti_flow(tmp_path / "a.png", _flow(), np.ones((5, 8), bool))
