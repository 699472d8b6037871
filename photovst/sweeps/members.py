"""A sweep: every member run as any run is and judged, then tables and plots of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from photovst.endings import out_of_memory
from photovst.errors import MediaError, PhotovstError
from photovst.evaluation import Evaluation, read_evaluation
from photovst.judging import Judging
from photovst.progress import Progress, json_bytes
from photovst.run import read_records, total_iterations, total_seconds
from photovst.storage import write_atomic
from photovst.stylization import Stylization
from photovst.stylize import is_finished, stylize_clip
from photovst.sweeps.plots import plots
from photovst.sweeps.settings import Sweep, SweepMember
from photovst.sweeps.table import Outcome, csv_text, latex, markdown, record
from photovst.threads import threads as limited_to

PLOTS = ("style_edge.png", "style_warp.png")

FILES = ("sweep.csv", "sweep.md", "sweep.tex", "sweep.json", *PLOTS)
"""What a sweep ends with."""


class Evaluate(Protocol):
    """Judges a finished run, or leaves its judgement as it is where that is up to date."""

    def __call__(self, run: Path, *, judging: Judging, overwrite: bool = False, progress: Progress) -> Evaluation:
        """The figures of the run's result, which then lie in the run's folder too."""
        ...


Ended = tuple[SweepMember, Exception | None]
"""A member whose run has ended, and what went wrong, if something did."""

Runner = Callable[[Sequence[SweepMember]], Iterable[Ended]]
"""Runs and judges members, and tells of each as it ends, in any order."""


def run_member(
    member: SweepMember,
    *,
    evaluate: Evaluate,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress,
    first: Callable[[Stylization], None] | None = None,
) -> None:
    """Stylize one member, or go on with it, unless it is finished; then judge it, unless it is judged.

    ``first`` is as for `stylize_clip`.

    Raises:
        PhotovstError: either fails.
    """
    with limited_to(threads):
        folder = Path(member.settings.output).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise MediaError(f"cannot make the folder {folder}: {error.filename} is no folder; move it away") from error
        if overwrite or not is_finished(member.settings, member.run_folder):
            stylize_clip(
                member.settings, run_folder=member.run_folder, overwrite=overwrite, progress=progress, first=first
            )
        progress.stage("judge")
        evaluate(member.run_folder, judging=member.judging, progress=progress)


def in_turn(
    members: Sequence[SweepMember],
    *,
    evaluate: Evaluate,
    overwrite: bool = False,
    threads: int | None = None,
    progress_for: Callable[[], Progress],
) -> Iterator[Ended]:
    """Run members one after the other in this process; one that fails does not stop the others."""
    for number, member in enumerate(members, start=1):
        try:
            with progress_for() as progress:
                progress.note(f"{number} of {len(members)}: {member.name}")
                run_member(member, evaluate=evaluate, overwrite=overwrite, threads=threads, progress=progress)
            yield member, None
        except (PhotovstError, MemoryError, RuntimeError) as error:
            if not (isinstance(error, PhotovstError) or out_of_memory(error)):
                raise
            yield member, error


def run_sweep(sweep: Sweep, run: Runner, on_failure: Callable[[str, Exception], None]) -> list[Outcome]:
    """Run every member and write what came of it: ``sweep.csv``, ``.md``, ``.tex``, ``.json`` and plots.

    Args:
        sweep: the members.
        run: `in_turn`, or tasks elsewhere.
        on_failure: called with a member's name and what went wrong.

    Raises:
        PhotovstError: the folder cannot be written.
    """
    sweep.output.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (sweep.output / name).is_dir():
            raise MediaError(f"{sweep.output / name} is a folder where a table or plot is to be; move it away")
    failures: dict[str, Exception] = {}
    for member, error in run(sweep.members):
        if error is not None:
            failures[member.name] = error
            on_failure(member.name, error)
    outcomes = [_outcome(member, failures) for member in sweep.members]
    _write(sweep, outcomes)
    return outcomes


def _outcome(member: SweepMember, failures: Mapping[str, Exception]) -> Outcome:
    if (error := failures.get(member.name)) is not None:
        return Outcome(member, None, failure="out of memory" if out_of_memory(error) else str(error))
    records = read_records(member.run_folder)
    return Outcome(
        member,
        read_evaluation(member.run_folder),
        iterations=total_iterations(records),
        seconds=total_seconds(records),
    )


def _write(sweep: Sweep, outcomes: Sequence[Outcome]) -> None:
    folder = sweep.output
    texts = {"csv": csv_text, "md": markdown, "tex": latex}
    for suffix, text in texts.items():
        write_atomic(folder / f"sweep.{suffix}", text(sweep, outcomes).encode(errors="backslashreplace"))
    write_atomic(folder / "sweep.json", json_bytes(record(sweep, outcomes)))
    drawn = plots(sweep, outcomes)
    for name in PLOTS:
        if name in drawn:
            write_atomic(folder / name, drawn[name])
        else:
            (folder / name).unlink(missing_ok=True)  # one of a former sweep would be taken for this one's
