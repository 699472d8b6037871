"""``photovst export``: a trained network, or the colors of a run, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovst.cli_options import LogJson, Overwrite, Quiet
from photovst.endings import signals_wait
from photovst.errors import SettingsError
from photovst.sizes import parse_size

if TYPE_CHECKING:
    from photovst.types import Size

SMALLEST, LARGEST = 16, 16384
"""Sides of frames, in pixels."""

POINTS, FEWEST, MOST = 33, 2, 65
"""Along an axis of a table."""


def export(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="MODEL|RUN", help="A trained network (.safetensors), or a run.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="Where it goes; for a run beside its folder by default."),
    ] = None,
    cube: Annotated[
        bool, typer.Option("--cube", help="Of a run: a .cube table a shot, into a folder or one file.")
    ] = False,
    grid: Annotated[bool, typer.Option("--grid", help="Of a run: all color transforms as one .npz.")] = False,
    points: Annotated[
        int | None, typer.Option(metavar="N", help=f"For --cube: points along each axis; {POINTS} by default.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="For frames of this size only; grid networks need it."),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(metavar="PHOTO", help="For a network of any style: the photograph or saved style it is told."),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Write MODEL as ONNX or TorchScript, or RUN as tables and color transforms.

    MODEL goes to .onnx, or to .pt for TorchScript, checked against the network itself. Input and output are float32 RGB
    in [0, 1], (batch, 3, height, width).

    RUN is a finished run's folder, or its result. --cube writes the best .cube table a shot for editors, and how far
    it is from the run's own pictures; --grid what makes those pictures exactly.
    """

    def work() -> str:
        if cube or grid:
            _check_of_run(cube, grid, points, size, style)
            return _export_run(source, output, cube, points or POINTS, overwrite, quiet, log_json)
        return _export_model(source, output, points, size, style, overwrite)

    ctx.obj.work = work


def _check_of_run(cube: bool, grid: bool, points: int | None, size: str | None, style: str | None) -> None:
    if cube and grid:
        raise SettingsError("--cube and --grid are two exports; give one at a time")
    for name, given in (("size", size), ("style", style)):
        if given is not None:
            raise SettingsError(f"--{name} {given} is for a trained network; leave it out for a run")
    if points is not None and not cube:
        raise SettingsError(f"--points {points} is for --cube; leave it out")
    if points is not None and not FEWEST <= points <= MOST:
        raise SettingsError(f"--points {points} is no number of points from {FEWEST} to {MOST}; editors like 17 and 33")


def _export_run(
    run: Path, output: Path | None, cube: bool, points: int, overwrite: bool, quiet: bool, log_json: bool
) -> str:
    from photovst.progress import progress_for

    with signals_wait():
        from photovst.exporting_cubes import export_cubes
        from photovst.exporting_grids import export_grids

    with progress_for(quiet=quiet, log_json=log_json) as progress:
        if cube:
            return export_cubes(run, output, points, overwrite=overwrite, progress=progress)
        return export_grids(run, output, overwrite=overwrite, progress=progress)


def _export_model(
    model: Path, output: Path | None, points: int | None, size: str | None, style: str | None, overwrite: bool
) -> str:
    if points is not None:
        raise SettingsError(f"--points {points} is for --cube; leave it out")
    if model.is_dir():
        raise SettingsError(f"{model} is a folder, not a trained network; for a run say what, --cube or --grid")
    if output is None:
        raise SettingsError("a network needs -o OUT: .onnx, or .pt for TorchScript")
    wanted = None if size is None else frame_size(size)
    with signals_wait():
        from photovst.exporting import export_trained

    return export_trained(model, output, wanted, style, overwrite=overwrite)


def frame_size(text: str) -> Size:
    """``1280x720`` as ``(720, 1280)``.

    Raises:
        SettingsError: it is no size, or one that no frame has.
    """
    size = parse_size(text)
    if not all(SMALLEST <= side <= LARGEST for side in size):
        raise SettingsError(
            f"--size {text} is no size; give WIDTHxHEIGHT from {SMALLEST} to {LARGEST}, such as 1280x720"
        )
    return size
