from pathlib import Path

import cv2
import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.certainty_files import read_certainty, write_certainty

LEVELS = np.arange(256, dtype=np.uint8).reshape(8, 32)


def test_opencv_reads_what_is_written_and_the_other_way_round(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.pgm", tmp_path / "theirs.pgm"
    write_certainty(ours, LEVELS / np.float32(255))
    np.testing.assert_array_equal(cv2.imread(str(ours), cv2.IMREAD_UNCHANGED), LEVELS)
    assert cv2.imwrite(str(theirs), LEVELS)
    read = read_certainty(theirs)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, LEVELS / np.float32(255))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ours.pgm", "theirs.pgm"]


def test_the_released_program_s_files_are_read(shared: Path) -> None:
    path = shared / "data" / "marple8" / "reliable_1_2.pgm"
    np.testing.assert_array_equal(np.rint(read_certainty(path) * 255), cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


def test_comments_and_other_tops(tmp_path: Path) -> None:
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 # made by hand\n# twice\n2\n 1 100\n\x00\x64")
    assert read_certainty(path).tolist() == [[0, 1]]
    path.write_bytes(b"P5 2 1 255\n\x0a\x20")  # values that look like the spaces of a header
    np.testing.assert_allclose(read_certainty(path), [[10 / 255, 32 / 255]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a binary PGM: it starts with b'', not b'P5'"),
        (b"P2 1 1 255 7", "is not a binary PGM: it starts with b'P2 1'"),
        (b"P5 2 2 65535\n12345678", "is 2x2 pixels up to 65535; certainty has 8 bits"),
        (b"P5 0 2 255\n", "is 2x0 pixels"),
        (b"P5 3 2 255\n12345", "holds 5 bytes but 2x3 pixels of certainty take 6; the file is damaged"),
        (b"P5 1 1 255\n12", "holds 2 bytes but 1x1 pixels"),
    ],
)
def test_damaged_files(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bad.pgm"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=message) as caught:
        read_certainty(path)
    assert "\n" not in str(caught.value)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot read certainty .*absent\.pgm: No such file or directory"):
        read_certainty(tmp_path / "absent.pgm")
    with pytest.raises(MediaError, match=r"cannot write certainty .*: No such file or directory"):
        write_certainty(tmp_path / "absent" / "a.pgm", np.ones((2, 2), np.float32))
    for value in (1.5, -0.1, np.nan):
        with pytest.raises(MediaError, match=r"certainty is \(height, width\) in \[0, 1\]"):
            write_certainty(tmp_path / "a.pgm", np.full((2, 2), value))
