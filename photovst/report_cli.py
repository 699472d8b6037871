"""``photovst report``: one page of a run, or of several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from photovst.cli_options import LogJson, Overwrite, Quiet
from photovst.endings import signals_wait


def report(
    ctx: typer.Context,
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders, or results that lie beside theirs."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PAGE", help="The page, such as report.html.")],
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Write one page of finished runs: clips that play side by side, frames, figures, settings.

    It needs no other file and no network. Figures are there once 'photovst evaluate' has measured them.
    """
    ctx.obj.work = lambda: write_page_of(runs, output, overwrite=overwrite, quiet=quiet, log_json=log_json)


def write_page_of(runs: Sequence[Path], output: Path, *, overwrite: bool, quiet: bool, log_json: bool) -> Path:
    """Write the page and return its path.

    Raises:
        PhotovstError: a run cannot be shown, or the page cannot be written.
    """
    from photovst.progress import progress_for

    with signals_wait():
        from photovst.report_runs import write_runs_report

    with progress_for(quiet=quiet, log_json=log_json) as progress:
        return write_runs_report(runs, output, overwrite=overwrite, progress=progress)
