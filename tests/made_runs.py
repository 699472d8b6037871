"""Finished runs that took no work: real folders of made-up frames, for what is made of such folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from media.synthetic import pattern
from small_runs import write_clip

from photovst.evaluation import Evaluation, Metric, WorstFrame, write_evaluation
from photovst.media.images import encode_picture, write_image
from photovst.provenance import hash_input, identity
from photovst.run import RunFolder, default_run_folder
from photovst.settings_io import load_settings
from photovst.shown import CoverageRow, Shown, ShownFrame, ShownPhoto, write_shown


def jpeg(picture: np.ndarray) -> bytes:
    """A picture as JPEG bytes."""
    return encode_picture(Path("picture.jpg"), picture, None)


def darker(picture: np.ndarray, share: float = 0.5) -> np.ndarray:
    """What stands for a result."""
    return (picture * share).astype(np.uint8)


def made_run(
    folder: Path,
    name: str = "out",
    *overrides: str,
    clip: str = "clip.mp4",
    photo: str = "photo.png",
    frames: int = 12,
    shown: Sequence[int] = (0, 11),
    warnings: Sequence[str] = (),
    finished: bool = True,
    suffix: str = ".mp4",
) -> Path:
    """A run folder in ``folder`` beside its clip, its photograph and its result; the folder's path."""
    pictures = [pattern(t) for t in range(frames)]
    content, style, output = folder / clip, folder / photo, folder / f"{name}{suffix}"
    if not content.exists():
        write_clip(content, pictures, "h264")
    if not style.exists():
        write_image(style, pattern(30))
    results = [darker(picture, 0.3 + 0.01 * len(name)) for picture in pictures]
    if suffix == ".png":
        write_image(output, results[0])
    else:
        write_clip(output, results, "h264" if suffix else "png")
    settings = load_settings((), overrides, {"content": str(content), "style": str(style), "output": str(output)})
    key = identity(settings, {"content": str(content), "style": str(style)}, "cpu")
    command = ["/somewhere/bin/photovst", "stylize", clip, photo, "-o", f"{name}{suffix}"]
    with RunFolder.open(default_run_folder(output), settings, key, command=command) as run:
        run.log({"event": "stage", "elapsed": 1.0, "name": "survey"})
        run.log({"event": "stage", "elapsed": 1.5, "name": "stylize"})
        for index in range(frames):
            terms = {"style": 0.5 / (index + 1), "temporal": None if index == 0 else 0.01}
            seconds = {"guides": 0.5, "optimize": 1.5}
            run.add_record(
                {"frame": index, "loss": 1 - 0.05 * index, "terms": terms, "seconds": seconds, "iterations": 10}
            )
        for warning in warnings:
            run.log({"event": "warning", "elapsed": 3.0, "message": warning})
        run.log({"event": "stage", "elapsed": 4.5, "name": "report"})
        run.log({"event": "note", "elapsed": 5.0, "message": "nothing"})
        rows = (
            CoverageRow("sky", 0.25, 0.5, "sky", "in both", "#4477aa"),
            CoverageRow("ground", 0.75, 0.5, "whole photograph", "not in the <photograph>"),
        )
        kept = tuple(
            ShownFrame(t, jpeg(pictures[t]), jpeg(results[t]), jpeg(darker(pictures[t], 0.8)))
            for t in shown
            if t < frames
        )
        sunset = jpeg(pattern(30))
        write_shown(
            run.path,
            Shown(
                f"{clip} in the light of {photo}",
                kept,
                ShownPhoto(photo, sunset),
                (ShownPhoto("Regions of the photograph", sunset),),
                rows,
            ),
        )
        if finished:
            run.finish(output)
        return run.path


def measure(run: Path, e_stab: float = 0.012, protocol: str = "e_stab, dis flow, 96x64") -> Evaluation:
    """An evaluation in a run's folder, of made-up figures."""
    (run / "metrics").mkdir(exist_ok=True)
    heat = np.zeros((64, 96, 3), np.uint8)
    heat[20:40] = (255, 80, 0)
    write_image(run / "metrics" / "worst_000007.png", heat)
    inputs = json.loads((run / "provenance.json").read_bytes())["inputs"]
    result = (run / json.loads((run / "finished.json").read_bytes())["result"]).resolve()
    evaluation = Evaluation(
        name=run.name,
        content=inputs["content"]["path"],
        result=str(result),
        style=inputs["style"]["path"],
        content_sha256=inputs["content"]["sha256"],
        result_sha256=hash_input(result),
        frames=len((run / "frames.jsonl").read_text().splitlines()),
        size=(64, 96),
        flow="dis",
        regions=None,
        metrics=(
            Metric("e_stab", protocol, e_stab, 0.010, "floor"),
            Metric("style_gram.vgg19_cd16x", "style_gram, vgg19_cd16x", 0.12, 1.01, "lower"),
            Metric("lpips", "lpips, alex", None, None, "lower", "its weights are absent"),
        ),
        series={"e_warp": [None, *(0.02 + 0.001 * t for t in range(11))]},
        worst=(WorstFrame(7, 0.07, "metrics/worst_000007.png"),),
    )
    write_evaluation(run, evaluation)
    return evaluation
