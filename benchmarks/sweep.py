"""What a sweep costs over the plain runs in it, and what two Ray workers save.

    python benchmarks/sweep.py [--only overhead,ray,shots] [--frames 24] [--rounds 3]

overhead: two members in a sweep against the same two runs by themselves, side by side: each round does both twice, in
this process and in turned order, and the ratio of the sums is told; judging is left out of both, for it is no part of a
plain run.
ray: four equal members with one thread each, in turn and on two Ray workers, judged; the cluster's start is told apart.
shots: one clip of four shots with one thread, in order and shot by shot on two workers.
A procedural clip of 320x180; on a machine that does other things the figures of ray and shots mean nothing. Ends with
one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from photovst.demo import scene_info
from photovst.evaluate import evaluate_run
from photovst.evaluation import Evaluation
from photovst.judging import Judging
from photovst.media.images import write_image
from photovst.media.scenes import Look, Scene, photograph
from photovst.media.video_writer import ClipWriter
from photovst.progress import Progress, progress_for
from photovst.settings_io import load_settings
from photovst.stylize import stylize_clip
from photovst.sweeps.members import in_turn, run_sweep
from photovst.sweeps.on_ray import on_ray
from photovst.sweeps.ray_tasks import RayTasks, Resources
from photovst.sweeps.settings import Sweep, load_sweep
from photovst.sweeps.table import Outcome
from photovst.threads import threads

RATE, SIZE = Fraction(24), (180, 320)
quiet = partial(progress_for, quiet=True)


def make_clip(path: Path, frames: int, shots: int = 1) -> Path:
    """A procedural day scene, or several that are told apart by their brightness, too."""
    scenes = [Scene(3 + 4 * n, Look.day, SIZE, frames // shots, RATE) for n in range(shots)]
    with ClipWriter(path, scene_info(scenes[0], SIZE), SIZE, quality=14) as writer:
        for t in range(frames // shots * shots):
            number, at = divmod(t, frames // shots)
            picture = scenes[number].frame(at)
            writer.write(picture if number % 2 == 0 else (255 - picture), t / RATE, duration=1 / RATE)
    return path


def plan(folder: Path, output: str, clip: str, seeds: int, **settings: object) -> Sweep:
    file = folder / "sweep.yaml"
    given = {"device": "cpu", "cache.enabled": False, **settings}
    file.write_text(
        json.dumps(
            {
                "settings": given,
                "clips": {"clip": str(folder / clip)},
                "styles": {"dusk": str(folder / "dusk.png")},
                "seeds": list(range(1, seeds + 1)),
                "output": str(folder / output),
            }
        )
    )
    return load_sweep(file)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def unjudged(run: Path, *, judging: Judging, overwrite: bool = False, progress: Progress) -> Evaluation:
    """In place of judging: nothing measured."""
    return Evaluation(run.stem, "", "", None, "", "", 0, SIZE, judging.flow, None, ())


def broken(name: str, error: Exception) -> None:
    raise SystemExit(f"{name}: {error}")


def overhead(folder: Path, rounds: int) -> dict[str, float]:
    from photovst.sweeps import members as sweep

    sweep.read_evaluation = lambda run: unjudged(run, judging=Judging(), progress=quiet())
    seconds = {"swept": 0.0, "alone": 0.0}

    def swept(number: int) -> None:
        in_order = partial(in_turn, evaluate=unjudged, progress_for=quiet)
        run_sweep(plan(folder, f"swept{number}", "clip.mp4", 2), in_order, broken)

    def alone(number: int) -> None:
        for seed in (1, 2):
            own = {"content": folder / "clip.mp4", "style": folder / "dusk.png", "seed": seed, "device": "cpu"}
            own |= {"cache.enabled": False, "output": folder / f"alone{number}_{seed}.mp4"}
            with quiet() as progress:
                stylize_clip(load_settings(last=own), progress=progress)

    works = [swept, alone]
    for number in range(2 * rounds + 1):
        for work in works:
            took = timed(partial(work, number))
            seconds[work.__name__] += took if number else 0  # the first round warms up
        works.reverse()  # what comes second is not always the same
    ratio = seconds["swept"] / seconds["alone"]
    print(f"overhead: {seconds['swept']:.1f} s swept, {seconds['alone']:.1f} s alone, ratio {ratio:.3f}", flush=True)
    return {"swept_s": seconds["swept"], "alone_s": seconds["alone"], "ratio": ratio}


def side_by_side(folder: Path, name: str, clip: str, seeds: int, by_shot: bool) -> dict[str, float]:
    serial = plan(folder, f"{name}_serial", clip, seeds)
    in_order = partial(in_turn, evaluate=evaluate_run, threads=1, progress_for=quiet)
    outcomes: list[Outcome] = []
    alone = timed(lambda: outcomes.extend(run_sweep(serial, in_order, broken)))
    there = plan(folder, f"{name}_ray", clip, seeds)
    began = time.perf_counter()
    with RayTasks("local", Resources(), 2) as tasks:
        start = time.perf_counter() - began
        elsewhere = partial(
            on_ray, evaluate=evaluate_run, cluster=lambda: nullcontext(tasks), by_shot=by_shot, progress_for=quiet
        )
        parallel = timed(lambda: run_sweep(there, elsewhere, broken))
    same = all(
        Path(a.settings.output).read_bytes() == Path(b.settings.output).read_bytes()
        for a, b in zip(serial.members, there.members, strict=True)
    )
    print(
        f"{name}: {alone:.1f} s in turn, {parallel:.1f} s on two workers, ratio {parallel / alone:.3f}"
        f" ({(parallel + start) / alone:.3f} with the {start:.1f} s that the cluster takes to start); bytes"
        f" {'equal' if same else 'DIFFER'}",
        flush=True,
    )
    ratios = {"ratio": parallel / alone, "ratio_with_start": (parallel + start) / alone}
    return {"serial_s": alone, "ray_s": parallel, "start_s": start, **ratios, "same_bytes": float(same)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="overhead,ray,shots")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    wanted = options.only.split(",")
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_clip(folder / "clip.mp4", options.frames)
        write_image(folder / "dusk.png", np.asarray(photograph(Look.sunset, 11, SIZE)))
        if "ray" in wanted:
            results["ray"] = side_by_side(folder, "ray", "clip.mp4", 4, by_shot=False)
        if "shots" in wanted:
            make_clip(folder / "shots.mp4", 4 * max(24, options.frames), shots=4)
            results["shots"] = side_by_side(folder, "shots", "shots.mp4", 1, by_shot=True)
        if "overhead" in wanted:  # last: it takes the reading of evaluations out
            with threads(1):
                results["overhead"] = overhead(folder, options.rounds)
    print(json.dumps({"benchmark": "sweep", "cores": os.cpu_count(), "frames": options.frames, **results}))


if __name__ == "__main__":
    main()
