"""Several passes: forward and backward, blended, resumed, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from media.synthetic import pattern
from small_runs import states, stylize, write_clip

from photovst.media.images import write_image
from photovst.run import RunFolder, read_records

FRAMES = 4
PIXELS = ("parametrization.kind=pixels", "objective.temporal.target=output")
METHODS = {"grid": (), "pixels": PIXELS}
PASSES = ("schedule.passes.count=3", "schedule.passes.iterations=[0,1]")


class Killed(BaseException):
    """Ends a run as nothing in it expects."""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip("clip.mkv", [pattern(t) for t in range(FRAMES)])
    write_image("photo.png", pattern(30)[:, ::-1])


def order(folder: str = "out.run") -> list[tuple[int, int]]:
    """Pass and frame of every record, as they were written."""
    lines = Path(folder, "frames.jsonl").read_text().splitlines()
    return [(record["pass"], record["frame"]) for record in map(json.loads, lines)]


def stopping_at(count: int) -> Callable[[RunFolder, dict[str, object]], None]:
    """In place of ``add_record``: a kill at the so many-th frame."""
    record, calls = RunFolder.add_record, []

    def stopping(self: RunFolder, entry: dict[str, object]) -> None:
        calls.append(entry)
        if len(calls) == count:
            raise Killed
        record(self, entry)

    return stopping


@pytest.mark.parametrize("method", METHODS)
def test_passes_alternate_and_the_first_is_every_frame_alone(method: str) -> None:
    assert stylize("clip.mkv", "photo.png", "out.mp4", *PASSES, *METHODS[method]) == 0
    forward = list(range(FRAMES))
    assert order() == [(1, i) for i in forward] + [(2, i) for i in forward[::-1]] + [(3, i) for i in forward]
    records = read_records(Path("out.run"))
    temporal = {(r["pass"], r["frame"]) for r in records if "temporal" in r["terms"]}
    assert temporal == {(2, 0), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)}
    assert not list(Path("out.run/passes").rglob("*.npz"))
    # By itself: what a run without any tie between frames makes of them.
    alone = ("objective.temporal.weight=0", "schedule.next_start=content", "schedule.next_iterations=[4,2]")
    assert stylize("clip.mkv", "photo.png", "alone.mp4", *alone, *METHODS[method]) == 0
    losses = [r["loss"] for r in records if r["pass"] == 1]
    assert losses == pytest.approx([r["loss"] for r in read_records(Path("alone.run"))])


def test_the_temporal_term_counts_from_its_pass_and_a_first_pass_may_be_an_ordinary_run() -> None:
    more = ("schedule.passes.temporal_from=3", "schedule.passes.alone=false")
    assert stylize("clip.mkv", "photo.png", "out.mp4", *PASSES, *more) == 0
    temporal = {(r["pass"], r["frame"]) for r in read_records(Path("out.run")) if "temporal" in r["terms"]}
    assert temporal == {(1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (3, 3)}


def test_without_blends_and_iterations_a_pass_changes_nothing() -> None:
    nothing = ("schedule.passes.count=2", "schedule.passes.iterations=[0,0]", "schedule.passes.blend=0")
    assert stylize("clip.mkv", "photo.png", "out.mp4", *nothing, *PIXELS) == 0
    alone = ("objective.temporal.weight=0", "schedule.next_start=content", "schedule.next_iterations=[4,2]")
    assert stylize("clip.mkv", "photo.png", "alone.mp4", *alone, *PIXELS) == 0
    made, wanted = states("out.run"), states("alone.run")
    assert {name: made[name] for name in made if name != "carry.npz"} == {
        name: wanted[name] for name in wanted if name != "carry.npz"
    }


def test_stopped_in_any_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again: in the first, the second, between the second and the third, and in the third."""
    more = (*PASSES, *PIXELS, "objective.temporal.neighbors=[1,2]", "schedule.passes.blend_ahead=0.5")
    assert stylize("clip.mkv", "photo.png", "whole.mp4", *more) == 0
    for count in (3, 4, 3, 2):
        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, "add_record", stopping_at(count))
            with pytest.raises(Killed):
                stylize("clip.mkv", "photo.png", "out.mp4", *more)
        assert not Path("out.mp4").exists()
    assert stylize("clip.mkv", "photo.png", "out.mp4", *more) == 0
    assert Path("out.mp4").read_bytes() == Path("whole.mp4").read_bytes()
    assert len(read_records(Path("out.run"))) == 3 * FRAMES
    assert len(order()) == 3 * FRAMES  # no frame of any pass was done twice


def test_a_damaged_pass_is_made_again(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert stylize("clip.mkv", "photo.png", "whole.mp4", *PASSES) == 0
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "add_record", stopping_at(10))  # in the last pass
        with pytest.raises(Killed):
            stylize("clip.mkv", "photo.png", "out.mp4", *PASSES)
    assert not list(Path("out.run/passes/001").iterdir())  # what it was made from is gone
    Path("out.run/passes/002/000001.npz").write_bytes(b"torn")
    assert stylize("clip.mkv", "photo.png", "out.mp4", *PASSES) == 0
    assert "000001.npz is damaged" in capfd.readouterr().err
    assert Path("out.mp4").read_bytes() == Path("whole.mp4").read_bytes()


def test_lost_guides_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stylize("clip.mkv", "photo.png", "whole.mp4", *PASSES) == 0
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "add_record", stopping_at(6))  # in the second pass
        with pytest.raises(Killed):
            stylize("clip.mkv", "photo.png", "out.mp4", *PASSES)
    Path("out.run/passes/guides/000002.npz").write_bytes(b"torn")
    assert stylize("clip.mkv", "photo.png", "out.mp4", *PASSES) == 0
    assert Path("out.mp4").read_bytes() == Path("whole.mp4").read_bytes()


def test_a_pass_that_never_comes_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert stylize("clip.mkv", "photo.png", "out.mp4", *PASSES, "schedule.passes.temporal_from=4") == 2
    assert "schedule.passes.temporal_from=4 comes after the last of schedule.passes.count=3" in capfd.readouterr().err


def test_a_still_takes_passes_too() -> None:
    write_image("still.png", pattern(0))
    assert stylize("still.png", "photo.png", "out.png", *PASSES) == 0
    assert [record["pass"] for record in read_records(Path("out.run"))] == [1, 2, 3]
