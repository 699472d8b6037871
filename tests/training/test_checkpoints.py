"""Checkpoints: whole or not at all, the newest whole one, and nothing that could run."""

import errno
import logging
import os
from pathlib import Path

import pytest
import torch

from photovst import storage
from photovst.errors import MediaError
from photovst.training.checkpoints import Checkpoints, read_checkpoint


def filled(folder: Path, *steps: int, keep: int = 9) -> Checkpoints:
    checkpoints = Checkpoints(folder, keep)
    for step in steps:
        checkpoints.save(step, {"module": {"weight": torch.full((100,), float(step))}})
    return checkpoints


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_is_loaded_with_its_step(tmp_path: Path) -> None:
    content = filled(tmp_path, 5, 100, 20).load()
    assert content is not None
    assert (content["step"], content["module"]["weight"][0].item()) == (20, 20.0)
    assert names(tmp_path) == ["step_00000005.pt", "step_00000020.pt"]  # 100 was damaged, or 20 were not written


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "new", 1).load() is None


@pytest.mark.parametrize("keep", [1, 2])
def test_only_the_last_ones_stay(tmp_path: Path, keep: int) -> None:
    (tmp_path / "step_of_mine.pt").write_bytes(b"a note")
    filled(tmp_path, 1, 2, 3, keep=keep)
    assert names(tmp_path) == [*[f"step_{step:08d}.pt" for step in (1, 2, 3)[-keep:]], "step_of_mine.pt"]


@pytest.mark.parametrize("harm", ["torn", "empty", "flipped"])
def test_a_damaged_newest_one_is_told_of_and_the_one_before_taken(
    tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = filled(tmp_path, 1, 2)
    data = bytearray(checkpoints.path(2).read_bytes())
    if harm == "flipped":
        data[data.index(torch.full((9,), 2.0).numpy().tobytes())] ^= 1  # one bit of one weight
    checkpoints.path(2).write_bytes({"torn": data[:-500], "empty": b"", "flipped": data}[harm])
    with caplog.at_level(logging.WARNING):
        content = checkpoints.load()
    assert content is not None
    assert content["step"] == 1
    assert "step_00000002.pt is damaged" in caplog.text


def test_where_all_are_damaged_nothing_is_begun_anew_in_silence(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path, 1)
    checkpoints.path(1).write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"every checkpoint in .* is damaged; remove the folder"):
        checkpoints.load()


class Malicious:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path, mark = tmp_path / "step_00000001.pt", tmp_path / "mark"
    torch.save({"photovst_checkpoint": 1, "step": 1, "module": Malicious(mark)}, path)
    with pytest.raises(MediaError, match="it holds more than numbers, which might be code, and is refused"):
        Checkpoints(tmp_path, 3).load()
    assert not mark.exists()


def test_other_files_and_versions_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "other.pt")
    with pytest.raises(MediaError, match=r"other\.pt is no checkpoint of photovst"):
        read_checkpoint(tmp_path / "other.pt")
    torch.save({"photovst_checkpoint": 7, "step": 1}, tmp_path / "later.pt")
    with pytest.raises(MediaError, match="is of version 7, this photovst reads version 1"):
        read_checkpoint(tmp_path / "later.pt")
    with pytest.raises(MediaError, match=r"cannot read the checkpoint .*absent\.pt \(No such file"):
        read_checkpoint(tmp_path / "absent.pt")


def test_a_full_disk_leaves_the_last_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = filled(tmp_path, 1, keep=1)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(MediaError, match=r"\(No space left on device\); step_00000001\.pt stays") as caught:
        checkpoints.save(2, {"module": {}})
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert names(tmp_path) == ["step_00000001.pt"]
    assert read_checkpoint(checkpoints.path(1))["step"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    (tmp_path / f".step_00000002.pt.{os.getpid()}.partial").symlink_to("/dev/full")
    with pytest.raises(MediaError, match="No space left on device"):
        filled(tmp_path, 1, 2)
    assert names(tmp_path) == ["step_00000001.pt"]
