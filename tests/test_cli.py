"""The command line: every ending is one line and an exit code."""

import errno
import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from light_imports import HEAVY, run_light

from photovst.cli import main
from photovst.config import Settings
from photovst.errors import MediaError
from photovst.progress import Progress
from photovst.run import default_run_folder

Work = Callable[..., Path]

# Stands for the main flow in processes of its own; what it does, the environment says.
DRIVER = """
import os, signal, sys, time, types
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # even where the tests run in the background
module = types.ModuleType("photovst.stylize")
def stylize_clip(settings, *, run_folder, overwrite, progress):
    run_folder.mkdir(exist_ok=True)
    progress.stage("frames")
    if os.environ["DOES"] == "bug":
        (run_folder / "provenance.json").write_text("{}")
        raise KeyError("line one\\nline two")
    if os.environ["DOES"] == "early bug":
        raise EOFError("early")
    if os.environ["DOES"] == "wait":
        print("ready", flush=True)
        time.sleep(30)
    return Path(settings.output)
module.stylize_clip = stylize_clip
sys.modules["photovst.stylize"] = module
from photovst.cli import main
sys.exit(main())
"""
NO_MEMORY = "error: out of memory; lower the last entries of schedule.scales, or set video.size"
STYLIZE = ["stylize", "clip.mp4", "photo.jpg", "-o", "out.mp4"]


