"""The run folder: identity, resume, damage, and two processes at once."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photovst.config import Settings
from photovst.errors import MediaError, SettingsError
from photovst.provenance import PACKAGES, code_version, differences, fingerprint, hash_input, identity
from photovst.run import RunFolder, read_records
from photovst.settings_io import load_settings
from photovst.storage import atomic, read_npz, write_atomic, write_npz


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    Path("clip.mp4").write_bytes(b"clip")
    Path("photo.jpg").write_bytes(b"photo")
    return {"content": "clip.mp4", "style": "photo.jpg"}


def settings_for(*overrides: str) -> Settings:
    fixed = {"content": "clip.mp4", "style": "photo.jpg", "output": "out.mp4"}
    return load_settings([], overrides, fixed)


def open_run(inputs: dict[str, str], *overrides: str, overwrite: bool = False) -> RunFolder:
    settings = settings_for(*overrides)
    return RunFolder.open(Path("out.run"), settings, identity(settings, inputs, "cpu"), overwrite, ["photovst"])


@pytest.fixture
def run(inputs: dict[str, str]) -> Iterator[RunFolder]:
    with open_run(inputs) as folder:
        yield folder


def test_a_new_folder_tells_where_it_comes_from(run: RunFolder) -> None:
    record = json.loads((run.path / "provenance.json").read_text())
    assert record["fingerprint"] == run.fingerprint
    assert record["inputs"]["content"] == {"path": "clip.mp4", "sha256": hashlib.sha256(b"clip").hexdigest()}
    assert (record["seed"], record["device"], record["photovst"]) == (0, "cpu", code_version())
    (session,) = record["sessions"]
    assert session["command"] == ["photovst"]
    assert session["packages"].keys() == set(PACKAGES)
    assert session["packages"]["numpy"] == np.__version__
    assert load_settings([run.path / "config.yaml"]) == settings_for()
    assert json.loads((run.path / "log.jsonl").read_text())["event"] == "started"


def test_an_unfinished_run_goes_on(inputs: dict[str, str]) -> None:
    with open_run(inputs) as first:
        first.save_state(3, {"grid": np.ones(2)})
    for overwrite in (False, True):
        with open_run(inputs, overwrite=overwrite) as again:
            assert again.has_state(3)
            assert not again.has_state(2)
            assert not again.finished
    record = json.loads(Path("out.run/provenance.json").read_text())
    assert len(record["sessions"]) == 3


def test_another_run_is_refused_and_named_then_replaced(inputs: dict[str, str]) -> None:
    with open_run(inputs) as first:
        first.save_state(0, {"grid": np.ones(2)})
        first.add_record({"frame": 0})
        (first.frames / "000000.png").write_bytes(b"x")
        (first.path / "notes.txt").write_text("mine")
    message = r"belongs to another run \(differs in objective\.style\.weight, seed\); pass --overwrite"
    with pytest.raises(SettingsError, match=message):
        open_run(inputs, "objective.style.weight=2", "seed=1")
    with open_run(inputs, "seed=1", overwrite=True) as other:
        assert not other.has_state(0)
        assert other.records() == []
        assert list(other.frames.iterdir()) == []
        assert (other.path / "notes.txt").read_text() == "mine"
        other.save_state(0, {"grid": np.ones(2)})
    Path("clip.mp4").write_bytes(b"another clip")
    with pytest.raises(SettingsError, match=r"differs in inputs\.content\)"):
        open_run(inputs, "seed=1")


def test_a_run_without_a_frame_gives_way_to_another(inputs: dict[str, str]) -> None:
    with open_run(inputs) as first:
        first.log({"event": "warning", "message": "of the first"})
    with open_run(inputs, "seed=1") as second:
        assert json.loads((second.path / "provenance.json").read_text())["seed"] == 1
        assert "of the first" not in (second.path / "log.jsonl").read_text()


def test_identity_ignores_places_and_caches(inputs: dict[str, str]) -> None:
    base = fingerprint(identity(settings_for(), inputs, "cpu"))
    Path("elsewhere.mp4").write_bytes(b"clip")
    moved = load_settings(
        [], ["cache.enabled=false", "device=cpu"], {**inputs, "content": "elsewhere.mp4", "output": "b.mp4"}
    )
    assert fingerprint(identity(moved, {**inputs, "content": "elsewhere.mp4"}, "cpu")) == base
    assert fingerprint(identity(settings_for(), inputs, "cuda:0")) != base
    assert fingerprint(identity(settings_for("strength=0.5"), inputs, "cpu")) != base


def test_a_code_change_is_another_run(inputs: dict[str, str]) -> None:
    key = identity(settings_for(), inputs, "cpu")
    changed = {**key, "photovst": {"version": "0.1.0", "sha256": "0" * 64}}
    assert fingerprint(changed) != fingerprint(key)
    assert differences(key, changed) == ["photovst's own code"]


def test_finished_holds_while_the_result_does(inputs: dict[str, str]) -> None:
    Path("out.mp4").write_bytes(b"result")
    with open_run(inputs) as run:
        assert not run.finished
        run.finish(Path("out.mp4"))
        assert run.finished
    with open_run(inputs) as run:
        assert run.finished
        Path("out.mp4").write_bytes(b"tampered")
        assert not run.finished
        Path("out.mp4").unlink()
        assert not run.finished
    with open_run(inputs, overwrite=True) as run:
        assert not (run.path / "finished.json").exists()


def test_states_come_back_as_they_were(run: RunFolder) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "grid": np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32),
        "picture": np.arange(12, dtype=np.uint16).reshape(3, 4).T,
        "step": np.array(7),
    }
    run.save_state(12, arrays)
    loaded = run.load_state(12)
    assert loaded is not None
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)
    assert (run.path / "state" / "000012.npz").exists()
    with np.load(run.path / "state" / "000012.npz") as numpys:
        np.testing.assert_array_equal(numpys["grid"], arrays["grid"])


def test_equal_states_are_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_npz(tmp_path / "a.npz", {"x": np.ones(3), "y": np.zeros(2)})
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_npz(tmp_path / "b.npz", {"y": np.zeros(2), "x": np.ones(3)})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_any_damage_counts_as_absent(run: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    run.save_state(0, {"grid": np.arange(50.0)})
    path = run.path / "state" / "000000.npz"
    whole = path.read_bytes()
    damaged = [b"", whole[:1], whole[: len(whole) // 2], whole[:-1], whole + b"\0", bytes(len(whole))]
    damaged += [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(0, len(whole), 37)]
    for data in damaged:
        path.write_bytes(data)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert run.load_state(0) is None
            assert not run.has_state(0)
        (message,) = caplog.messages
        assert "000000.npz is damaged (its checksum is wrong); it is computed again" in message


def test_carry_is_the_last_one(run: RunFolder) -> None:
    assert run.load_carry() is None
    run.save_carry(4, {"grid": np.zeros(3)})
    run.save_carry(5, {"grid": np.ones(3)})
    carry = run.load_carry()
    assert carry is not None
    assert carry[0] == 5
    assert carry[1].keys() == {"grid"}
    np.testing.assert_array_equal(carry[1]["grid"], np.ones(3))


def test_records_last_wins_and_a_torn_line_is_dropped(inputs: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    with open_run(inputs) as run:
        for frame, loss in ((0, 1.0), (2, 3.0), (1, 2.0), (2, 4.0)):
            run.add_record({"frame": frame, "loss": loss})
    with Path("out.run/frames.jsonl").open("a") as stream:
        stream.write('{"frame": 3, "lo')
    with caplog.at_level(logging.WARNING), open_run(inputs) as run:
        assert "its last line was cut short" in caplog.text
        run.add_record({"frame": 3, "loss": np.float32(0.5)})
        assert [(r["frame"], r["loss"]) for r in run.records()] == [(0, 1.0), (1, 2.0), (2, 4.0), (3, 0.5)]
    assert read_records(Path("nowhere")) == []


def test_a_damaged_line_in_the_middle_is_left_out(run: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    (run.path / "frames.jsonl").write_bytes(b'{"frame": 0}\n\0\0\0\n[1]\n{"frame": 1}\n')
    with caplog.at_level(logging.WARNING):
        assert [r["frame"] for r in run.records()] == [0, 1]
    assert "line 2 is damaged" in caplog.text
    assert "line 3 is damaged" in caplog.text


def test_leftovers_of_a_killed_write_are_swept(inputs: dict[str, str]) -> None:
    with open_run(inputs) as run:
        leftover = run.path / "state" / ".000001.npz.123.partial"
        leftover.write_bytes(b"half")
    with open_run(inputs):
        assert not leftover.exists()


def test_atomic_leaves_the_former_file_when_interrupted(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"former")

    def interrupted() -> None:
        with atomic(tmp_path / "a") as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "a").read_bytes() == b"former"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_foreign_folder_or_file_is_never_touched(inputs: dict[str, str]) -> None:
    Path("out.run").mkdir()
    Path("out.run/thesis.tex").write_text("mine")
    with pytest.raises(SettingsError, match=r"out\.run holds files but no run of photovst"):
        open_run(inputs, overwrite=True)
    assert os.listdir("out.run") == ["thesis.tex"]
    Path("out.run/thesis.tex").unlink()
    Path("out.run").rmdir()
    Path("out.run").write_text("file")
    with pytest.raises(SettingsError, match=r"run folder out\.run is a file"):
        open_run(inputs)


def test_damaged_provenance_is_said(inputs: dict[str, str]) -> None:
    open_run(inputs).close()
    Path("out.run/provenance.json").write_text("{")
    with pytest.raises(SettingsError, match="its provenance cannot be read"):
        open_run(inputs)
    open_run(inputs, overwrite=True).close()


def test_two_processes_do_not_share_a_folder(run: RunFolder, inputs: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"out\.run is in use by another photovst"):
        open_run(inputs)
    code = "import fcntl; fcntl.flock(open('out.run/.lock', 'ab'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    held = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "BlockingIOError" in held.stderr
    run.close()
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_failed_opening_releases_the_lock(inputs: dict[str, str]) -> None:
    with open_run(inputs) as run:
        run.save_state(0, {"grid": np.ones(2)})
    with pytest.raises(SettingsError, match="belongs to another run"):
        open_run(inputs, "seed=1")
    open_run(inputs).close()


def test_input_hashes(tmp_path: Path) -> None:
    big = os.urandom(3 << 20)
    (tmp_path / "a").write_bytes(big)
    assert hash_input(tmp_path / "a") == hashlib.sha256(big).hexdigest()
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in ("2.png", "1.png"):
        (folder / name).write_bytes(name.encode())
    whole = hash_input(folder)
    assert hash_input(f"{folder}/*.png") == whole
    assert hash_input(f"{folder}/1*") != whole
    (folder / "2.png").rename(folder / "3.png")
    assert hash_input(folder) != whole
    with pytest.raises(MediaError, match=r"none\.mp4 does not exist, and as a pattern it matches no file"):
        hash_input(tmp_path / "none.mp4")


def test_no_torch_comes_along() -> None:
    code = "import sys, photovst.run, photovst.report; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_npz_absent_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "a.npz")
