"""Runs over the published pairs of [Luan2017]: each pair as any run, then one table and one contact sheet of all."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photovst.config import Settings
from photovst.datasets.luan_pairs import Pair
from photovst.guidance.mask_files import MaskFiles
from photovst.judges.pictures import Figures, Judges, PairJudge, judges_here
from photovst.media.images import encode_picture, read_image
from photovst.media.records import Picture, as_depth
from photovst.media.tensors import resized, to_frame
from photovst.ops.resize import fit_long_side
from photovst.progress import Progress
from photovst.run import default_run_folder, read_records
from photovst.storage import write_atomic
from photovst.stylize import is_finished, stylize_clip

HEIGHT = 220
"""Of a row of the contact sheet, in pixels."""


@dataclass(frozen=True)
class Row:
    """One pair: figures of the content untouched, of the published result where there is one, and of ours."""

    pair: str
    figures: dict[str, Figures]
    seconds: float


def stylize_pairs(
    runs: Sequence[tuple[Pair, Settings]],
    *,
    overwrite: bool = False,
    progress_for: Callable[[], Progress],
    run_folder: Path | None = None,
) -> str:
    """Run every pair, those that are finished left as they are, and judge all; gives the table as text.

    ``pairs.json``, ``pairs.md`` and ``pairs.jpg`` are written beside the results: content, photograph, published result
    and ours in columns. A stopped run goes on at the pair it was stopped at.

    Raises:
        PhotovstError: as for `stylize_clip`.
    """
    place = Path(os.path.commonpath([Path(settings.output).parent.resolve() for _, settings in runs]))
    judges, absent = judges_here()
    rows, sheet = [], []
    for pair, settings in runs:
        output = Path(settings.output)
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = run_folder or default_run_folder(output)
        with progress_for() as progress:
            if overwrite or not is_finished(settings, folder):
                stylize_clip(settings, run_folder=folder, overwrite=overwrite, progress=progress)
            progress.note(f"pair {pair.name}: judged by {', '.join(judges)}")
        pictures = _pictures(pair, output)
        rows.append(_judged(pair, pictures, judges, folder))
        sheet.append(np.hstack([_row_of(pictures[name]) for name in pictures]))
    text = table(rows)
    if absent:
        text += f"\nNot judged by {' and '.join(absent)}: no weights here; 'photovst weights' says how to get them.\n"
    content = [dataclasses.asdict(row) for row in rows]
    write_atomic(place / "pairs.json", json.dumps(content, indent=1).encode() + b"\n")
    write_atomic(place / "pairs.md", text.encode())
    write_atomic(place / "pairs.jpg", encode_picture(Path("pairs.jpg"), _stacked(sheet), None))
    return text + f"\n{place / 'pairs.jpg'}"


def table(rows: Sequence[Row]) -> str:
    """Figures as Markdown: a row a pair and picture, then geometric means of style and matting, means of edges."""
    judges = list(next(iter(rows[0].figures.values())).style)
    lines = [
        "| pair | picture | "
        + " | ".join(f"style ({judge})" for judge in judges)
        + " | edge SSIM | matting 1e-6 | s |",
        "|---|---|" + "---:|" * (len(judges) + 3),
    ]
    for row in rows:
        for name, figures in row.figures.items():
            lines.append(_line(row.pair, name, figures, row.seconds if name == "ours" else None))
    for name in rows[0].figures:
        of_all = [row.figures[name] for row in rows if name in row.figures]
        if len(of_all) == len(rows) > 1:
            seconds = statistics.median(row.seconds for row in rows) if name == "ours" else None
            lines.append(_line("all", name, summary(of_all), seconds))
    return "\n".join(lines) + "\n"


def summary(of_all: Sequence[Figures]) -> Figures:
    """Geometric means of style and matting energy, for a factor counts alike wherever it is; the mean of edge SSIM."""
    style = {judge: _geometric([figures.style[judge] for figures in of_all]) for judge in of_all[0].style}
    edge = statistics.fmean(figures.edge for figures in of_all)
    return Figures(style, edge, _geometric([figures.matting for figures in of_all]))


def _line(pair: str, name: str, figures: Figures, seconds: float | None) -> str:
    style = " | ".join(f"{value:.4f}" for value in figures.style.values())
    took = "" if seconds is None else f"{seconds:.1f}"
    return f"| {pair} | {name} | {style} | {figures.edge:.3f} | {figures.matting:.2f} | {took} |"


def _geometric(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(math.log(max(value, 1e-12)) for value in values))


def _pictures(pair: Pair, output: Path) -> dict[str, Picture]:
    """Content, photograph, published result and ours; all but the photograph at the size of ours."""
    ours = read_image(output)
    size = (ours.shape[0], ours.shape[1])
    pictures = {"content": resized(read_image(pair.content), size), "style": read_image(pair.style)}
    if pair.published is not None:
        pictures["published"] = resized(read_image(pair.published), size)
    return {**pictures, "ours": ours}


def _judged(pair: Pair, pictures: dict[str, Picture], judges: Judges, folder: Path) -> Row:
    content = to_frame(pictures["content"])
    regions = MaskFiles.open(pair.content_mask, pair.style_mask)
    masks = regions.masks(0, (content.shape[-2], content.shape[-1]))
    # At the result's scale: a judge sees textures at the size they are drawn.
    side = max(content.shape[-2:])
    style = pictures["style"]
    photo = to_frame(resized(style, fit_long_side((style.shape[0], style.shape[1]), side)))
    judge = PairJudge(judges, content, photo, masks, regions.photo_masks)
    figures = {name: judge(to_frame(picture)) for name, picture in pictures.items() if name != "style"}
    return Row(pair.name, figures, sum(sum(record["seconds"].values()) for record in read_records(folder)))


def _row_of(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return resized(as_depth(picture, np.uint8), (HEIGHT, round(width * HEIGHT / height)))


def _stacked(rows: Sequence[Picture]) -> Picture:
    """Rows of unequal widths on one sheet, white where there is nothing."""
    width = max(row.shape[1] for row in rows)
    blank = [np.full((HEIGHT, width - row.shape[1], 3), 255, row.dtype) for row in rows]
    return np.vstack([np.hstack([row, rest]) for row, rest in zip(rows, blank, strict=True)])
