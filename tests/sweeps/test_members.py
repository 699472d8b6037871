"""Sweeps in this process: run, judged, told of, gone on with, and the same again."""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path

import pytest
import torch
from fake_evaluate import fake_evaluate
from small_runs import run, stylize, write_inputs

from photovst.errors import MediaError
from photovst.progress import Progress
from photovst.run import RunFolder
from photovst.sweeps import members as module
from photovst.sweeps.members import in_turn, run_sweep
from photovst.sweeps.settings import Sweep, load_sweep

BASE = """
settings:
  schedule: {scales: [32], iterations: [3], next_iterations: [1]}
  device: cpu
  cache.folder: cache
  segmentation.method: none
clips: {lake: clip.mkv}
styles: {dusk: photo.png}
output: out
"""
TWO = "variants: {all: {}, half: {strength: 0.5}}\n"
TABLES = ("sweep.csv", "sweep.md", "sweep.tex", "sweep.json", "style_edge.png", "style_warp.png")


class Killed(BaseException):
    """Ends a sweep in this process, as nothing in it expects."""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("photovst.models.weight_files.folders", lambda: [tmp_path / "no weights"])
    write_inputs(3)


def planned(text: str) -> Sweep:
    Path("sweep.yaml").write_text(BASE + text)
    return load_sweep(Path("sweep.yaml"))


def swept(plan: Sweep, **options: object) -> dict[str, str]:
    failed: dict[str, str] = {}
    told = functools.partial(in_turn, evaluate=fake_evaluate, progress_for=quiet, **options)
    run_sweep(plan, told, lambda name, error: failed.update({name: str(error)}))
    return failed


def quiet() -> Progress:
    return Progress(Silent())


class Silent:
    def show(self, event: dict) -> None:
        pass

    def close(self) -> None:
        pass


def tables() -> dict[str, bytes]:
    return {name: Path("out", name).read_bytes() for name in TABLES}


def test_a_member_is_the_run_it_would_be_by_itself() -> None:
    plan = planned(TWO)
    assert swept(plan) == {}
    own = (
        "schedule.scales=[32]",
        "schedule.iterations=[3]",
        "schedule.next_iterations=[1]",
        "segmentation.method=none",
    )
    assert stylize("clip.mkv", "photo.png", "own.mp4", *own) == 0
    assert Path(plan.members[0].settings.output).read_bytes() == Path("own.mp4").read_bytes()
    rows = list(csv.DictReader(Path("out/sweep.csv").read_text().splitlines()))
    assert [(row["point"], row["frames"]) for row in rows] == [("all", "3"), ("half", "3")]


def test_again_nothing_is_stylized_and_the_tables_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(TWO)
    swept(plan)
    before = tables()
    monkeypatch.setattr(module, "stylize_clip", lambda *_, **__: pytest.fail("stylized again"))
    assert swept(planned(TWO)) == {}
    assert tables() == before
    with pytest.raises(pytest.fail.Exception, match="stylized again"):
        swept(plan, overwrite=True)


def test_a_killed_sweep_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(TWO)
    swept(plan)
    whole = {member.name: Path(member.settings.output).read_bytes() for member in plan.members}
    for path in sorted(Path("out").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    saved = 0
    save = RunFolder.save_state

    def save_state(self: RunFolder, *arguments: object) -> None:
        nonlocal saved
        saved += 1
        save(self, *arguments)
        if saved == 5:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_state", save_state)
        with pytest.raises(Killed):
            swept(plan)
    assert not Path("out/sweep.csv").exists()
    first = Path(plan.members[0].settings.output)
    made = first.stat().st_mtime_ns
    assert swept(plan) == {}
    assert first.stat().st_mtime_ns == made
    assert (plan.members[1].run_folder / "log.jsonl").read_text().count('"resumed"') == 1
    assert {member.name: Path(member.settings.output).read_bytes() for member in plan.members} == whole


def test_a_failure_is_told_of_and_the_others_go_on() -> None:
    Path("bad.png").write_bytes(b"no picture")
    Path("sweep.yaml").write_text(BASE.replace("{dusk: photo.png}", "{bad: bad.png, dusk: photo.png}"))
    plan = load_sweep(Path("sweep.yaml"))
    failed = swept(plan)
    assert list(failed) == ["lake/bad/base/seed0"]
    assert "bad.png" in failed["lake/bad/base/seed0"]
    read = json.loads(Path("out/sweep.json").read_bytes())
    assert [bool(member["failure"]) for member in read["members"]] == [True, False]
    assert "- lake/bad/base/seed0: " in Path("out/sweep.md").read_text()


def test_what_is_no_folder_fails_its_members_alone() -> None:
    Path("out/lake/dusk").mkdir(parents=True)
    Path("out/lake/dusk/all").symlink_to("/nowhere/at/all")
    failed = swept(planned(TWO))
    line = "cannot make the folder out/lake/dusk/all: out/lake/dusk/all is no folder; move it away"
    assert failed == {"lake/dusk/all/seed0": line}
    Path("out/lake/dusk/all").unlink()
    Path("out/lake/dusk/all").touch()
    assert swept(planned(TWO)) == {"lake/dusk/all/seed0": line}


@pytest.mark.parametrize("name", ["sweep.md", "style_edge.png"])
def test_a_folder_in_the_place_of_a_table_is_refused_before_anything_runs(name: str) -> None:
    Path("out", name).mkdir(parents=True)
    with pytest.raises(MediaError, match="is a folder where a table or plot is to be; move it away"):
        swept(planned(TWO))
    assert not Path("out/lake").exists()


def test_a_bug_is_no_failure_of_a_member(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(module, "stylize_clip", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        swept(planned(TWO))


def test_threads_hold_for_a_member_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = torch.get_num_threads(), []
    monkeypatch.setattr(module, "stylize_clip", lambda *_, **__: seen.append(torch.get_num_threads()))
    list(in_turn(planned(TWO).members, evaluate=lambda *_, **__: None, threads=3, progress_for=quiet))
    assert seen == [3, 3]
    assert torch.get_num_threads() == before


def test_a_plot_of_a_former_sweep_does_not_stay() -> None:
    Path("out").mkdir()
    Path("out/style_edge.png").write_bytes(b"of yore")
    Path("bad.png").write_bytes(b"no picture")
    Path("sweep.yaml").write_text(BASE.replace("photo.png", "bad.png"))
    assert len(swept(load_sweep(Path("sweep.yaml")))) == 1
    assert not Path("out/style_edge.png").exists()


def test_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.png").write_bytes(b"no picture")
    Path("sweep.yaml").write_text(BASE.replace("{dusk: photo.png}", "{bad: bad.png, dusk: photo.png}"))
    assert run("sweep", "sweep.yaml", "--quiet", "--threads", "1", "strength=0.5") == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "out/sweep.md"
    assert "input" in out
    assert "No plots: no member was judged by vgg19_cd16x" in out
    first, last = err.splitlines()
    assert first.startswith("photovst: error: lake/bad/base/seed0: ")
    assert last == "photovst: error: 1 of 2 members failed: lake/bad/base/seed0"
    read = json.loads(Path("out/sweep.json").read_bytes())
    assert read["members"][1]["settings"]["strength"] == 0.5
    names = [metric["name"] for metric in read["members"][1]["evaluation"]["metrics"]]
    assert {"ssim_edge", "e_warp_short", "e_stab"} <= set(names)
