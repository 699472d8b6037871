"""``photovst evaluate``: figures of clips, each against the clip it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from photovst.cli_options import LogJson, MasksContent, MasksStyle, Quiet
from photovst.compare_cli import mask_pair
from photovst.endings import signals_wait
from photovst.errors import SettingsError
from photovst.judging import FlowSource, Judging

if TYPE_CHECKING:
    from photovst.evaluation import Evaluation, Metric

Flow = Enum("Flow", {name: name for name in get_args(FlowSource)})  # type: ignore[misc]


def evaluate(
    ctx: typer.Context,
    clips: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders or their results; with --reference, any clips."),
    ],
    reference: Annotated[
        Path | None,
        typer.Option(metavar="CLIP", help="The clip they were made from; for clips that photovst did not make."),
    ] = None,
    style: Annotated[
        Path | None, typer.Option(metavar="PHOTO", help="The photograph that goes with --reference.")
    ] = None,
    flow: Annotated[
        Flow,
        typer.Option(help="Motion to judge along; 'auto' is ground truth where the clip has some, else 'dis'."),
    ] = Flow.auto,  # type: ignore[attr-defined]
    flow_folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Motion in files, as 'flow' and 'scene' write them.")
    ] = None,
    masks_content: MasksContent = None,
    masks_style: MasksStyle = None,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Longer side to judge at.", min=16)] = 480,
    own_encoder: Annotated[
        bool, typer.Option("--own-encoder", help="Also judge style by what it was optimized with.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Judge again.")] = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Judge finished runs, or with --reference any clips, and write metrics.json and maps of the worst frames.

    They go into the run folder, or into NAME.eval beside a clip. Beside each figure stands the input clip's own.
    """
    ctx.obj.work = lambda: judge_clips(
        clips,
        reference,
        style,
        Judging(flow.value, flow_folder, size, mask_pair(masks_content, masks_style), own_encoder),
        overwrite=overwrite,
        quiet=quiet,
        log_json=log_json,
    )


def judge_clips(
    clips: Sequence[Path],
    reference: Path | None,
    style: Path | None,
    judging: Judging,
    *,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
) -> str:
    """Judge every clip; the table of figures, and where they were written.

    Raises:
        PhotovstError: a clip cannot be judged, or options are at odds.
    """
    from photovst.evaluation import METRICS
    from photovst.finished_runs import evaluation_folder, finished_run
    from photovst.progress import progress_for

    if style is not None and reference is None:
        raise SettingsError(f"--style {style} goes with --reference CLIP; a run knows its photograph")
    if judging.flow_folder is not None and judging.flow not in ("auto", "files"):
        raise SettingsError(f"--flow-folder names files, but --flow {judging.flow} was given; leave one of them out")
    # All of them, before torch is loaded.
    runs = [finished_run(clip) for clip in clips] if reference is None else []
    folders = [run.folder for run in runs] or [evaluation_folder(clip) for clip in clips]

    with signals_wait():
        from photovst.evaluate import evaluate_clip, evaluate_run

    for folder in folders:
        if len(same := [str(clip) for clip, place in zip(clips, folders, strict=True) if place == folder]) > 1:
            raise SettingsError(
                f"{' and '.join(same)} would both be judged in {folder}; judge each once, or rename one"
            )
    found = []
    for number, clip in enumerate(clips):
        with progress_for(quiet=quiet, log_json=log_json) as progress:
            progress.note(f"judging {clip}")
            if reference is None:
                found.append(evaluate_run(runs[number], judging=judging, overwrite=overwrite, progress=progress))
            else:
                given = {"judging": judging, "overwrite": overwrite, "progress": progress}
                found.append(evaluate_clip(clip, reference, style, **given))  # type: ignore[arg-type]
    return "\n".join([figures_table(found), "", *(str(folder / METRICS) for folder in folders)])


def figures_table(found: Sequence[Evaluation]) -> str:
    """A row a figure: the input's own, each clip's, which way is better, and the protocol; or why it is not there."""
    from photovst.tables import table_text

    names = dict.fromkeys(metric.name for evaluation in found for metric in evaluation.metrics)
    # Clips of several contents have a floor each.
    one = len({evaluation.content_sha256 for evaluation in found}) == 1
    headings = ["figure", *(["input"] if one else []), *_columns(found, one), "better", "protocol"]
    rows = []
    for name in names:
        present = [evaluation.metric(name) for evaluation in found]
        metric = next(each for each in present if each is not None)
        cells = [text for each in present for text in _cells(each, one)]
        why = metric.absent if all(each is None or each.value is None for each in present) else None
        floor = [number(metric.floor)] if one else []
        better = "near input" if metric.better == "floor" else metric.better
        rows.append([name, *floor, *cells, better, why or metric.protocol])
    return table_text(headings, rows)


def number(value: float | None) -> str:
    """A figure with four digits, or '-'.

    >>> number(0.01234567), number(None), number(1.0)
    ('0.01235', '-', '1')
    """
    return "-" if value is None else f"{value:.4g}"


def _columns(found: Sequence[Evaluation], one: bool) -> list[str]:
    return [name for each in found for name in ([each.name] if one else [f"input of {each.name}", each.name])]


def _cells(metric: Metric | None, one: bool) -> list[str]:
    value, floor = (None, None) if metric is None else (metric.value, metric.floor)
    return [number(value)] if one else [number(floor), number(value)]
