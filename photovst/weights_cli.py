"""``photovst weights``: list, fetch, verify, locate and import published weights; only an import needs PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovst.cli_options import Overwrite
from photovst.errors import WeightsError

if TYPE_CHECKING:
    from photovst.models.checkpoints import Checkpoint
    from photovst.models.download import Progress

app = typer.Typer(help="The published weights of trained networks.", no_args_is_help=True)

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One of 'photovst weights list'.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Of 'photovst weights list'.")]


@app.command("list")
def list_weights(ctx: typer.Context) -> None:
    """List every published file: name, size, licence, where it is, and what to cite."""
    ctx.obj.work = weights_table


@app.command()
def fetch(ctx: typer.Context, names: Annotated[list[str], typer.Argument(metavar="NAME...|all")]) -> None:
    """Download weights into the user's cache folder and print where they are; a download that was cut goes on."""
    ctx.obj.work = lambda: fetch_weights(names)


@app.command()
def verify(ctx: typer.Context, names: Names = None) -> None:
    """Hold the files that are there against their hashes."""
    ctx.obj.work = lambda: verify_weights(names or ())


@app.command()
def where(ctx: typer.Context, name: Name = None) -> None:
    """Print the folders that are looked in, in order, or the file of NAME."""
    ctx.obj.work = lambda: weights_place(name)


@app.command("import")
def import_weights(
    ctx: typer.Context,
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="TensorFlow's: .tar.gz, folder, .index, or the path before it.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Where it goes (.safetensors).")],
    overwrite: Overwrite = False,
) -> None:
    """Turn Magenta's arbitrary style checkpoint into a network that stands for any style; TensorFlow is not needed."""
    ctx.obj.work = lambda: imported(checkpoint, output, overwrite=overwrite)


def imported(checkpoint: Path, output: Path, *, overwrite: bool) -> str:
    """Import a checkpoint; the path that it went to.

    Raises:
        PhotovstError: it is not the published one, or cannot be written.
    """
    from photovst.models.magenta_files import import_magenta

    network = import_magenta(checkpoint, output, overwrite=overwrite)
    _say(f"{network.about['name']}; license: {network.about['license']}")
    _say(f"sha256, to be compared with another download's, as none is published: {network.about['sha256']}")
    return str(output)


def weights_table() -> str:
    """A table of all weights."""
    from photovst.models.checkpoints import CHECKPOINTS
    from photovst.models.weight_files import present
    from photovst.tables import table_text

    rows = (
        (each.name, each.file, each.size, each.licence, str(present(each) or "absent"), f"[{each.citation}]")
        for each in CHECKPOINTS
    )
    return table_text(("name", "file", "size", "licence", "where", "cite"), rows)


def fetch_weights(names: Sequence[str]) -> str:
    """Download weights by name, or all that have an address; one path a line.

    Raises:
        WeightsError: there is no such name, or one cannot be had.
    """
    from photovst.models.checkpoints import CHECKPOINTS, checkpoint_named
    from photovst.models.weight_files import find, present

    if "all" in names:
        wanted = [each for each in CHECKPOINTS if each.url or present(each)]
        for each in CHECKPOINTS:
            if each not in wanted:
                _say(f"{each.name} is left out: no address is known for it")
    else:
        wanted = [checkpoint_named(name) for name in names]
    paths = []
    for each in wanted:
        if present(each):
            paths.append(find(each))
            _say(f"{each.name} is already there")
        else:
            with _progress(each) as progress:
                paths.append(find(each, progress))
    return "\n".join(map(str, paths))


def verify_weights(names: Sequence[str]) -> str:
    """Verify weights by name, or all that are there; one line each.

    Raises:
        WeightsError: one is not the published file, or is named but absent.
    """
    from photovst.models.checkpoints import CHECKPOINTS, checkpoint_named
    from photovst.models.weight_files import WHOLE, places, present, verify as verify_file

    lines, failures = [], []
    for each in map(checkpoint_named, names) if names else CHECKPOINTS:
        path = present(each)
        if path is None:
            if names:
                lines.append(f"{each.name}  absent")
                failures.append(f"{each.file} is not in {places()}; run 'photovst weights fetch {each.name}'")
            continue
        try:
            digits = len(verify_file(path, each))
        except WeightsError as error:
            lines.append(f"{each.name}  bad  {path}")
            failures.append(str(error))
        else:
            if each.sha256:
                state = "ok" if digits == WHOLE else f"ok (first {digits} digits)"
            else:
                state = f"{'ok, as first recorded' if digits else 'unverified'} (no hash is published)"
            lines.append(f"{each.name}  {state}  {path}")
    text = "\n".join(lines) or f"no weights are in {places()}"
    if failures:
        print(text)
        raise WeightsError("; ".join(failures))
    return text


def weights_place(name: str | None) -> str:
    """The folders of weights in order, one a line, or the file of a name.

    Raises:
        WeightsError: there is no such name, or the file is absent.
    """
    from photovst.models.checkpoints import checkpoint_named
    from photovst.models.weight_files import folders, places, present

    if name is None:
        return "\n".join(map(str, folders()))
    checkpoint = checkpoint_named(name)
    path = present(checkpoint)
    if path is None:
        raise WeightsError(f"{checkpoint.file} is not in {places()}; run 'photovst weights fetch {name}'")
    return str(path)


@contextmanager
def _progress(checkpoint: Checkpoint) -> Iterator[Progress]:
    """A bar on stderr where that is a terminal, else one line."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress as Bar,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from photovst.models.weight_files import announced

    if not sys.stderr.isatty():
        yield announced(checkpoint, _say)
        return
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(checkpoint.file, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _say(text: str) -> None:
    print(f"photovst: {text}", file=sys.stderr, flush=True)
