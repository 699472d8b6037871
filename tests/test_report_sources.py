"""A finished run is found by its folder or its result, with its clip; what is wrong with it is one clear line."""

import json
import re
import shutil
from pathlib import Path

import pytest
from made_runs import made_run, measure

from photovst.errors import MediaError
from photovst.provenance import hash_input
from photovst.report_sources import find_source


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return made_run(tmp_path, frames=2)


def test_by_its_folder_or_its_result(run: Path, tmp_path: Path) -> None:
    found = find_source(run)
    assert (found.folder, found.name, found.result) == (run, "out", tmp_path / "out.mp4")
    assert (found.content, found.notes) == (tmp_path / "clip.mp4", ())
    assert found.content_sha256 == hash_input(tmp_path / "clip.mp4")
    assert find_source(tmp_path / "out.mp4") == found


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "file"), ("", "folder")])
def test_stills_and_folders_of_frames(tmp_path: Path, suffix: str, kind: str) -> None:
    made_run(tmp_path, "result", frames=2, suffix=suffix)
    found = find_source(tmp_path / f"result{suffix}")
    assert found.result == tmp_path / f"result{suffix}"
    assert found.result.is_dir() == (kind == "folder")


def test_a_clip_is_found_from_where_the_run_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, elsewhere = tmp_path / "start", tmp_path / "elsewhere"
    for folder in (start / "in", start / "out", elsewhere):
        folder.mkdir(parents=True)
    monkeypatch.chdir(start)
    run = made_run(Path("out"), frames=2)
    Path("out/clip.mp4").rename("in/clip.mp4")
    change(run / "provenance.json", "out/clip.mp4", "in/clip.mp4")
    monkeypatch.chdir(elsewhere)
    assert find_source(Path("../start/out/out.run")).content == start / "in" / "clip.mp4"


def test_a_run_that_was_moved_with_its_clip(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("out.run", "out.mp4", "clip.mp4"):
        shutil.move(tmp_path / name, moved / name)
    found = find_source(moved / "out.run")
    assert (found.result, found.content) == (moved / "out.mp4", moved / "clip.mp4")


def test_a_clip_that_is_gone_or_has_changed_is_noted(run: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"another")
    found = find_source(run)
    assert found.content is None
    assert found.notes == (f"The clip {tmp_path / 'clip.mp4'} has changed since: it is not shown.",)
    (tmp_path / "clip.mp4").unlink()
    assert find_source(run).notes == (f"The clip {tmp_path / 'clip.mp4'} is gone from where it was: it is not shown.",)


def test_an_evaluation_of_a_clip_made_elsewhere(run: Path, tmp_path: Path) -> None:
    measure(run)
    folder = tmp_path / "other.eval"
    folder.mkdir()
    shutil.copy(run / "metrics.json", folder)
    found = find_source(folder)
    assert (found.name, found.result, found.content) == ("other", tmp_path / "out.mp4", tmp_path / "clip.mp4")
    (tmp_path / "out.mp4").rename(tmp_path / "other.mp4")
    found = find_source(folder)
    assert found.result is None
    assert found.notes == (f"The result {tmp_path / 'out.mp4'} is gone from where it was: it is not shown.",)
    assert find_source(tmp_path / "other.mp4").folder == folder


def change(path: Path, former: str, new: str) -> None:
    path.write_text(path.read_text().replace(former, new))


def refused(given: Path, line: str) -> None:
    with pytest.raises(MediaError, match=f"^{re.escape(line)}"):
        find_source(given)


def test_what_is_no_run(tmp_path: Path) -> None:
    refused(tmp_path / "none.run", f"{tmp_path}/none.run does not exist; give a run folder, ")
    refused(tmp_path, f"{tmp_path} is no run folder of photovst: ")
    (tmp_path / "alone.mp4").touch()
    refused(tmp_path / "alone.mp4", f"{tmp_path}/alone.mp4 has no run folder {tmp_path}/alone.run; ")


def test_a_run_of_another_result(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mkv").touch()
    line = f"{run} belongs to {tmp_path}/out.mp4, not to {tmp_path}/out.mkv; give the run folder of {tmp_path}/out.mkv"
    refused(tmp_path / "out.mkv", line)


def test_an_unfinished_run(tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2, finished=False)
    refused(run, f"{run} is unfinished; go on with: photovst stylize clip.mp4 photo.png -o out.mp4")


def test_a_result_that_is_gone_or_has_changed(run: Path, tmp_path: Path) -> None:
    result = tmp_path / "out.mp4"
    result.write_bytes(b"another")
    refused(run, f"{result} is not the clip that {run} wrote: it was changed since; ")
    result.unlink()
    refused(run, f"{result} is gone, which {run} wrote; ")


@pytest.mark.parametrize("name", ["finished.json", "provenance.json"])
def test_a_damaged_record(run: Path, name: str) -> None:
    (run / name).write_text("{")
    refused(run, f"{run / name} is damaged; ")
    (run / name).unlink()
    (run / name).mkdir()
    refused(run, f"{run / name} cannot be read (Is a directory); ")


def test_a_record_of_paths_that_are_none(run: Path) -> None:
    values = json.loads((run / "provenance.json").read_bytes())
    values["inputs"]["content"]["path"] = 5
    (run / "provenance.json").write_text(json.dumps(values))
    refused(run, f"{run}/provenance.json or finished.json beside it is damaged; run it anew")


@pytest.mark.parametrize("sessions", [7, [], [5], [{"command": 3}], {}])
def test_a_record_of_the_wrong_kinds(run: Path, sessions: object) -> None:
    (run / "provenance.json").write_text(json.dumps({"inputs": 5, "sessions": sessions}))
    refused(run, f"{run}/provenance.json or finished.json beside it is damaged; run it anew")
    (run / "finished.json").unlink()
    refused(run, f"{run} is unfinished; go on with: the command it was started with")


def test_a_run_of_another_format(run: Path) -> None:
    values = json.loads((run / "finished.json").read_bytes())
    del values["sha256"]
    (run / "finished.json").write_text(json.dumps(values))
    refused(run, f"{run} is of another version of photovst: it lacks 'sha256'; ")


def test_settings_of_another_version_do_not_matter(run: Path, tmp_path: Path) -> None:
    (run / "config.yaml").write_text("forgotten: 1\n")
    assert find_source(run).content == tmp_path / "clip.mp4"
