"""Clips judged, each against the clip it was made from: figures with protocols and floors, in ``metrics.json``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from photovst.config import Settings
from photovst.errors import MediaError, SettingsError
from photovst.evaluation import METRICS, PICTURES, Evaluation, WorstFrame, read_evaluation, write_evaluation
from photovst.finished_runs import FinishedRun, evaluation_folder, finished_run
from photovst.guidance.survey import survey
from photovst.judges.bench import build_bench, judging_settings, own_judge, region_names
from photovst.judges.clip import CUT_THRESHOLD, judge_clip
from photovst.judges.frames import Moment
from photovst.judges.pictures import judges_here, lpips_here, names_here
from photovst.judges.protocols import metrics, series
from photovst.judges.steadiness import Steadiness
from photovst.judges.worst_frames import WorstFrames
from photovst.judging import Judging
from photovst.media.clip import open_clip
from photovst.media.records import ClipInfo
from photovst.models.lpips import lpips_present
from photovst.ops.resize import limit_long_side
from photovst.progress import Progress
from photovst.provenance import code_version, hash_input
from photovst.run import read_records
from photovst.storage import write_atomic

DEFAULT = Judging()

ALIKE = 0.02
"""How far apart the shapes of a clip and of the one it was made from may be, of width over height."""


def evaluate_run(
    run: Path | FinishedRun, *, judging: Judging = DEFAULT, overwrite: bool = False, progress: Progress
) -> Evaluation:
    """Judge the result of a finished run and write ``metrics.json`` and its pictures into the run folder.

    One that is there already, of the same clips by the same means, is left as it is.

    Args:
        run: the run folder, the result, or the run as it was found already.
        judging: by what.
        overwrite: judge again.
        progress: is told of every frame.

    Raises:
        MediaError: there is no finished run, or its result or content is not what it was.
        WeightsError: a network that is asked for has no weights here.
    """
    found = run if isinstance(run, FinishedRun) else finished_run(run)
    own = frozenset() if judging.own_encoder else frozenset(filter(None, [own_judge(found.settings)]))
    settings = judging_settings([found.settings], judging.masks)
    return _evaluated(found.folder, settings, _of(found), judging, own, overwrite, progress, read_records(found.folder))


def evaluate_clip(
    result: Path,
    reference: Path,
    style: Path | None = None,
    *,
    judging: Judging = DEFAULT,
    overwrite: bool = False,
    progress: Progress,
) -> Evaluation:
    """Judge a clip that photovst need not have made; its evaluation lies in `evaluation_folder`.

    Args:
        result: the clip.
        reference: the clip it was made from.
        style: the photograph it was made after; without it style is not measured.
        judging: by what.
        overwrite: judge again.
        progress: is told of every frame.

    Raises:
        SettingsError: there are masks, but no photograph.
        MediaError: a clip cannot be read, the two differ in length or shape, or another evaluation is in the way.
    """
    if style is None and judging.masks is not None:
        raise SettingsError("masks are what style is judged under; add --style PHOTO, or leave them out")
    # Opening says in one line what is wrong with a clip.
    _check_shape(*((path, open_clip(path).info) for path in (result, reference)))
    settings = Settings(content=str(reference), style=str(style or reference), output=str(result))
    settings = judging_settings([settings], judging.masks)
    folder = evaluation_folder(result)
    _check_other(folder, result, overwrite)
    clips = {"name": folder.name.removesuffix(".eval"), "result": str(result)}
    clips |= {"result_sha256": hash_input(result), "content_sha256": hash_input(reference)}
    return _evaluated(folder, settings, clips, judging, frozenset(), overwrite, progress)


def _check_shape(result: tuple[Path, ClipInfo], reference: tuple[Path, ClipInfo]) -> None:
    """Raises MediaError where a clip cannot be brought to the size of another without being squeezed."""
    (path, info), (other, whole) = result, reference
    (height, width), (h, w) = info.size, whole.size
    aspects = (1.0, float(info.sample_aspect / whole.sample_aspect))
    squeezed = [abs(width * aspect * h / (w * height) - 1) for aspect in aspects]
    if min(squeezed) > ALIKE + 1 / min(*info.size, *whole.size):  # sizes are rounded
        raise MediaError(f"{path} is {width}x{height} but {other} {w}x{h}; judge a clip against its own content")


def _check_other(folder: Path, result: Path, overwrite: bool) -> None:
    """Raises MediaError where a folder holds the evaluation of a clip of another name."""
    try:
        former = Path(read_evaluation(folder).result).name
    except MediaError:
        return
    if former != result.name and not overwrite:
        raise MediaError(
            f"{folder} holds the evaluation of {former}, which {result} would replace; rename it, or pass --overwrite"
        )


def _of(run: FinishedRun) -> dict[str, str]:
    hashes = {"result_sha256": run.result_sha256, "content_sha256": run.content_sha256}
    return {"name": run.name, "result": str(run.result), **hashes}


def _evaluated(
    folder: Path,
    settings: Settings,
    clips: Mapping[str, str],
    judging: Judging,
    left_out: frozenset[str],
    overwrite: bool,
    progress: Progress,
    records: Sequence[Mapping[str, Any]] = (),
) -> Evaluation:
    styled = settings.style != settings.content
    made_by = code_version()
    key = _key(settings, clips, judging, [*names_here(), *(["lpips"] if lpips_present() else [])], left_out, made_by)
    if not overwrite and (former := _former(folder, key)) is not None:
        return former
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK):
        raise MediaError(f"the evaluation goes into {folder}, which is not writable; copy the clip elsewhere")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    source = open_clip(settings.content)
    progress.stage("survey")
    overview = survey(source, CUT_THRESHOLD)
    judges, _ = judges_here()  # only now: a network takes its time to load
    bench = build_bench(settings, source, overview, judging, judges, lpips_here(), device)
    if bench.look is not None:
        # The floor is told of every judge; the clip is not judged by the one it was optimized with.
        bench = dataclasses.replace(bench, look=dataclasses.replace(bench.look, not_for_result=left_out))
    worst = WorstFrames()
    progress.stage("judge")
    judged = judge_clip(settings.content, clips["result"], bench, _watch(worst, overview.count, progress))
    regions = region_names(settings.segmentation) if styled else None
    flow = bench.motion.name
    pictures = folder / PICTURES
    try:
        pictures.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise MediaError(f"{error.filename} is a file where a folder of pictures is to be; move it away") from error
    for left in pictures.glob("worst_*.jpg"):
        left.unlink()
    for _, frame, picture in worst.found:
        write_atomic(folder / _picture(frame), picture)
    evaluation = Evaluation(
        **clips,
        content=settings.content,
        style=settings.style if styled else None,
        frames=judged.result.frames,
        size=limit_long_side(source.info.size, judging.size),
        flow=flow,
        regions=regions,
        metrics=metrics(judged.result, judged.floor, flow, regions, records),
        series=series(judged.result, judged.floor),
        worst=tuple(WorstFrame(frame, error, _picture(frame)) for error, frame, _ in worst.found),
        made_by=made_by,
        key=key,
    )
    write_evaluation(folder, evaluation)
    return evaluation


def _picture(frame: int) -> str:
    return f"{PICTURES}/worst_{frame:06d}.jpg"


def _watch(worst: WorstFrames, count: int, progress: Progress) -> Callable[[Moment, Steadiness], None]:
    since = time.perf_counter()

    def watch(moment: Moment, steadiness: Steadiness) -> None:
        nonlocal since
        worst.watch(moment, steadiness)
        now = time.perf_counter()
        progress.frame(moment.index, count, None, now - since, 0)
        since = now

    return watch


def _key(
    settings: Settings,
    clips: Mapping[str, str],
    judging: Judging,
    judges: Sequence[str],
    left_out: frozenset[str],
    made_by: Mapping[str, str],
) -> str:
    """What an evaluation depends on; where its clips lie does not count."""
    paths = [settings.style, settings.segmentation.content, settings.segmentation.style]
    paths += [None if judging.flow_folder is None else str(judging.flow_folder)]
    depends = {
        "clips": [clips["result_sha256"], clips["content_sha256"]],
        # What is absent is told of where it is read.
        "files": [hash_input(path) if path is not None and Path(path).exists() else path for path in paths],
        "judging": [judging.flow, judging.size],
        "regions": settings.segmentation.method.value,
        "judges": list(judges),
        "left out": sorted(left_out),
        "code": made_by["sha256"],
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def _former(folder: Path, key: str) -> Evaluation | None:
    if not (folder / METRICS).exists():
        return None
    try:
        former = read_evaluation(folder)
    except MediaError:
        return None  # of another version, or damaged: it is written anew
    whole = all((folder / each.picture).is_file() for each in former.worst)
    return former if former.key == key and whole else None
