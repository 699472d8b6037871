"""``photovst segment``: what a clip's regions are, to look at, to check and to edit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from photovst.cli_options import Configs, LogJson, Overwrite, Quiet
from photovst.endings import signals_wait
from photovst.errors import SettingsError


def segment(
    ctx: typer.Context,
    clip: Annotated[str, typer.Argument(metavar="CLIP", help="A video, a folder or glob of frames, or a still.")],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the results go.")],
    rest: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PHOTO] [KEY=VALUE]...",
            help="The photograph to match with, and settings, such as segmentation.method=ade20k_mobile.",
        ),
    ] = None,
    config: Configs = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Show the regions of CLIP, and which of PHOTO they answer to.

    Writes overlay.mp4, coverage.csv, and label PNGs in clip/ and photo/ with their legends. Edit them in any program
    that keeps colors, and give them back: segmentation.method=files segmentation.content=DIR/clip
    segmentation.style=DIR/photo/photo.png.
    """
    ctx.obj.work = lambda: show_regions(
        clip, rest or (), folder, config or (), overwrite=overwrite, quiet=quiet, log_json=log_json
    )


def show_regions(
    clip: str,
    rest: Sequence[str],
    folder: Path,
    configs: Sequence[Path],
    *,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
) -> str:
    """Write the results; the coverage table and a line of figures.

    Raises:
        SettingsError: a setting is unknown or has no meaning here.
        MediaError: something cannot be read, or stands in the way of a result.
    """
    from photovst.progress import progress_for
    from photovst.settings_io import load_settings

    photo = rest[0] if rest and (Path(rest[0]).exists() or "=" not in rest[0]) else None
    overrides = rest[1:] if photo is not None else rest
    settings = load_settings(configs, overrides, {"content": clip, "style": photo or clip, "output": str(folder)})
    if settings.video.size is not None:
        raise SettingsError("photovst segment works at the clip's own size; leave video.size out")

    with signals_wait():
        from photovst.segment_clips import write_regions

    with progress_for(quiet=quiet, log_json=log_json) as progress:
        figures = write_regions(settings, matched=photo is not None, overwrite=overwrite, progress=progress)
    return f"{figures}\n{folder}"
