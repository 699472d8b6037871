"""Files of color transforms: what is written is read, a row at a time, and what is no such file is told."""

from pathlib import Path

import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.media.grid_files import NEEDED, read_grid_file, write_grid_file

GRIDS = np.random.default_rng(0).random((3, 2, 3, 4, 3, 4), np.float32)
SMALL = {name: np.arange(3) for name in NEEDED if name != "grids"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    motion = GRIDS[:2, 0, :2, ..., 0, 0].astype(np.float16)
    streamed = {"grids": (3, lambda: iter(GRIDS)), "to_former": (2, lambda: iter(motion))}
    write_grid_file(tmp_path / "a.npz", SMALL, streamed)
    read = read_grid_file(tmp_path / "a.npz")
    np.testing.assert_array_equal(read.pop("to_former"), motion, strict=True)
    np.testing.assert_array_equal(read["grids"], GRIDS)
    np.testing.assert_array_equal(read["frames"], [0, 1, 2])
    assert set(read) == {*NEEDED, "version"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (GRIDS[:2], "more or fewer rows"),
        ([*GRIDS, GRIDS[0]], "more or fewer rows"),
        ([*GRIDS[:2], GRIDS[2, 0]], "a row"),
    ],
)
def test_rows_that_do_not_fit_leave_no_file(tmp_path: Path, rows: list[np.ndarray], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        write_grid_file(tmp_path / "a.npz", SMALL, {"grids": (3, lambda: iter(rows))})
    assert not list(tmp_path.iterdir())


def test_what_is_no_such_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot write"):
        write_grid_file(tmp_path / "none" / "a.npz", SMALL, {"grids": (3, lambda: iter(GRIDS))})
    with pytest.raises(MediaError, match="cannot be read"):
        read_grid_file(tmp_path / "none.npz")
    (tmp_path / "a.npz").write_bytes(b"nothing")
    with pytest.raises(MediaError, match="cannot be read"):
        read_grid_file(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", frames=np.arange(3))
    with pytest.raises(MediaError, match="lacks grids"):
        read_grid_file(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", **SMALL, grids=GRIDS, version=7)
    with pytest.raises(MediaError, match="has layout 7, but this photovst reads 2"):
        read_grid_file(tmp_path / "c.npz")
