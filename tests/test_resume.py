"""A run that was stopped goes on with the same command and ends with the bytes of one that never was."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from media.synthetic import pattern
from small_runs import FAST, states, stylize, write_clip

from photovst.guidance import survey
from photovst.highlights import Highlights
from photovst.media.images import write_image
from photovst.media.shots import detect_shots
from photovst.media.video_writer import ClipWriter
from photovst.run import RunFolder

FRAMES, CUT = 9, 5
"""Frames in all, and the first one of the second shot."""

SHORTEST_SHOT = 3
QUICK = ("schedule.scales=[32]", "schedule.iterations=[6]", "schedule.next_iterations=[3]")
METHODS = {
    "grid": ("segmentation.persistence=0.8",),
    "pixels": (
        "parametrization.kind=pixels",
        "objective.temporal.target=output",
        "segmentation.persistence=1",
        "segmentation.every=3",
    ),
}

# The command line as a process: it stops by itself at the given frame's state, and waits for its signal there.
WAITING = """
import functools, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # even where the tests run in the background
from photovst.cli import main
from photovst.guidance import survey
from photovst.run import RunFolder
survey.detect_shots = functools.partial(survey.detect_shots, shortest=int(sys.argv.pop(1)))
save, at = RunFolder.save_state, int(sys.argv.pop(1))
def save_state(self, index, arrays, folder, sync):
    save(self, index, arrays, folder, sync)
    if index == at:
        print("stored", flush=True)
        time.sleep(60)
RunFolder.save_state = save_state
sys.exit(main())
"""


class Killed(BaseException):
    """Ends a run in this process, as nothing in it expects."""


class Place(NamedTuple):
    """What a run does at the moment it is stopped: the ``count``-th call of a method."""

    owner: type
    method: str
    count: int
    after: bool = False


def prepare(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """A current folder with a clip of two short shots, the second one inverted, and a photograph."""
    patch.chdir(folder)
    patch.setattr(survey, "detect_shots", functools.partial(detect_shots, shortest=SHORTEST_SHOT))
    write_clip("clip.mkv", [pattern(t) if t < CUT else 255 - pattern(2 * t) for t in range(FRAMES)])
    write_image("photo.png", pattern(30)[:, ::-1])


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, tmp_path)


class Whole(NamedTuple):
    """What an unbroken run left."""

    result: bytes
    states: dict[str, bytes]
    losses: list[tuple[int, float]]


class Unbroken(NamedTuple):
    """An unbroken run and the folder it left, less the result."""

    whole: Whole
    folder: Path


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Unbroken]:
    """The unbroken run of a method, done once."""

    @functools.cache
    def made(method: str) -> Unbroken:
        with pytest.MonkeyPatch.context() as patch:
            folder = tmp_path_factory.mktemp(method)
            prepare(patch, folder)
            assert go(method) == 0
            whole = left()
            assert [frame for frame, _ in whole.losses] == [*range(FRAMES)]
            Path("out.mp4").unlink()
            return Unbroken(whole, folder / "out.run")

    return made


def go(method: str, *more: str) -> int:
    return stylize("clip.mkv", "photo.png", "out.mp4", *QUICK, *METHODS[method], *more)


def left() -> Whole:
    records = {}
    for line in Path("out.run/frames.jsonl").read_text().splitlines():
        record = json.loads(line)
        records[record["frame"]] = record["loss"]
    return Whole(Path("out.mp4").read_bytes(), states("out.run"), sorted(records.items()))


def stop_at(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    original: Callable[..., Any] = getattr(place.owner, place.method)
    calls = 0

    def method(self: object, *arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == place.count and not place.after:
            raise Killed
        result = original(self, *arguments, **named)
        if calls == place.count:
            raise Killed
        return result

    monkeypatch.setattr(place.owner, place.method, method)


PLACES = {
    "before the first frame": Place(RunFolder, "save_state", 1),
    "between a state and its regions": Place(RunFolder, "save_carry", 4),
    "between a state and the regions of a shot's first frame": Place(RunFolder, "save_carry", CUT + 1),
    "after a frame's regions": Place(RunFolder, "save_carry", CUT + 2, after=True),
    "at the end of a shot": Place(RunFolder, "save_carry", CUT, after=True),
    "before a frame is written": Place(ClipWriter, "write", CUT + 3),
    "after the last frame": Place(ClipWriter, "write", FRAMES, after=True),
    "after the report": Place(Highlights, "write", 1, after=True),
}
STOPS = [("grid", name) for name in PLACES] + [
    ("pixels", "between a state and its regions"),
    ("pixels", "after a frame's regions"),
]


@pytest.mark.parametrize(("method", "place"), STOPS)
def test_stopped_anywhere(
    method: str, place: str, unbroken: Callable[[str], Unbroken], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(PLACES[place], patch)
        with pytest.raises(Killed):
            go(method)
    assert not Path("out.mp4").exists()
    assert go(method) == 0
    assert left() == unbroken(method).whole
    assert Path("out.run/report.html").is_file()


@pytest.mark.parametrize("method", METHODS)
def test_stopped_again_and_again(
    method: str, unbroken: Callable[[str], Unbroken], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        with monkeypatch.context() as patch:
            stop_at(Place(RunFolder, "add_record", 3), patch)
            with pytest.raises(Killed):
                go(method)
    assert not Path("out.mp4").exists()
    assert go(method) == 0
    assert left() == unbroken(method).whole
    assert len(json.loads(Path("out.run/provenance.json").read_text())["sessions"]) == 4


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


HARM: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a state in the middle is gone": ("000003.npz", Path.unlink),
    "the first state is gone": ("000000.npz", Path.unlink),
    "the last state is gone": (f"{FRAMES - 1:06d}.npz", Path.unlink),
    "a state is cut short": ("000007.npz", cut_short),
    "a state is empty": ("000002.npz", lambda path: path.write_bytes(b"")),
    "a state is altered": (f"{CUT:06d}.npz", flip_a_bit),
    "the regions are gone": ("carry.npz", Path.unlink),
    "the regions are altered": ("carry.npz", flip_a_bit),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_run_folder(
    harm: str, unbroken: Callable[[str], Unbroken], capfd: pytest.CaptureFixture[str]
) -> None:
    whole, folder = unbroken("grid")
    shutil.copytree(folder, "out.run")
    capfd.readouterr()
    name, damage = HARM[harm]
    damage(Path("out.run/state") / name)
    assert go("grid") == 0
    err = capfd.readouterr().err
    if damage is Path.unlink or name == "carry.npz":  # the regions are not asked for where every frame is done
        assert err == ""
    else:
        said = f"out.run/state/{name} is damaged (its checksum is wrong); it is computed again"
        assert err == f"photovst: warning: {said}\n"
    made = left()
    assert (made.result, made.losses) == (whole.result, whole.losses)
    assert {**made.states, "carry.npz": b""} == {**whole.states, "carry.npz": b""}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("damage", [Path.unlink, flip_a_bit, None], ids=["gone", "altered", "of a later frame"])
def test_regions_that_do_not_fit_the_first_frame_to_do(
    method: str,
    damage: Callable[[Path], None] | None,
    unbroken: Callable[[str], Unbroken],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its shot is done again, and only that shot."""
    whole, folder = unbroken(method)
    shutil.copytree(folder, "out.run")
    capfd.readouterr()
    Path(f"out.run/state/{FRAMES - 2:06d}.npz").unlink()
    if damage is not None:
        damage(Path("out.run/state/carry.npz"))
    before = {path.name: path.stat().st_mtime_ns for path in Path("out.run/state").iterdir()}
    assert go(method) == 0
    assert ("carry.npz is damaged" in capfd.readouterr().err) == (damage is flip_a_bit)
    assert left() == whole
    after = {path.name: path.stat().st_mtime_ns for path in Path("out.run/state").iterdir()}
    kept = [name for name in before if before[name] == after[name]]
    assert sorted(kept) == [f"{index:06d}.npz" for index in range(CUT)]


