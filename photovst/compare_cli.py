"""``photovst compare``: several configs on one clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from photovst.choices import Layout
from photovst.cli_options import LogJson, MasksContent, MasksStyle, Overwrite, Quiet
from photovst.endings import out_of_memory, signals_wait
from photovst.errors import PhotovstError, SettingsError


def compare(
    ctx: typer.Context,
    configs: Annotated[
        list[str],
        typer.Argument(
            metavar="CONFIG.yaml...|RUN... [KEY=VALUE]...",
            help="Config files, and settings common to all; or run folders and clips to show together.",
        ),
    ],
    folder: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="OUT", help="The folder for results and table; or the clip to write."),
    ],
    over: Annotated[
        list[Path] | None,
        typer.Option("-c", "--config", metavar="FILE", help="A YAML file laid over every config; repeatable."),
    ] = None,
    flow: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Judge by the motion in these files, not by DIS flow; as 'scene' writes them."
        ),
    ] = None,
    masks_content: MasksContent = None,
    masks_style: MasksStyle = None,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Longer side to judge at.", min=16)] = 320,
    layout: Annotated[
        Layout, typer.Option(help="Of clips: side by side, or each a strip of a split screen.")
    ] = Layout.side,
    labels: Annotated[bool, typer.Option(help="Of clips: write their names into the picture.")] = True,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Run several configs on one clip and judge them: a table, a contact sheet and plots.

    Finished members are left as they are, stopped ones go on. One that fails is told of, and the others go on.

    Given runs or clips in place of configs, write one clip that shows their results together.
    """
    say: Callable[[str], None] = ctx.obj.say
    if are_clips(configs):
        judging = {"-c": over, "--flow": flow, "--masks-content": masks_content, "--masks-style": masks_style}
        given = next((name for name, value in judging.items() if value), None)
        ctx.obj.work = lambda: show_together(
            [Path(each) for each in configs], folder, layout, labels, given, overwrite, quiet, log_json
        )
        return
    ctx.obj.work = lambda: run_comparison(
        configs, over or (), folder, flow, mask_pair(masks_content, masks_style), size, overwrite, quiet, log_json, say
    )


def run_comparison(
    arguments: Sequence[str],
    over: Sequence[Path],
    folder: Path,
    flow: Path | None,
    masks: tuple[Path, Path] | None,
    size: int,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    say: Callable[[str], None],
) -> str:
    """Load the members, compare them, and return the table and where the contact sheet is.

    Raises:
        PhotovstError: nothing can be compared; or, with all that can be had printed already, a config failed.
    """
    from photovst.compare_settings import load_members, split_arguments
    from photovst.progress import progress_for

    members, unloaded = load_members(*split_arguments(arguments), folder, over)
    failed: list[str] = []

    def on_failure(name: str, error: Exception) -> None:
        failed.append(name)
        say(f"error: {name}: {'out of memory' if out_of_memory(error) else error}")

    for name, error in unloaded.items():
        on_failure(name, error)
    total = len(members) + len(unloaded)
    if not members:
        raise SettingsError(f"none of the {total} configs can be loaded; see above")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the folder {folder} ({error.strerror}); choose another with -o") from error

    with signals_wait():
        from photovst.compare import compare as compare_members

    text = compare_members(
        members,
        folder,
        flow=flow,
        masks=masks,
        size=size,
        overwrite=overwrite,
        progress_for=partial(progress_for, quiet=quiet, log_json=log_json),
        on_failure=on_failure,
        unloaded=unloaded,
    )
    text += f"\n{folder / 'compare.jpg'}"
    if failed:
        print(text)
        raise PhotovstError(f"{len(failed)} of {total} configs failed: {', '.join(failed)}")
    return text


def are_clips(arguments: Sequence[str]) -> bool:
    """Whether clips or runs are to be shown together: none of the arguments is a config, and one is there."""
    configs = any(Path(each).suffix.lower() in (".yaml", ".yml") for each in arguments)
    return not configs and any("=" not in each or Path(each).exists() for each in arguments)


def show_together(
    places: Sequence[Path],
    output: Path,
    layout: Layout,
    labels: bool,
    judging: str | None,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
) -> Path:
    """Write one clip that shows the results of runs, or clips; returns it.

    Raises:
        SettingsError: an option that has no meaning here was given.
        MediaError: a run is unfinished, or the clips cannot be shown together.
    """
    from photovst.finished_runs import finished_run, is_run
    from photovst.progress import progress_for

    if judging is not None:
        raise SettingsError(f"{judging} is for configs, but clips are shown together here; leave it out")
    runs = [finished_run(place) if is_run(place) else None for place in places]

    with signals_wait():
        from photovst.compare_clips import Shown, write_comparison

    shown = [
        Shown(place.name, place) if run is None else Shown(run.name, run.result)
        for place, run in zip(places, runs, strict=True)
    ]
    with progress_for(quiet=quiet, log_json=log_json) as progress:
        return write_comparison(shown, output, layout, labels=labels, overwrite=overwrite, progress=progress)


def mask_pair(content: Path | None, style: Path | None) -> tuple[Path, Path] | None:
    """Masks of a clip and of its photograph: both, or none.

    Raises:
        SettingsError: one is given without the other.
    """
    if content is not None and style is not None:
        return content, style
    if content is not None:
        raise SettingsError(f"--masks-content {content} needs the photograph's mask too; give --masks-style PATH")
    if style is not None:
        raise SettingsError(f"--masks-style {style} needs the clip's masks too; give --masks-content PATH")
    return None
