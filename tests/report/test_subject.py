"""What a folder tells of a run; what is not there is said."""

import json
from pathlib import Path

import pytest
from made_runs import made_run, measure

from photovst.report.licences import licences_of
from photovst.report.subject import read_log, read_subject


def test_everything_of_a_run(tmp_path: Path) -> None:
    run = made_run(tmp_path, "out", "seed=7", frames=4, warnings=["dark", "dark"])
    measure(run)
    subject = read_subject(run, "out", tmp_path / "out.mp4", ["a note"])
    assert (subject.title, subject.content, subject.result) == (
        "clip.mp4 in the light of photo.png",
        "clip.mp4",
        "out.mp4",
    )
    assert (subject.settings["seed"], subject.settings["device in use"]) == (7, "cpu")
    assert subject.warnings == ("dark",)
    assert subject.notes == ("a note",)
    assert subject.seconds == {"survey": 0.5, "stylize": 3.0, "report": 0.5}
    assert dict(subject.figures) == {
        "frames": "4",
        "seconds a frame, mean": "2",
        "iterations a frame, mean": "10",
        "loss, mean": "0.925",
        "whole run": "4.00 s",
    }
    assert subject.losses["temporal"][:2] == [(0, None), (1, 0.01)]
    assert subject.series["e_warp"][:2] == [(0, None), (1, 0.02)]
    assert [photo.caption for photo in subject.worst] == ["frame 7: 0.07"]
    assert subject.evaluation is not None
    assert subject.unmeasured == ""


def test_an_empty_folder_is_told_of_and_nothing_fails(tmp_path: Path) -> None:
    subject = read_subject(tmp_path, "x", None)
    assert (subject.title, subject.worst, subject.losses, subject.settings) == ("x", (), {}, {})
    assert subject.unmeasured.startswith(f"Nothing was measured yet: 'photovst evaluate {tmp_path}' does it; ")
    assert "No pictures" in subject.notes[0]


def test_an_older_run_without_pictures_still_has_its_title(tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2)
    (run / "shown" / "shown.json").unlink()
    subject = read_subject(run, "x", tmp_path / "out.mp4")
    assert subject.title == "clip.mp4 in the light of photo.png"
    assert "No pictures" in subject.notes[0]


@pytest.mark.parametrize("text", ["{", '{"format": 99}'])
def test_figures_that_cannot_be_read_are_told_of(tmp_path: Path, text: str) -> None:
    run = made_run(tmp_path, frames=2)
    (run / "metrics.json").write_text(text)
    subject = read_subject(run, "x", None)
    assert subject.evaluation is None
    assert "photovst evaluate" in subject.unmeasured


def test_figures_of_another_result_are_not_shown_as_this_ones(tmp_path: Path) -> None:
    run, other = made_run(tmp_path, frames=2), made_run(tmp_path, "another", frames=2)
    measure(run)
    assert read_subject(run, "x", None).evaluation is not None
    measure(other)
    (run / "metrics.json").write_bytes((other / "metrics.json").read_bytes())
    subject = read_subject(run, "x", None)
    assert subject.evaluation is None
    assert subject.unmeasured == f"metrics.json is of another result: 'photovst evaluate {run}' measures this one."


@pytest.mark.parametrize("name", ["config.yaml", "log.jsonl", "frames.jsonl", "provenance.json", "shown/shown.json"])
def test_a_folder_in_the_place_of_a_file_is_as_nothing(name: str, tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2)
    (run / name).unlink()
    (run / name).mkdir()
    assert read_subject(run, "x", None).folder == run


def test_provenance_of_the_wrong_kinds_is_left_out(tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2)
    values = json.loads((run / "provenance.json").read_bytes())
    values |= {"inputs": values["inputs"] | {"style": 5}, "photovst": "x", "sessions": 3}
    (run / "provenance.json").write_text(json.dumps(values))
    subject = read_subject(run, "x", None)
    assert (subject.content, subject.photo, subject.sessions) == ("clip.mp4", "photo.png", [])


def test_records_of_frames_of_the_wrong_kinds_are_left_out(tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2)
    before = read_subject(run, "x", None)
    wrong = [{"seconds": 4}, {"terms": {"style": "x"}}, {"iterations": "many"}, {"frame": "a"}, {"terms": [1]}]
    with (run / "frames.jsonl").open("a") as stream:
        stream.writelines(json.dumps({"frame": 1} | values) + "\n" for values in wrong)
    assert read_subject(run, "x", None) == before


def test_a_picture_that_is_gone_is_left_out(tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2)
    measure(run)
    (run / "metrics" / "worst_000007.png").unlink()
    assert read_subject(run, "x", None).worst == ()


def log(path: Path, *events: dict[str, object]) -> Path:
    file = path / "log.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"torn')
    return file


def test_stages_of_a_run_that_was_stopped_add_up(tmp_path: Path) -> None:
    file = log(
        tmp_path,
        {"event": "started"},
        {"event": "stage", "elapsed": 10.0, "name": "survey"},
        {"event": "stage", "elapsed": 12.0, "name": "stylize"},
        {"event": "frame", "elapsed": 15.0, "frame": 0},
        {"event": "resumed"},
        {"event": "warning", "elapsed": 0.5, "message": "later"},
        {"event": "stage", "elapsed": 1.0, "name": "survey"},
        {"event": "stage", "elapsed": 2.0, "name": "stylize"},
        {"event": "done", "elapsed": 9.0},
        {"event": "note", "elapsed": 11.0},
    )
    assert read_log(file) == ({"survey": 3.0, "stylize": 10.0}, ["later"])
    assert read_log(tmp_path / "none") == ({}, [])


def test_licences_of_what_was_used() -> None:
    assert licences_of({"encoder.kind": "steerable", "flow.method": "dis", "segmentation.method": "joint"}) == []
    used = licences_of(
        {
            "encoder.kind": "vgg19_cd16x",
            "flow.method": "raft_large",
            "segmentation.method": "ade20k",
            "segmentation.network": "resnet50dilated",
        }
    )
    assert [(each.used_for, each.licence) for each in used] == [
        ("objective", "MIT"),
        ("motion", "BSD-3-Clause"),
        ("regions", "BSD-3-Clause"),
        ("regions", "BSD-3-Clause"),
    ]
    (mobile,) = licences_of({"segmentation.method": "ade20k_mobile"})
    assert mobile.licence == "Apache-2.0"


def test_licences_of_what_judged(tmp_path: Path) -> None:
    run = made_run(tmp_path, frames=2)
    (judge,) = licences_of({"encoder.kind": "steerable"}, measure(run))
    assert (judge.used_for, judge.licence) == ("metrics", "MIT")
    (both,) = licences_of({"encoder.kind": "vgg19_cd16x"}, measure(run))
    assert both.used_for == "objective, metrics"