@pytest.mark.parametrize("method", METHODS)
def test_a_lost_result_is_made_again_from_the_states(
    method: str, unbroken: Callable[[str], Unbroken], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under another name and of moved inputs too."""
    whole, folder = unbroken(method)
    shutil.copytree(folder, "out.run")
    stop_at(Place(RunFolder, "save_state", 1), monkeypatch)  # nothing may be computed
    assert go(method) == 0
    assert left() == whole
    Path("clip.mkv").rename("renamed.mkv")
    assert stylize("renamed.mkv", "photo.png", "b.mp4", *QUICK, *METHODS[method], "--run", "out.run") == 0
    assert Path("b.mp4").read_bytes() == whole.result


def test_overwriting_does_a_finished_run_again_and_goes_on_with_an_unfinished_one(
    unbroken: Callable[[str], Unbroken], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert go("grid") == 0
    with monkeypatch.context() as patch:
        stop_at(Place(RunFolder, "save_state", 3), patch)
        with pytest.raises(Killed):
            go("grid", "--overwrite")
    assert Path("out.mp4").read_bytes() == unbroken("grid").whole.result  # the former one, until there is another
    assert sorted(states("out.run")) == ["000000.npz", "000001.npz", "carry.npz"]
    assert go("grid", "--overwrite") == 0
    assert left() == unbroken("grid").whole


@pytest.mark.parametrize(
    ("number", "code", "method"),
    [(signal.SIGKILL, -signal.SIGKILL, "grid"), (signal.SIGTERM, 143, "pixels"), (signal.SIGINT, 130, "grid")],
)
def test_signals(number: signal.Signals, code: int, method: str, unbroken: Callable[[str], Unbroken]) -> None:
    """Real signals to a real process, in the middle of its work."""
    before = sorted(os.listdir())
    command = ["stylize", "clip.mkv", "photo.png", "-o", "out.mp4", "--quiet", *FAST, *QUICK, *METHODS[method]]
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, str(SHORTEST_SHOT), "6", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "stored\n"
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (code, "")
    assert err == ("" if number is signal.SIGKILL else "photovst: stopped; run the same command to go on\n")
    partial = [".out.partial.mp4"] if number is signal.SIGKILL else []
    assert sorted(os.listdir()) == sorted([*before, *partial, "cache", "out.run"])
    assert go(method) == 0
    assert left() == unbroken(method).whole
    assert sorted(os.listdir()) == sorted([*before, "cache", "out.mp4", "out.run"])
