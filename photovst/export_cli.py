"""``photovst export``: a trained network for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovst.cli_options import Overwrite
from photovst.endings import signals_wait
from photovst.errors import SettingsError
from photovst.sizes import parse_size

if TYPE_CHECKING:
    from photovst.types import Size

SMALLEST, LARGEST = 16, 16384
"""Sides of frames, in pixels."""


def export(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A trained network (.safetensors).")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Where it goes: .onnx, or .pt for TorchScript.")
    ],
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="For frames of this size only; grid networks need it."),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(metavar="PHOTO", help="For a network of any style: the photograph or saved style it is told."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write MODEL as ONNX or TorchScript, checked against the network itself.

    Input and output are float32 RGB in [0, 1], (batch, 3, height, width).
    """

    def work() -> str:
        wanted = None if size is None else frame_size(size)
        with signals_wait():
            from photovst.exporting import export_trained

        return export_trained(model, output, wanted, style, overwrite=overwrite)

    ctx.obj.work = work


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
