"""``photovst preview``: one frame a shot in a few seconds, to choose by before the long run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from photovst.cli_options import Configs, LogJson, Overwrite, Quiet
from photovst.endings import signals_wait
from photovst.errors import SettingsError

STRENGTHS = "0.4,0.7,1"

MOST_STRENGTHS, MOST_SHOTS = 8, 24
"""What fits a sheet with pictures that show something."""


def preview(
    ctx: typer.Context,
    clip: Annotated[str, typer.Argument(metavar="CLIP", help="A video, a folder or glob of frames, or a still.")],
    photo: Annotated[
        str, typer.Argument(metavar="PHOTO", help="The photograph, or a network (.safetensors), as for stylize.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings, as for the run that is to follow.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="SHEET", help="Where the contact sheet goes (.png, .jpg).")
    ] = Path("preview.png"),
    strengths: Annotated[
        str, typer.Option(metavar="S,S...", help="How much of the change is shown, a column each.")
    ] = STRENGTHS,
    shots: Annotated[
        int, typer.Option(metavar="N", help="The most shots, spread over the film.", min=1, max=MOST_SHOTS)
    ] = 12,
    config: Configs = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Restyle one frame a shot of CLIP and write a contact sheet of several strengths.

    'photovst stylize' with the same settings goes on from what this computed, whatever its strength, codec or size.
    """
    ctx.obj.work = lambda: write_preview(
        clip, photo, overrides or (), output, strengths, shots, config or (), overwrite, quiet, log_json
    )


def write_preview(
    clip: str,
    photo: str,
    overrides: Sequence[str],
    output: Path,
    strengths: str,
    shots: int,
    configs: Sequence[Path],
    overwrite: bool,
    quiet: bool,
    log_json: bool,
) -> Path:
    """Load the settings, check what is asked for, and write the sheet."""
    from photovst.progress import progress_for
    from photovst.settings_io import load_settings

    shown = read_strengths(strengths)
    settings = load_settings(configs, overrides, {"content": clip, "style": photo, "output": str(output)})
    with signals_wait():
        from photovst.previewing import preview_clip

    with progress_for(quiet=quiet, log_json=log_json) as progress:
        return preview_clip(settings, output, shown, shots, overwrite=overwrite, progress=progress)


def read_strengths(text: str) -> list[float]:
    """Strengths, ascending.

    >>> read_strengths("1, .4,.7")
    [0.4, 0.7, 1.0]

    Raises:
        SettingsError: they are no numbers, too many, or out of range.
    """
    try:
        strengths = sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise SettingsError(f"--strengths {text} are no numbers with commas between, such as {STRENGTHS}") from error
    if not all(math.isfinite(strength) and 0 <= strength <= 1 for strength in strengths):
        raise SettingsError(f"--strengths {text} takes numbers from 0 to 1, such as {STRENGTHS}")
    if len(strengths) > MOST_STRENGTHS:
        raise SettingsError(f"--strengths {text} are {len(strengths)}, but a sheet has room for {MOST_STRENGTHS}")
    return strengths
