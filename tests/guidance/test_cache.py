import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from photovst.errors import SettingsError
from photovst.guidance import cache as module
from photovst.guidance.cache import GuideCache
from photovst.storage import Arrays, read_npz


class Counted:
    """Counts how often it computes."""

    def __init__(self, value: float = 1.0) -> None:
        self.value = value
        self.calls = 0

    def __call__(self) -> Arrays:
        self.calls += 1
        return {"x": np.full(100, self.value, np.float32), "y": np.array([1, 2], np.uint8)}


PICTURE = torch.arange(12.0).view(1, 1, 3, 4)


def test_the_second_time_it_is_read_back(tmp_path: Path) -> None:
    compute = Counted()
    cache = GuideCache(tmp_path)
    first = cache.get("flow", (PICTURE,), compute)
    again = GuideCache(tmp_path).get("flow", (PICTURE.clone(),), compute)
    assert compute.calls == 1
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_kind_values_shape_type_and_order_make_the_key(tmp_path: Path) -> None:
    compute, cache = Counted(), GuideCache(tmp_path)
    other = PICTURE.clone()
    other[0, 0, 0, 0] = 1e-30
    asked: list[tuple[str, tuple[torch.Tensor, ...]]] = [
        ("flow", (PICTURE,)),
        ("flow, 2", (PICTURE,)),
        ("flow", (other,)),
        ("flow", (PICTURE.view(1, 1, 4, 3),)),
        ("flow", (PICTURE.view(torch.int32),)),
        ("flow", (PICTURE, other)),
        ("flow", (other, PICTURE)),
        ("flow", ()),
    ]
    for count, (kind, pictures) in enumerate(asked, start=1):
        cache.get(kind, pictures, compute)
        assert compute.calls == count
    for kind, pictures in asked:
        cache.get(kind, pictures, compute)
    assert compute.calls == len(asked)
    # The layout in memory is none of it.
    cache.get("flow", (PICTURE.transpose(2, 3).contiguous().transpose(2, 3),), compute)
    assert compute.calls == len(asked)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text"])
def test_a_damaged_file_is_computed_again_and_said(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = GuideCache(tmp_path)
    cache.get("flow", (PICTURE,), Counted())
    (path,) = tmp_path.glob("*.npz")
    whole = path.read_bytes()
    flipped = bytes([*whole[:200], whole[200] ^ 1, *whole[201:]])
    path.write_bytes({"empty": b"", "cut": whole[:-20], "flipped": flipped, "text": b"no archive" * 9}[damage])
    compute = Counted()
    with caplog.at_level(logging.WARNING):
        arrays = cache.get("flow", (PICTURE,), compute)
    assert compute.calls == 1
    assert [f"{path} is damaged; it is computed again"] == caplog.messages
    np.testing.assert_array_equal(arrays["x"], np.ones(100, np.float32))
    assert path.read_bytes() == whole


def test_pruning_removes_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = GuideCache(tmp_path)
    paths = []
    for index in range(4):
        known = set(tmp_path.iterdir())
        cache.get(f"kind {index}", (PICTURE,), Counted())
        (path,) = set(tmp_path.iterdir()) - known
        os.utime(path, (1000 + index, 1000 + index))
        paths.append(path)
    cache.get("kind 0", (PICTURE,), Counted())  # used just now
    size = paths[0].stat().st_size
    (tmp_path / "notes.txt").write_bytes(bytes(10 * size))
    GuideCache(tmp_path, limit=4 * size).prune()
    assert all(path.exists() for path in paths)
    GuideCache(tmp_path, limit=2 * size).prune()
    assert [path.exists() for path in paths] == [True, False, False, True]
    GuideCache(tmp_path, limit=0).prune()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_another_process_may_prune_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, compute = GuideCache(tmp_path), Counted()
    cache.get("flow", (PICTURE,), compute)

    def read_and_lose(path: Path) -> Arrays:
        arrays = read_npz(path)
        path.unlink()
        return arrays

    monkeypatch.setattr(module, "read_npz", read_and_lose)
    assert cache.get("flow", (PICTURE,), compute)["y"].tolist() == [1, 2]
    (path,) = tmp_path.glob("*.npz")
    assert read_npz(path).keys() == {"x", "y"}  # no empty file in its place


def test_the_folder_is_made_and_the_users_own_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert GuideCache(tmp_path / "a" / "b").folder.is_dir()
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "user" / name))
    assert GuideCache().folder == tmp_path / "user" / "photovst" / "guides"
    assert GuideCache("").folder == tmp_path / "user" / "photovst" / "guides"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(
        SettingsError, match=r"cannot make the cache folder .*file.*; set cache\.folder, or cache\.enab"
    ):
        GuideCache(tmp_path / "file" / "guides")
