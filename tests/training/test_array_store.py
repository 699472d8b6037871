import logging
from pathlib import Path

import numpy as np
import pytest

from photovst.errors import MediaError, SettingsError
from photovst.training import array_store
from photovst.training.array_store import ArrayStore


def test_arrays_are_made_once_and_mapped(tmp_path: Path) -> None:
    store, made = ArrayStore(tmp_path / "kept"), []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"a": np.arange(6).reshape(2, 3), "b": np.zeros(2, np.uint8)}

    assert not store.holds("key")
    for _ in range(2):
        arrays = store.get("key", make)
    assert made == [1]
    assert store.holds("key")
    assert isinstance(arrays["a"], np.memmap)
    assert arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="read-only"):
        arrays["a"][0, 0] = 1
    assert store.get("other", lambda: {"a": np.ones(1)})["a"] == 1
    assert list(tmp_path.rglob("*partial*")) == []


def test_a_damaged_entry_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = ArrayStore(tmp_path)
    store.get("key", lambda: {"a": np.arange(1000)})
    (path,) = tmp_path.rglob("a.npy")
    path.write_bytes(path.read_bytes()[:500])
    with caplog.at_level(logging.WARNING):
        arrays = store.get("key", lambda: {"a": np.arange(1000)})
    assert arrays["a"][999] == 999
    assert "is damaged" in caplog.text


def test_what_was_opened_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_store, "_PRUNED_EVERY", 1)
    store = ArrayStore(tmp_path, limit=2500)
    for key in ("one", "two", "one", "three"):
        store.get(key, lambda: {"a": np.zeros(1000, np.uint8)})
    assert [store.holds(key) for key in ("one", "two", "three")] == [True, False, True]


def test_places_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"cannot make the cache folder .*file.* data.cache"):
        ArrayStore(tmp_path / "file")
    store = ArrayStore(tmp_path / "kept")
    (tmp_path / "kept").rmdir()
    with pytest.raises(MediaError, match=r"cannot keep training data in .*kept.*free space"):
        store.get("key", lambda: {"a": np.zeros(1)})
