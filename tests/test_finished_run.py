"""A finished run is found by its folder or its result, with its clip; what is wrong with it is one clear line."""

import json
import re
import shutil
from pathlib import Path

import pytest
from made_runs import made_run, measure

from photovst.errors import MediaError, PhotovstError, SettingsError
from photovst.finished_run import find_finished
from photovst.provenance import hash_input


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return made_run(tmp_path, frames=2)


def test_by_its_folder_or_its_result(run: Path, tmp_path: Path) -> None:
    found = find_finished(run)
    assert (found.folder, found.name, found.result) == (run, "out", tmp_path / "out.mp4")
    assert (found.content, found.notes) == (tmp_path / "clip.mp4", ())
    assert found.content_sha256 == hash_input(tmp_path / "clip.mp4")
    assert find_finished(tmp_path / "out.mp4") == found


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "file"), ("", "folder")])
def test_stills_and_folders_of_frames(tmp_path: Path, suffix: str, kind: str) -> None:
    made_run(tmp_path, "result", frames=2, suffix=suffix)
    found = find_finished(tmp_path / f"result{suffix}")
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
    assert find_finished(Path("../start/out/out.run")).content == start / "in" / "clip.mp4"


def test_a_run_that_was_moved_with_its_clip(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("out.run", "out.mp4", "clip.mp4"):
        shutil.move(tmp_path / name, moved / name)
    found = find_finished(moved / "out.run")
    assert (found.result, found.content) == (moved / "out.mp4", moved / "clip.mp4")


def test_a_clip_that_is_gone_or_has_changed_is_noted(run: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"another")
    found = find_finished(run)
    assert found.content is None
    assert found.notes == (f"The clip {tmp_path / 'clip.mp4'} has changed since: it is not shown.",)
    (tmp_path / "clip.mp4").unlink()
    assert find_finished(run).notes == (
        f"The clip {tmp_path / 'clip.mp4'} is gone from where it was: it is not shown.",
    )


def test_an_evaluation_of_a_clip_made_elsewhere(run: Path, tmp_path: Path) -> None:
    measure(run)
    folder = tmp_path / "other.eval"
    folder.mkdir()
    shutil.copy(run / "metrics.json", folder)
    found = find_finished(folder)
    assert (found.name, found.result, found.content) == ("other", tmp_path / "out.mp4", tmp_path / "clip.mp4")
    (tmp_path / "out.mp4").rename(tmp_path / "other.mp4")
    found = find_finished(folder)
    assert found.result is None
    assert found.notes == (f"The result {tmp_path / 'out.mp4'} is gone from where it was: it is not shown.",)
    assert find_finished(tmp_path / "other.mp4").folder == folder


def change(path: Path, former: str, new: str) -> None:
    path.write_text(path.read_text().replace(former, new))


def refused(given: Path, kind: type[PhotovstError], line: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(line)}$"):
        find_finished(given)


def test_what_is_no_run(tmp_path: Path) -> None:
    advice = "give a run folder, or a result that has one beside it"
    refused(tmp_path / "none.run", SettingsError, f"{tmp_path}/none.run does not exist; {advice}")
    refused(tmp_path, SettingsError, f"{tmp_path} holds no run of photovst; {advice}")
    (tmp_path / "alone.mp4").touch()
    line = f"no run folder lies beside {tmp_path}/alone.mp4; give the folder, such as the one that --run named"
    refused(tmp_path / "alone.mp4", SettingsError, line)


def test_a_run_of_another_result(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mkv").touch()
    line = f"{run} belongs to {tmp_path}/out.mp4, not to {tmp_path}/out.mkv; give the run folder that "
    refused(tmp_path / "out.mkv", SettingsError, f"{line}{tmp_path}/out.mkv has")


def test_an_unfinished_run(tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2, finished=False)
    line = f"the run in {run} is not finished; finish it with: photovst run {run}/config.yaml --run {run}"
    refused(run, SettingsError, line)


def test_a_result_that_is_gone_or_has_changed(run: Path, tmp_path: Path) -> None:
    result = tmp_path / "out.mp4"
    result.write_bytes(b"another")
    line = f"{result} has changed since {run} was finished; run it again, or put the clip back"
    refused(run, MediaError, line)
    result.unlink()
    refused(run, MediaError, f"the result of {run}, {result}, is gone; run it again, or put the clip back")


@pytest.mark.parametrize("name", ["finished.json", "provenance.json"])
@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_damaged_record(run: Path, name: str, text: str) -> None:
    (run / name).write_text(text)
    refused(run, SettingsError, f"{run / name} is damaged; run it again")


def test_a_run_of_another_format(run: Path) -> None:
    values = json.loads((run / "finished.json").read_bytes())
    del values["sha256"]
    (run / "finished.json").write_text(json.dumps(values))
    line = f"{run} is of a version of photovst that this one does not read ('sha256' is missing); run it again"
    refused(run, SettingsError, line)