@pytest.fixture(autouse=True)
def process_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What ``main`` changes in its process is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Puts a function in place of the main flow and of the demo."""

    def put(work: Work) -> None:
        for name, function in (("stylize", "stylize_clip"), ("demo", "run_demo")):
            module = types.ModuleType(f"photovst.{name}")
            setattr(module, function, work)
            monkeypatch.setitem(sys.modules, f"photovst.{name}", module)

    return put


def raising(error: BaseException) -> Work:
    def work(*_: object, **__: object) -> Path:
        raise error

    return work


def process(does: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DRIVER, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOES": does, **environment},
    )


@pytest.mark.parametrize(
    ("given", "expected"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)]
)
def test_threads_spin_briefly_unless_told_how(
    given: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch, flow: Callable[[Work], None]
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # put back afterwards, whatever main does
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    flow(lambda *_, **__: Path("done"))
    assert main(STYLIZE) == 0
    assert os.environ.get("GOMP_SPINCOUNT") == expected


def test_stylize_hands_on_everything_and_prints_the_path(
    flow: Callable[[Work], None], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, Any] = {}

    def work(settings: Settings, **rest: object) -> Path:
        seen.update(rest, settings=settings)
        return Path(settings.output)

    flow(work)
    Path("a.yaml").write_text("strength: 0.25\nseed: 1\n")
    assert main([*STYLIZE, "objective.style.weight=2", "seed=5", "-c", "a.yaml"]) == 0
    assert capsys.readouterr().out == "out.mp4\n"
    settings = seen["settings"]
    assert (settings.content, settings.style, settings.output) == ("clip.mp4", "photo.jpg", "out.mp4")
    assert (settings.strength, settings.seed, settings.objective.style.weight) == (0.25, 5, 2.0)
    assert (seen["run_folder"], seen["overwrite"]) == (Path("out.run"), False)
    assert isinstance(seen["progress"], Progress)
    assert main([*STYLIZE, "--run", "elsewhere", "--overwrite"]) == 0
    assert (seen["run_folder"], seen["overwrite"]) == (Path("elsewhere"), True)


def test_run_takes_everything_from_the_file(flow: Callable[[Work], None]) -> None:
    seen: dict[str, Any] = {}

    def work(settings: Settings, **rest: object) -> Path:
        seen.update(rest, settings=settings)
        return Path(settings.output)

    flow(work)
    Path("e.yaml").write_text("content: a\nstyle: b\noutput: frames\n")
    assert main(["run", "e.yaml", "seed=3"]) == 0
    assert (seen["settings"].content, seen["settings"].seed, seen["run_folder"]) == (
        "a",
        3,
        Path("frames.run"),
    )
    assert main(["run", "e.yaml", "-o", "c.mp4"]) == 0
    assert (seen["settings"].output, seen["run_folder"]) == ("c.mp4", Path("c.run"))


def test_demo_hands_on_its_folder(flow: Callable[[Work], None], capsys: pytest.CaptureFixture[str]) -> None:
    seen: dict[str, Any] = {}

    def work(folder: Path, **rest: object) -> Path:
        seen.update(rest, folder=folder)
        return folder / "result.mp4"

    flow(work)
    assert main(["demo", "-o", "d", "seed=3", "--overwrite"]) == 0
    assert (seen["folder"], seen["overrides"], seen["overwrite"]) == (Path("d"), ["seed=3"], True)
    assert capsys.readouterr().out == "d/result.mp4\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([*STYLIZE, "sead=3"], "command line: unknown setting 'sead'; did you mean 'seed'?"),
        (["run", "none.yaml"], "config file none.yaml cannot be read: No such file or directory"),
    ],
)
def test_bad_settings_are_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err == f"photovst: error: {line}\n"
    assert captured.out == ""


class OutOfMemoryError(RuntimeError):
    """As PyTorch names its own."""


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MediaError("clip.mp4 is empty\nreally"), 2, "error: clip.mp4 is empty really"),
        (OSError(errno.ENOSPC, "No space left", "a.npz"), 2, "error: No space left: a.npz"),
        (OSError(errno.EROFS, "Read-only file system"), 2, "error: Read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2, "error: Permission denied: x"),
        (MemoryError(), 2, NO_MEMORY),
        (OutOfMemoryError("CUDA"), 2, NO_MEMORY),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), 2,
         NO_MEMORY),
        (KeyboardInterrupt(), 130, "stopped; run the same command to go on"),
    ],
)  # fmt: skip
def test_endings(
    error: BaseException,
    code: int,
    line: str,
    flow: Callable[[Work], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    flow(raising(error))
    assert main([*STYLIZE, "--quiet"]) == code
    assert capsys.readouterr().err == f"photovst: {line}\n"


@pytest.mark.parametrize("error", [ValueError("odd"), RuntimeError("shapes"), OSError(errno.EIO, "I/O"), EOFError()])
def test_bugs_leave_as_they_are(error: Exception, flow: Callable[[Work], None]) -> None:
    flow(raising(error))
    with pytest.raises(type(error)):
        main([*STYLIZE, "--quiet"])


def test_errors_are_json_where_progress_is(flow: Callable[[Work], None], capsys: pytest.CaptureFixture[str]) -> None:
    flow(raising(MediaError("clip.mp4 is empty")))
    assert main([*STYLIZE, "--log-json"]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines == [{"event": "error", "message": "error: clip.mp4 is empty"}]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["stylize", "a", "b"], "Missing option '-o' / '--output'; 'photovst stylize --help' says what there is"),
        (["nonsense"], "No such command 'nonsense'"),
        (["stylize", "a", "b", "-o"], "Option '-o' requires an argument; 'photovst stylize --help' says what there is"),
        (["evaluate", "a", "--flow", "banana"], "Invalid value for '--flow': "),
        (["evaluate", "a", "--size", "15"], "Invalid value for '--size': "),
        (["weights", "nonsense"], "No such command 'nonsense'; 'photovst weights --help' says what there is"),
    ],
)
def test_usage_errors_are_one_line_and_exit_with_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"photovst: error: {line}")
    assert err.count("\n") == 1


def test_nothing_asked_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Usage: photovst" in "".join(capsys.readouterr())


def test_version_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("photovst 0.")
    assert main(["settings"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (strength,) = [line for line in lines if line.startswith("strength ")]
    assert strength.split("  ")[0] == "strength"
    assert "from 0 to 1" in strength


@pytest.mark.parametrize("verb", [[], ["stylize"], ["run"], ["demo"], ["settings"], ["scene"], ["compare"]])
def test_help_imports_nothing_heavy(verb: list[str]) -> None:
    heavy = (*HEAVY, "numpy", "omegaconf", "jinja2", "yaml")
    done = run_light("from photovst.cli import main; assert main([*sys.argv[1:], '--help']) == 0", *verb, without=heavy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: photovst" in done.stdout


def test_python_dash_m() -> None:
    done = subprocess.run([sys.executable, "-m", "photovst", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("photovst ")


def test_stdout_holds_only_the_path() -> None:
    done = process("nothing", *STYLIZE)
    assert (done.returncode, done.stdout) == (0, "out.mp4\n")
    assert done.stderr.splitlines()[0] == "photovst: frames"


def test_a_bug_is_one_line_and_a_saved_traceback() -> None:
    done = process("bug", *STYLIZE, "--quiet", PHOTOVST_DEBUG="0")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("photovst: error: this is a bug in photovst (KeyError: ")
    assert "its traceback is in out.run/traceback.txt" in line
    saved = Path("out.run/traceback.txt").read_text()
    assert "Traceback (most recent call last)" in saved
    assert "KeyError" in saved


def test_a_bug_before_there_is_a_run_saves_to_a_temporary_file(tmp_path: Path) -> None:
    done = process("early bug", *STYLIZE, "--quiet", TMPDIR=str(tmp_path), PHOTOVST_DEBUG="0")
    assert done.returncode == 1
    (saved,) = tmp_path.glob("photovst-*.txt")
    assert f"its traceback is in {saved}" in done.stderr
    assert "EOFError: early" in saved.read_text()


def test_debug_shows_the_traceback() -> None:
    done = process("bug", *STYLIZE, PHOTOVST_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert not Path("out.run/traceback.txt").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_cleanly(number: signal.Signals, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, *STYLIZE, "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DOES": "wait"},
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(number)
        _, errors = running.communicate(timeout=10)
    assert running.returncode == code
    assert errors == "photovst: stopped; run the same command to go on\n"


def test_nobody_reading_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "photovst", "settings"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("output", "folder"),
    [("out.mp4", "out.run"), ("frames", "frames.run"), ("a/frames/", "a/frames.run"), ("take1.5", "take1.5.run")],
)
def test_default_run_folder(output: str, folder: str) -> None:
    assert default_run_folder(output) == Path(folder)
