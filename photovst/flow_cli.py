"""``photovst flow``: a clip's motion, to look at and as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from photovst.cli_options import Configs, LogJson, Overwrite, Quiet
from photovst.endings import signals_wait
from photovst.errors import SettingsError


def flow(
    ctx: typer.Context,
    clip: Annotated[str, typer.Argument(metavar="CLIP", help="A video, or a folder or glob of frames.")],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the clips of it go.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Settings, such as flow.method=farneback; flow, shots, video, cache."),
    ] = None,
    config: Configs = None,
    files: Annotated[
        bool,
        typer.Option("--files", help="Also write .flo and certainty files, which flow.method=files reads."),
    ] = False,
    full: Annotated[
        float | None,
        typer.Option(metavar="PIXELS", help="Motion shown in full color; a fortieth of the longer side by default."),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Show the motion in CLIP: flow.mp4 in colors, warped.mp4 (each frame from the one before), certainty.mp4.

    In colors, hue is direction (red to the right, yellow down, blue to the left, violet up) and white is rest.
    """
    ctx.obj.work = lambda: show_flow(
        clip, folder, overrides or (), config or (), files, full, overwrite=overwrite, quiet=quiet, log_json=log_json
    )


def show_flow(
    clip: str,
    folder: Path,
    overrides: Sequence[str],
    configs: Sequence[Path],
    files: bool,
    full: float | None,
    *,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
) -> str:
    """Write the clips, and the files where they are asked for; a line of figures.

    Raises:
        SettingsError: a setting is unknown or has no meaning here.
        MediaError: the clip has no motion, or something stands in the way of a result.
    """
    from photovst.progress import progress_for
    from photovst.settings_io import load_settings

    # Settings name a photograph; none is looked at here.
    settings = load_settings(configs, overrides, {"content": clip, "style": clip, "output": str(folder)})
    if settings.video.size is not None:
        raise SettingsError("photovst flow works at the clip's own size; leave video.size out")
    if full is not None and not full > 0:
        raise SettingsError(f"--full takes pixels above 0, but {full:g} was given")

    with signals_wait():
        from photovst.flow_clips import write_flow_clips

    with progress_for(quiet=quiet, log_json=log_json) as progress:
        figures = write_flow_clips(settings, files=files, full=full, overwrite=overwrite, progress=progress)
    return f"{folder}: {figures}"
