"""Clips and measured runs of `benchmarks/film.py`: whole commands by stage, and the parts of rendering by frame."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from photovst.demo import scene_info
from photovst.finished_runs import finished_run
from photovst.keyframe_track import PLACES, SHOTS
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.records import Picture
from photovst.media.scenes import Look, Scene, photograph
from photovst.media.tensors import resized
from photovst.media.video_writer import ClipWriter
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.neighbors import Stylized
from photovst.rendering import Renderer
from photovst.run import default_run_folder, read_records
from photovst.run_grids import PRIOR, RunGrids
from photovst.storage import read_npz
from photovst.types import Size

RATE = Fraction(24)
DRAWN: Size = (270, 480)
DRAWN_FRAMES = 240
LOOKS = (Look.day, Look.night, Look.winter, Look.sunset, Look.fog)
"""Of shots, by turns: far enough from each other that cuts are found."""

KINDS = {
    "none": (),
    "8": ("schedule.keyframes.kind=every", "schedule.keyframes.every=8"),
    "adaptive": ("schedule.keyframes.kind=adaptive",),
    "predicted": ("schedule.keyframes.kind=adaptive", "styler=predicted"),
    "predicted 100": ("schedule.keyframes.kind=every", "schedule.keyframes.every=100", "styler=predicted"),
}

Run = dict[str, Any]


def kinds(text: str) -> list[str]:
    """Kinds of runs, from a list."""
    wanted = text.split(",")
    for kind in wanted:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"there is no kind {kind!r}; choose from {', '.join(KINDS)}")
    return wanted


def sizes(text: str) -> list[Size]:
    """Sizes as (height, width), from a list such as 480x270,1920x1080."""
    pairs = [each.split("x") for each in text.split(",")]
    return [(int(height), int(width)) for width, height in pairs]


def named(size: Size) -> str:
    """A size as people write it."""
    return f"{size[1]}x{size[0]}"


def apart(work: Any, *args: Any) -> Any:
    """A function's result from a process of its own.

    Linux counts the largest size of the process that starts a command to the command's own: so this one stays small.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as worker:
        return worker.submit(work, *args).result()


def make_photo(folder: Path, given: Path | None) -> Path:
    """The photograph given, or a procedural sunset."""
    if given:
        return given
    path = folder / "sunset.png"
    if not path.exists():
        write_image(path, photograph(Look.sunset, 11, (466, 700)))
    return path


def make_clip(path: Path, size: Size, frames: int, given: Path | None = None, shots: int = 1) -> Path:
    """A clip of this size and length, if it is not there yet.

    It is the given clip, or a procedural scene with a panning camera, drawn small and scaled; what is shorter goes back
    and forth, so that there is no cut where it turns around. A scene of several shots is a scene each.
    """
    if path.exists():
        return path
    if given is None:
        drawn = DRAWN if min(size) >= min(DRAWN) else size
        length = -(-min(frames, DRAWN_FRAMES) // shots)
        scenes = [Scene(3 + shot, LOOKS[shot % len(LOOKS)], drawn, length, RATE) for shot in range(shots)]
        pictures = [scene.frame(t) for scene in scenes for t in range(length)]
    else:
        opened = open_clip(given)
        pictures = [frame.image for frame in islice(opened, min(frames, DRAWN_FRAMES))]
    info = scene_info(Scene(3, Look.day, DRAWN, 1, RATE), size)
    part = path.with_name(f"part_{path.name}")
    with ClipWriter(part, info, size, quality=14) as writer:
        for t, picture in enumerate(_back_and_forth(pictures, frames)):
            image = resized(picture, size)
            writer.write(
                image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8), t / RATE, duration=1 / RATE
            )
    part.replace(path)
    return path


def _back_and_forth(pictures: list[Picture], frames: int) -> Iterator[Picture]:
    return islice(cycle(pictures + pictures[-2:0:-1]), frames)


def measured(content: Path, photo: Path, output: Path, *overrides: str) -> Run:
    """One whole command: wall and processor seconds, peak memory in MB, and what its log says of its stages."""
    command = [sys.executable, "-m", "photovst", "stylize", str(content), str(photo), "-o", str(output)]
    command += ["--quiet", "--overwrite", "cache.enabled=false", *overrides]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {run.returncode}")
    folder = default_run_folder(output)
    of_log = logged(folder)
    return {
        "seconds": seconds,
        "core_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        **of_log,
        # Everything that is in no stage: Python, imports, settings, the encoder of features.
        "start": seconds - sum(of_log["stages"].values()),
    }


