"""Losses on disk: whole lines, none of a step that a checkpoint does not know."""

import json
import logging
from pathlib import Path

import pytest

from photovst.errors import MediaError
from photovst.training.loss_log import LossLog, read_losses


def test_later_steps_and_torn_lines_are_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "losses.jsonl"
    log = LossLog(path, 0)
    for step in (10, 20, 30):
        log.add({"step": step, "total": float("nan") if step == 20 else 0.5})
    with path.open("ab") as stream:
        stream.write(b'{"step": 40, "tot')
    with caplog.at_level(logging.WARNING):
        LossLog(path, 20).add({"step": 25})
    assert "a line is damaged" in caplog.text
    assert path.read_text().splitlines()[0] == '{"step": 10, "total": 0.5}'
    assert [record["step"] for record in read_losses(path)] == [10, 20, 25]
    assert read_losses(path)[1]["total"] is None


@pytest.mark.parametrize("line", [b"[1]\n", b"null\n", b'{"step": "x"}\n', b"\xff\n", b'{"total": 1}\n'])
def test_what_is_no_record_is_left_out(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "losses.jsonl"
    path.write_bytes(line + json.dumps({"step": 1}).encode() + b"\n")
    assert read_losses(path) == [{"step": 1}]


def test_no_file_holds_no_losses(tmp_path: Path) -> None:
    assert read_losses(tmp_path / "losses.jsonl") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "losses.jsonl"
    log = LossLog(path, 0)
    path.symlink_to("/dev/full")
    with pytest.raises(MediaError, match=r"cannot write .*losses\.jsonl \(No space left on device\)"):
        log.add({"step": 1})
