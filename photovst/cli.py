"""The command line: verbs, and every ending as one line and an exit code.

Exit codes: 0 done; 2 bad input or environment; 1 a bug; 130 and 143 stopped by SIGINT and SIGTERM; 141 nobody
reads. Heavy imports live inside the verbs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from photovst import (
    compare_cli,
    evaluate_cli,
    export_cli,
    flow_cli,
    preview_cli,
    report_cli,
    scene_cli,
    segment_cli,
    style_cli,
    sweep_cli,
    train_cli,
    weights_cli,
)
from photovst.cli_options import Configs, LogJson, Overwrite, Quiet
from photovst.endings import out_of_memory, signals_wait
from photovst.errors import PhotovstError, SettingsError

if TYPE_CHECKING:
    from photovst.config import Settings
    from photovst.datasets.luan_pairs import Pair

ENVIRONMENT_ERRORS = frozenset(
    (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOTDIR,
        errno.ENAMETOOLONG,
        errno.EFBIG,
    )
)


class Stopped(BaseException):
    """A signal, by number, asked this process to end; no Exception, so that no code below handles it."""


@dataclass
class Invocation:
    """What one call of ``main`` parsed, and where its run lives once that is known."""

    argv: list[str]
    work: Callable[[], Path | str | None] | None = None
    """Returns what is printed at the end."""
    run_folder: Path | None = None
    if_out_of_memory: str = "lower the last entries of schedule.scales, or set video.size"

    def say(self, text: str) -> None:
        """One line on stderr, as JSON when the caller reads JSON."""
        line = text.replace("\n", " ")
        as_json = "--log-json" in self.argv
        message = json.dumps({"event": "error", "message": line}) if as_json else f"photovst: {line}"
        print(message, file=sys.stderr, flush=True)

    def report_bug(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """An excepthook: the traceback goes to a file, and one line says where."""
        text = "".join(traceback.format_exception(kind, error, trace))
        where = self._save(text)
        what = traceback.format_exception_only(kind, error)[-1].strip()
        self.say(f"error: this is a bug in photovst ({what}); {where}; PHOTOVST_DEBUG=1 shows it here")

    def _save(self, text: str) -> str:
        folder = self.run_folder
        try:
            if folder is not None and (folder / "provenance.json").is_file():
                path = folder / "traceback.txt"
                path.write_text(text, encoding="utf-8")
            else:
                number, name = tempfile.mkstemp(prefix="photovst-", suffix=".txt", text=True)
                path = Path(name)
                with os.fdopen(number, "w", encoding="utf-8") as stream:
                    stream.write(text)
        except OSError as error:
            return f"its traceback could not be saved ({error.strerror})"
        return f"its traceback is in {path}"


app = typer.Typer(
    name="photovst",
    help="Give a clip the light, season or weather of a photograph, and keep it steady.",
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(weights_cli.app, name="weights")
app.command()(scene_cli.scene)
app.command()(scene_cli.painting)
app.command()(compare_cli.compare)
app.command()(evaluate_cli.evaluate)
app.command()(export_cli.export)
app.command()(flow_cli.flow)
app.command()(preview_cli.preview)
app.command()(segment_cli.segment)
app.command()(report_cli.report)
app.command()(style_cli.style)
app.command()(sweep_cli.sweep)
app.command()(train_cli.train)

UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]
"""What typer raises for options that are wrong; it has no public name."""

Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Settings, such as strength=0.5; 'photovst settings' lists them."),
]
Run = Annotated[
    Path | None,
    typer.Option("--run", metavar="DIR", help="The run folder; OUT with .run for its suffix by default."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from photovst import __version__

        print(f"photovst {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def stylize(
    ctx: typer.Context,
    clip: Annotated[str, typer.Argument(metavar="CLIP", help="A video, a folder or glob of frames, or a still.")],
    photo: Annotated[
        str,
        typer.Argument(metavar="PHOTO", help="The photograph whose look the clip takes, or a network (.safetensors)."),
    ],
    output: Annotated[str, typer.Option("-o", "--output", metavar="OUT", help="Where the result goes.")],
    overrides: Overrides = None,
    config: Configs = None,
    run: Run = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Give CLIP the look of PHOTO. An unfinished run of the same settings goes on where it stopped."""
    call: Invocation = ctx.obj
    fixed = {"content": clip, "style": photo, "output": output}
    call.work = lambda: _stylize(call, config, overrides, fixed, run, overwrite, quiet, log_json)