def logged(folder: Path) -> Run:
    """The stages of a finished run, and the seconds of frames that were stylized, from its folder.

    ``regions`` and ``first`` are a shot's: what comes before its first frame, and that frame. ``first_shot`` is both of
    the first one, with which much is done for the first time, ``other_shots`` the mean of all others. ``later`` is that
    of frames that begin no shot. ``each`` is what is left of the stage of keyframes, a frame: decoding, placing, flow.
    """
    events = [json.loads(line) for line in (folder / "log.jsonl").read_bytes().splitlines()]
    # With --overwrite a folder may hold the log of a run before this one.
    events = events[max(i for i, event in enumerate(events) if event["event"] == "started") :]
    begun = {int(read_npz(path)[PLACES][0]) for path in (folder / SHOTS).glob("[0-9]*.npz")} or {0}
    # Without keyframes only those shots are known whose regions are not those of the shot before.
    titles = [event["title"].split() for event in events if event["event"] == "table"]
    begun |= {int(title[3]) for title in titles if title[:3] == ["regions", "from", "frame"]}
    stages = next(event["stages"] for event in events if event["event"] == "done")
    regions: list[float] = []
    first: list[float] = []
    later: list[float] = []
    before = 0.0
    for event in events:
        if event["event"] == "stage":
            before = event["elapsed"]
        elif event["event"] == "frame":
            begins = event["frame"] in begun
            if begins:
                regions.append(max(event["elapsed"] - before - event["seconds"], 0.0))
            (first if begins else later).append(event["seconds"])
            before = event["elapsed"]
    parts: dict[str, float] = {}
    for record in read_records(folder):
        for name, seconds in record["seconds"].items():
            parts[name] = parts.get(name, 0.0) + seconds
    frames = next(event["total"] for event in events if event["event"] == "frame")
    shots = [sum(pair) for pair in zip(regions, first, strict=True)]
    spent = sum([*regions, *first, *later])
    return {
        "frames": frames,
        "stages": stages,
        "shots": len(first),
        "stylized": len(first) + len(later),
        "parts": parts,
        "first_shot": shots[0],
        "other_shots": statistics.fmean(shots[1:]) if len(shots) > 1 else None,
        "regions": statistics.fmean(regions),
        "first": statistics.fmean(first),
        "later": statistics.fmean(later) if later else 0.0,
        "each": (stages["keyframes"] - spent) / frames if "keyframes" in stages else 0.0,
    }


def rendering(output: Path, scratch: Path, device: str, count: int) -> dict[str, float]:
    """Milliseconds a frame of decoding, slicing and encoding, each alone: median and 95th percentile.

    The first two frames are left out: codecs and compilers start with them. An encoder takes several frames at once and
    gives them later, so that single frames tell little there: its mean holds, too, what is left at the end.
    """
    run = finished_run(default_run_folder(output))
    grids = RunGrids.open(run)
    target = torch.device(device)
    renderer = Renderer(target, strength=grids.strength)
    clip = open_clip(run.settings.content)
    taken: dict[str, list[float]] = {"decode": [], "grid": [], "slice": [], "encode": []}
    nothing = torch.empty(1, 3, 0, 0, device=target)
    writer, total = None, 0.0
    mark = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal mark
        now = time.perf_counter()
        taken[name].append(1000 * (now - mark))
        mark = now

    for frame in islice(clip, count):
        lap("decode")
        grid = BilateralGrid(grids.at(frame.index).grid.to(target), PRIOR)
        lap("grid")
        picture = renderer.picture(frame.image, Stylized(grid, nothing, {}, 0, 0))
        lap("slice")
        if writer is None:
            size = (picture.shape[0], picture.shape[1])
            writer = ClipWriter(scratch, clip.info, size, run.settings.video.codec.value, run.settings.video.quality)
            writer.__enter__()
            mark = time.perf_counter()
        writer.write(picture, frame.time, duration=frame.duration)
        lap("encode")
    if writer is not None:
        writer.__exit__(None, None, None)
        total = 1000 * (time.perf_counter() - mark) + sum(taken["encode"])
    found = {f"{name}_{place}": value for name, every in taken.items() for place, value in _middle(every).items()}
    scratch.unlink(missing_ok=True)
    return {**found, "encode_mean": total / max(len(taken["encode"]), 1)}


def _middle(milliseconds: list[float]) -> dict[str, float]:
    warm = milliseconds[2:] or milliseconds
    return {"p50": float(np.percentile(warm, 50)), "p95": float(np.percentile(warm, 95))}
