"""Work on a real Ray cluster of two workers: killed ones are replaced, and bytes are those of a serial run."""

from __future__ import annotations

import functools
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from fake_evaluate import fake_evaluate
from media.synthetic import pattern
from small_runs import run, states, write_clip

from photovst.errors import PhotovstError, SettingsError
from photovst.guidance import survey
from photovst.media.images import write_image
from photovst.media.shots import detect_shots
from photovst.progress import Progress
from photovst.run import LOCK, read_records
from photovst.sweeps import on_ray as sweep_ray, ray_tasks
from photovst.sweeps.members import in_turn, run_sweep
from photovst.sweeps.on_ray import on_ray
from photovst.sweeps.ray_tasks import RayTasks, Resources
from photovst.sweeps.settings import Sweep, load_sweep

FRAMES, CUT = 6, 3
BASE = """
settings:
  schedule: {scales: [32], iterations: [3], next_iterations: [2]}
  device: cpu
  cache.folder: cache
  segmentation.regions: 2
clips: {lake: clip.mkv}
styles: {dusk: photo.png}
"""


class Kept:
    """A display that keeps what it is shown."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def show(self, event: dict) -> None:
        if event["event"] == "note":
            self.notes.append(event["message"])

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayTasks]:
    """Two workers, which find this folder's modules."""
    pytest.importorskip("ray", reason="Ray is not installed; pip install 'ray>=2.50,<3'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=os.pathsep)
        with RayTasks("local", Resources(retries=1), slots=2) as tasks:
            yield tasks
    assert "RAY_AUTH_MODE" not in os.environ


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder with a clip of two shots and a photograph."""
    monkeypatch.chdir(tmp_path)
    write_clip("clip.mkv", [pattern(t) if t < CUT else 255 - pattern(2 * t) for t in range(FRAMES)])
    write_image("photo.png", pattern(30)[:, ::-1])


def planned(text: str, output: str) -> Sweep:
    Path("sweep.yaml").write_text(BASE + text)
    return load_sweep(Path("sweep.yaml"), Path(output))


def serial(text: str) -> Sweep:
    plan = planned(text, "serial")
    run_sweep(plan, functools.partial(in_turn, evaluate=fake_evaluate, threads=1, progress_for=quiet), unexpected)
    return plan


def quiet() -> Progress:
    return Progress(Kept())


def unexpected(name: str, error: Exception) -> None:
    raise AssertionError(f"{name} failed: {error}")


class Killer(threading.Thread):
    """Kills the process that holds a run folder once it has done so many frames there."""

    def __init__(self, folder: Path, frames: int) -> None:
        super().__init__(daemon=True)
        self.folder, self.frames, self.killed = folder, frames, 0

    def run(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until and not self.killed:
            if len(list((self.folder / "state").glob("[0-9]*.npz"))) >= self.frames:
                inode = (self.folder / LOCK).stat().st_ino
                for line in Path("/proc/locks").read_text().splitlines():
                    fields = line.split()
                    if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
                        self.killed = int(fields[4])
                        os.kill(self.killed, signal.SIGKILL)
            time.sleep(0.002)


needs_locks = pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")


@needs_locks
def test_members_end_with_the_bytes_of_a_serial_run_though_a_worker_is_killed(
    cluster: RayTasks, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "variants: {all: {}, alone: {terms: {temporal: off}}}\n"
    plan, told = planned(text, "ray"), Kept()
    killer = Killer(plan.members[1].run_folder, 2)
    killer.start()
    run_there = functools.partial(
        on_ray, evaluate=fake_evaluate, cluster=lambda: nullcontext(cluster), progress_for=lambda: Progress(told)
    )
    run_sweep(plan, run_there, unexpected)
    killer.join()
    assert killer.killed not in (0, os.getpid())
    assert told.notes[0] == "2 members on Ray, 2 tasks at once"
    assert sorted(note.split(": ")[1] for note in told.notes[1:]) == sorted(member.name for member in plan.members)
    assert (plan.members[1].run_folder / "log.jsonl").read_text().count('"resumed"') == 1
    for here, there in zip(serial(text).members, plan.members, strict=True):
        assert Path(here.settings.output).read_bytes() == Path(there.settings.output).read_bytes()
        assert states(here.run_folder) == states(there.run_folder)
    out = capfd.readouterr()
    assert "raylet" not in out.out + out.err
    assert "oken" not in out.out + out.err
    # Again: nothing is left to do, so no cluster is asked for.
    before = {path: path.read_bytes() for path in Path("ray").glob("sweep.*")}
    run_sweep(
        plan, functools.partial(on_ray, evaluate=fake_evaluate, cluster=pytest.fail, progress_for=quiet), unexpected
    )
    assert {path: path.read_bytes() for path in Path("ray").glob("sweep.*")} == before
    assert len(before) == 4


@needs_locks
def test_shots_end_with_the_bytes_of_a_serial_run_though_a_worker_is_killed(
    cluster: RayTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where shots begin and end this process alone says.
    monkeypatch.setattr(survey, "detect_shots", functools.partial(detect_shots, shortest=3))
    text = "seeds: [1]\n"
    plan, told = planned(text, "ray"), Kept()
    killer = Killer(plan.members[0].run_folder / "shots" / "000001", 2)
    killer.start()
    run_there = functools.partial(
        on_ray,
        evaluate=fake_evaluate,
        cluster=lambda: nullcontext(cluster),
        by_shot=True,
        progress_for=lambda: Progress(told),
    )
    run_sweep(plan, run_there, unexpected)
    killer.join()
    assert killer.killed not in (0, os.getpid())
    assert {note.split(": ")[1] for note in told.notes if ": shot " in note} == {"shot 1", "shot 2"}
    for here, there in zip(serial(text).members, plan.members, strict=True):
        assert Path(here.settings.output).read_bytes() == Path(there.settings.output).read_bytes()
        assert states(here.run_folder) == states(there.run_folder)
        losses = [[(each["frame"], each["terms"]) for each in read_records(m.run_folder)] for m in (here, there)]
        assert losses[0] == losses[1]
        assert not (there.run_folder / "shots").exists()


class Recorded:
    """In place of a cluster: does nothing, and remembers what it was given."""

    slots = 2

    def __init__(self) -> None:
        self.jobs: list[str] = []

    def results(self, work: object, jobs: dict[str, tuple], holds: object) -> Iterator[tuple[str, None]]:
        self.jobs += jobs
        yield from ((name, None) for name in jobs)


def test_a_member_of_several_passes_is_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned("variants: {once: {}, twice: {schedule.passes.count: 2}}\n", "ray")
    apart: list[str] = []
    monkeypatch.setattr(sweep_ray, "run_member", lambda member, **_: apart.append(member.name))
    tasks, told = Recorded(), Kept()
    ended = on_ray(
        plan.members,
        evaluate=fake_evaluate,
        cluster=lambda: nullcontext(tasks),
        by_shot=True,
        progress_for=lambda: Progress(told),
    )
    assert {member.name for member, error in ended if error is None} == {member.name for member in plan.members}
    assert (tasks.jobs, apart) == (["lake/dusk/twice/seed0"], ["lake/dusk/once/seed0"])
    assert "as one task each, for they take several passes or a trained network: lake/dusk/twice/seed0" in told.notes


def test_failures_are_told_and_the_others_go_on(cluster: RayTasks) -> None:
    Path("broken.png").write_bytes(b"no picture")
    text = "seeds: [1]\n"
    Path("sweep.yaml").write_text((BASE + text).replace("photo.png}", "photo.png, gone: broken.png}"))
    plan = load_sweep(Path("sweep.yaml"), Path("ray"))
    failed: dict[str, str] = {}
    run_there = functools.partial(
        on_ray, evaluate=fake_evaluate, cluster=lambda: nullcontext(cluster), progress_for=quiet
    )
    outcomes = run_sweep(plan, run_there, lambda name, error: failed.update({name: str(error)}))
    assert list(failed) == ["lake/gone/base/seed1"]
    assert "broken.png" in failed["lake/gone/base/seed1"]
    assert [outcome.evaluation is not None for outcome in outcomes] == [True, False]


def test_a_worker_that_always_dies(cluster: RayTasks) -> None:
    ((name, error),) = cluster.results(signal.raise_signal, {"doomed": (signal.SIGKILL,)})
    assert name == "doomed"
    assert isinstance(error, PhotovstError)
    assert str(error) == "its worker died 2 times (WorkerCrashedError); run the same command to go on"


def test_a_bug_comes_out_as_itself(cluster: RayTasks) -> None:
    with pytest.raises(ZeroDivisionError):
        list(cluster.results(divmod, {"bug": (1, 0)}))


def test_resources_that_no_node_has(cluster: RayTasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_resources", Resources(cpus=1, gpus=64))
    with pytest.raises(SettingsError, match=r"asks for 1 CPUs and 64 GPUs, but no node .* lower --cpus or --gpus"):
        list(cluster.results(print, {"a": ()}))


def test_a_worker_with_another_photovst_or_without_the_folder(
    cluster: RayTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ray_tasks, "code_version", lambda: {"version": "0", "sha256": "other"})
        ((_, error),) = cluster.results(print, {"a": ()})
        assert "has another photovst; install the same version on every node" in str(error)
    with monkeypatch.context() as patch:
        patch.setattr(ray_tasks.os, "getcwd", lambda: "/nowhere/at/all")
        ((_, error),) = cluster.results(print, {"a": ()})
        assert "does not see /nowhere/at/all" in str(error)


def test_a_signal_comes_out_as_itself(cluster: RayTasks) -> None:
    """Not as an error of Ray's, inside which it would have come."""

    class Stopped(BaseException):
        pass

    def stop(number: int, frame: object) -> None:
        raise Stopped

    former = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(Stopped):
            list(cluster.results(time.sleep, {"long": (60,)}))
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, former)


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def sweep_on(address: str, capsys: pytest.CaptureFixture[str]) -> str:
    pytest.importorskip("ray", reason="Ray is not installed; pip install 'ray>=2.50,<3'")
    began = time.monotonic()
    Path("sweep.yaml").write_text(BASE)
    assert run("sweep", "sweep.yaml", "-o", "out", "--ray", address) == 2
    assert time.monotonic() - began < 12
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_addresses_where_there_is_no_cluster(
    mute_port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_tasks, "HEALTH", 2.0)
    assert "takes local, auto or HOST:PORT, but 'nonsense' was given" in sweep_on("nonsense", capsys)
    assert "127.0.0.1:9: nobody answers there (Connection refused)" in sweep_on("127.0.0.1:9", capsys)
    assert "what answers there is no Ray cluster" in sweep_on(f"127.0.0.1:{mute_port}", capsys)
    assert not list(Path("out").rglob("*.mp4"))


def test_ray_is_not_installed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    Path("sweep.yaml").write_text(BASE)
    assert run("sweep", "sweep.yaml", "-o", "out", "--ray", "local") == 2
    assert capsys.readouterr().err.splitlines() == [
        "photovst: error: --ray needs Ray, which is not installed; pip install 'photovst[ray]'"
    ]