@app.command(name="run")
def run_experiment(
    ctx: typer.Context,
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT.yaml", help="Settings with content, style, output.")
    ],
    overrides: Overrides = None,
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="OUT", help="Another place to write.")] = None,
    config: Configs = None,
    run: Run = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Run a config file that names everything. Paths in it are relative to the current folder.

    With 'pairs' and 'pair' it runs over published pairs and ends with a table of figures.
    """
    call: Invocation = ctx.obj
    files = [experiment, *(config or ())]

    def work() -> Path | str:
        from photovst.pair_settings import load_pairs

        if pairs := load_pairs(files, overrides or (), output):
            return _stylize_pairs(call, pairs, run, overwrite, quiet, log_json)
        fixed = {} if output is None else {"output": output}
        return _stylize(call, files, overrides, fixed, run, overwrite, quiet, log_json)

    call.work = work


@app.command()
def demo(
    ctx: typer.Context,
    overrides: Overrides = None,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the demo goes.")] = Path(
        "photovst-demo"
    ),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Make a small clip and a photograph, and stylize one after the other; needs no files and no network."""
    call: Invocation = ctx.obj

    def work() -> Path:
        from photovst.progress import progress_for

        with signals_wait():
            from photovst.demo import run_demo

        with progress_for(quiet=quiet, log_json=log_json) as progress:
            return run_demo(folder, overwrite=overwrite, progress=progress, overrides=list(overrides or ()))

    call.work = work


class Of(Enum):
    """What the settings are for."""

    restyling = "restyling"
    training = "training"


@app.command()
def settings(
    ctx: typer.Context,
    of: Annotated[Of, typer.Option(help="What for: stylize, run, demo and their like, or train.")] = Of.restyling,
) -> None:
    """List every setting: name, type, default, range and meaning."""
    call: Invocation = ctx.obj
    call.work = lambda: _settings_table(of)


def _settings_table(of: Of) -> str:
    from photovst.tables import table_text

    if of is Of.training:
        from photovst.training_settings import describe_training as describe
    else:
        from photovst.settings_io import describe_settings as describe
    return table_text(("setting", "type", "default", "range", "meaning"), describe())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a bug leaves as its exception, for the excepthook."""
    call = Invocation(list(sys.argv[1:] if argv is None else argv))
    # Read by OpenMP when torch loads it. Its threads otherwise spin long while they wait for each other, and beside any
    # other work on the machine they then spend most of their time at that; without any spinning small steps are slow.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if os.environ.get("PHOTOVST_DEBUG") != "1":
        sys.excepthook = call.report_bug
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as shells set it for a job in the background
            signal.signal(number, _stop)
    try:
        code = _parse(call)
        if call.work is not None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(errors="surrogateescape")  # a file name is the bytes it is
            made = call.work()
            if made is not None:
                print(made)
        sys.stdout.flush()
    except PhotovstError as error:
        call.say(f"error: {error}")
        return 2
    except (Stopped, KeyboardInterrupt) as stop:
        call.say("stopped; run the same command to go on")
        return 128 + int(stop.args[0] if isinstance(stop, Stopped) else signal.SIGINT)
    except BrokenPipeError:
        # What is still buffered has nowhere to go; without this the interpreter complains on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.errno not in ENVIRONMENT_ERRORS:
            raise
        place = f": {error.filename}" if error.filename else ""
        call.say(f"error: {error.strerror}{place}")
        return 2
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        call.say(f"error: out of memory; {call.if_out_of_memory}")
        return 2
    return code


def _parse(call: Invocation) -> int:
    # The command object itself: typer's wrapper would put its own excepthook in place of ours.
    command = typer.main.get_command(app)
    try:
        code = command.main(args=call.argv, prog_name="photovst", obj=call, standalone_mode=False)
    except UsageError as error:
        if not call.argv:
            error.show()  # the help
            return 2
        verb = f" {call.argv[0]}" if call.argv[0] in getattr(command, "commands", ()) else ""
        said = error.format_message().rstrip(".")
        call.say(f"error: {said}; 'photovst{verb} --help' says what there is")
        return 2
    return code if isinstance(code, int) else 0


def _stylize(
    call: Invocation,
    files: Sequence[Path] | None,
    overrides: Sequence[str] | None,
    fixed: Mapping[str, object],
    run: Path | None,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
) -> Path:
    from photovst.progress import progress_for
    from photovst.run import default_run_folder
    from photovst.settings_io import load_settings

    settings = load_settings(files or (), overrides or (), fixed)
    call.run_folder = run or default_run_folder(settings.output)

    with signals_wait():
        from photovst.stylize import stylize_clip  # brings torch: bad settings are told of before that

    with progress_for(quiet=quiet, log_json=log_json) as progress:
        return stylize_clip(settings, run_folder=call.run_folder, overwrite=overwrite, progress=progress)


def _stylize_pairs(
    call: Invocation,
    pairs: Sequence[tuple[Pair, Settings]],
    run: Path | None,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
) -> str:
    from photovst.progress import progress_for
    from photovst.run import default_run_folder

    if run is not None and len(pairs) > 1:
        raise SettingsError("--run names one folder, but there are several pairs; leave it out")
    call.run_folder = run or default_run_folder(pairs[0][1].output)

    with signals_wait():
        from photovst.pairs import stylize_pairs

    told = partial(progress_for, quiet=quiet, log_json=log_json)
    return stylize_pairs(pairs, overwrite=overwrite, progress_for=told, run_folder=run)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)
