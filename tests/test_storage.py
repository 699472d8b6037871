"""Arrays on disk: whole, checked, and the same bytes for the same numbers."""

from pathlib import Path

import numpy as np
import pytest

from photovst.storage import CHECKSUM, atomic, read_npz, write_atomic, write_npz


def test_any_array_comes_back_as_it_was(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {
        "half": random.random((3, 4)).astype(np.float16),
        "fortran": np.asfortranarray(random.random((5, 6))),
        "strided": random.random((8, 8))[::2, ::-1],
        "empty": np.zeros((0, 3), np.float32),
        "scalar": np.array(3, np.int64),
        "flags": np.array([True, False]),
        "special": np.array([np.nan, np.inf, -0.0]),
    }
    write_npz(tmp_path / "a.npz", arrays)
    read = read_npz(tmp_path / "a.npz")
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes()


def test_nothing_at_all_is_stored_too(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {})
    assert read_npz(tmp_path / "a.npz") == {}


def test_the_order_of_names_makes_no_other_bytes(tmp_path: Path) -> None:
    one, two = np.ones(3), np.zeros(2)
    write_npz(tmp_path / "a.npz", {"x": one, "y": two})
    write_npz(tmp_path / "b.npz", {"y": two, "x": one})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("length", [0, 1, CHECKSUM, CHECKSUM + 1, 200])
def test_what_is_cut_short_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.npz"
    write_npz(path, {"x": np.arange(100.0)})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="its checksum is wrong"):
        read_npz(path)


def test_an_object_is_not_stored_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_npz(tmp_path / "a.npz", {"x": np.array([{}], dtype=object)})
    assert list(tmp_path.iterdir()) == []


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with atomic(path) as stream:
        stream.write(b"half")
        assert not path.exists()
        stream.write(b" and half")
    assert path.read_bytes() == b"half and half"
    write_atomic(path, b"another")
    assert path.read_bytes() == b"another"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_only_what_is_synced_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[int] = []
    monkeypatch.setattr("photovst.storage.os.fsync", waits.append)
    for sync in (True, False):
        write_npz(tmp_path / "a.npz", {"x": np.arange(3)}, sync)
        assert len(waits) == 1
        assert read_npz(tmp_path / "a.npz")["x"].tolist() == [0, 1, 2]
