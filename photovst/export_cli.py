"""``photovst export``: a trained network for other programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovst.cli_options import Overwrite
from photovst.endings import signals_wait
from photovst.errors import SettingsError

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
    overwrite: Overwrite = False,
) -> None:
    """Write MODEL as ONNX or TorchScript, checked against the network itself.

    Input and output are float32 RGB in [0, 1], (batch, 3, height, width).
    """

    def work() -> str:
        wanted = None if size is None else parse_size(size)
        with signals_wait():
            from photovst.feedforward.export import export_network

        return export_network(model, output, wanted, overwrite=overwrite)

    ctx.obj.work = work


def parse_size(text: str) -> Size:
    """``1280x720`` as ``(720, 1280)``.

    >>> parse_size("1280x720")
    (720, 1280)

    Raises:
        SettingsError: it is no size, or one that no frame has.
    """
    found = re.fullmatch(r"([0-9]+)x([0-9]+)", text)
    if found is None or not all(SMALLEST <= int(side) <= LARGEST for side in found.groups()):
        raise SettingsError(
            f"--size {text} is no size; give WIDTHxHEIGHT from {SMALLEST} to {LARGEST}, such as 1280x720"
        )
    return int(found[2]), int(found[1])
