"""A run that was stopped goes on with the same command and ends with the bytes of one that never was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from media.synthetic import pattern
from small_runs import FAST, states, stylize, write_clip

from photovst.highlights import Highlights
from photovst.media.images import write_image
from photovst.media.video_writer import ClipWriter
from photovst.run import RunFolder

FRAMES = 20
CUT = 15
"""The first frame of the second shot."""

QUICK = (*FAST, "schedule.scales=[32]", "schedule.iterations=[6]", "schedule.next_iterations=[3]")
METHODS = {
    "grid": ("segmentation.persistence=0.8",),
    "pixels": ("parametrization.kind=pixels", "objective.temporal.target=output", "segmentation.persistence=1"),
}


class Killed(BaseException):
    """Ends a run in this process, as nothing in it expects."""


class Place(NamedTuple):
    """What a run does at the moment it is stopped: the ``count``-th call of a method."""

    owner: type
    method: str
    count: int
    after: bool = False


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_inputs() -> None:
    """Two shots, the second one inverted, and a photograph."""
    write_clip("clip.mkv", [pattern(t) if t < CUT else 255 - pattern(2 * t) for t in range(FRAMES)])
    write_image("photo.png", pattern(30)[:, ::-1])


class Whole(NamedTuple):
    """What an unbroken run left."""

    result: bytes
    states: dict[str, bytes]
    losses: list[tuple[int, float]]


@pytest.fixture(scope="module", params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def whole(method: str, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("whole"))
        write_inputs()
        assert go(method) == 0
        assert len(json.loads(Path("out.run/provenance.json").read_text())["sessions"]) == 1
        return left()


def go(method: str, *more: str) -> int:
    return stylize("clip.mkv", "photo.png", "out.mp4", *QUICK[len(FAST) :], *METHODS[method], *more)


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
    "after a frame's regions": Place(RunFolder, "save_carry", 6, after=True),
    "at the end of a shot": Place(RunFolder, "save_carry", CUT, after=True),
    "before a frame is written": Place(ClipWriter, "write", CUT + 3),
    "after the last frame": Place(ClipWriter, "write", FRAMES, after=True),
    "before the report": Place(Highlights, "write", 1),
    "after the report": Place(Highlights, "write", 1, after=True),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_stopped_anywhere(method: str, whole: Whole, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write_inputs()
    with monkeypatch.context() as patch:
        stop_at(place, patch)
        with pytest.raises(Killed):
            go(method)
    assert not Path("out.mp4").exists()
    assert go(method) == 0
    assert left() == whole
    assert Path("out.run/report.html").is_file()


def test_stopped_again_and_again(method: str, whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    write_inputs()
    for _ in range(4):
        with monkeypatch.context() as patch:
            stop_at(Place(RunFolder, "add_record", 4), patch)
            with pytest.raises(Killed):
                go(method)
    assert not Path("out.mp4").exists()
    assert go(method) == 0
    assert left() == whole
    assert len(json.loads(Path("out.run/provenance.json").read_text())["sessions"]) == 5


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


HARM: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a state in the middle is gone": ("000007.npz", Path.unlink),
    "the first state is gone": ("000000.npz", Path.unlink),
    "the last state is gone": (f"{FRAMES - 1:06d}.npz", Path.unlink),
    "a state is cut short": ("000017.npz", cut_short),
    "a state is empty": ("000003.npz", lambda path: path.write_bytes(b"")),
    "a state is altered": (f"{CUT:06d}.npz", flip_a_bit),
    "the regions are gone": ("carry.npz", Path.unlink),
    "the regions are altered": ("carry.npz", flip_a_bit),
}


@pytest.fixture(scope="module")
def finished(method: str, whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run whose result is gone, and one stopped in the middle of the second shot."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("finished")
        patch.chdir(place)
        write_inputs()
        assert go(method) == 0
        shutil.copytree("out.run", "stopped.run")
        for index in range(18, FRAMES):
            Path(f"stopped.run/state/{index:06d}.npz").unlink()
        Path("out.mp4").unlink()
        return place


@pytest.mark.parametrize(("name", "harm"), HARM.values(), ids=HARM)
def test_a_damaged_run_folder(
    method: str,
    whole: Whole,
    finished: Path,
    name: str,
    harm: Callable[[Path], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(finished, ".", dirs_exist_ok=True)
    harm(Path("out.run/state") / name)
    assert go(method) == 0
    err = capfd.readouterr().err
    if harm is not Path.unlink and name != "carry.npz":  # the regions are asked for only where they are needed
        assert (
            err == f"photovst: warning: out.run/state/{name} is damaged (its checksum is wrong); it is computed again\n"
        )
    assert left() == whole


@pytest.mark.parametrize("harm", [Path.unlink, flip_a_bit, None])
def test_damaged_regions_in_the_middle_of_a_shot(
    method: str, whole: Whole, finished: Path, harm: Callable[[Path], None] | None, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where they are of a later frame: then the shot is done again, and only that shot."""
    shutil.copytree(finished / "stopped.run", "out.run")
    write_inputs()
    if harm is not None:
        harm(Path("out.run/state/carry.npz"))
    old = Path("out.run/state/000002.npz").stat().st_mtime_ns
    assert go(method) == 0
    assert ("carry.npz is damaged" in capfd.readouterr().err) == (harm is flip_a_bit)
    assert left() == whole
    assert Path("out.run/state/000002.npz").stat().st_mtime_ns == old


def test_a_result_is_made_again_from_the_states(method: str, whole: Whole, finished: Path) -> None:
    shutil.copytree(finished, ".", dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        stop_at(Place(RunFolder, "save_state", 1), patch)  # nothing may be computed
        assert go(method) == 0
    assert left() == whole


def test_another_name_and_place_take_over_the_run(finished: Path, method: str, whole: Whole) -> None:
    shutil.copytree(finished / "out.run", "moved.run")
    write_inputs()
    Path("clip.mkv").rename("renamed.mkv")
    more = (*QUICK[len(FAST) :], *METHODS[method])
    with pytest.MonkeyPatch.context() as patch:
        stop_at(Place(RunFolder, "save_state", 1), patch)
        assert stylize("renamed.mkv", "photo.png", "b.mp4", *more, "--run", "moved.run", "seed=0") == 0
    assert Path("b.mp4").read_bytes() == whole.result


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_signals(whole: Whole, method: str, number: signal.Signals, code: int) -> None:
    """Real signals to a real process, once some frames are stored."""
    if method == "pixels" and number is not signal.SIGKILL:
        pytest.skip("one method is enough for the signals that can be handled")
    write_inputs()
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from photovst.cli import main; sys.exit(main())"  # interruptible even where the tests are not
    command = [sys.executable, "-c", program, "stylize", "clip.mkv", "photo.png", "-o", "out.mp4", "--quiet"]
    with subprocess.Popen(
        [*command, *QUICK, *METHODS[method]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        stored = Path("out.run/state/000004.npz")
        until = time.monotonic() + 60
        while not stored.exists() and running.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (code, "")
    assert err == ("" if number is signal.SIGKILL else "photovst: stopped; run the same command to go on\n")
    assert not Path("out.mp4").exists()
    partial = [name for name in os.listdir() if name.endswith((".partial", ".partial.mp4"))]
    assert number is signal.SIGKILL or partial == []
    assert 4 < len(states("out.run")) < FRAMES + 1
    assert go(method) == 0
    assert left() == whole
    assert sorted(os.listdir()) == ["cache", "clip.mkv", "out.mp4", "out.run", "photo.png"]
