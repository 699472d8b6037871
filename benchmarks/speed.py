"""How long whole commands take and how much memory they need, on procedural scenes.

    python benchmarks/speed.py [--only photo,clip,hd,memory] [--runs 3]

photo: a 700 px still. clip: 480x270, 48 frames. hd: 1920x1080, 24 frames. memory: peak memory of the clip at 48 and at
480 frames (few iterations, the same for both). Each is the whole command in a process of its own, inputs made before;
medians over the runs. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from photovst.demo import scene_info
from photovst.media.images import write_image
from photovst.media.scenes import Look, Scene, photograph
from photovst.media.tensors import resized
from photovst.media.video_writer import ClipWriter
from photovst.run import default_run_folder, read_records
from photovst.types import Size

RATE = Fraction(24)


def make_clip(path: Path, size: Size, frames: int) -> Path:
    """A procedural day scene; above 540 lines it is scaled up, for the scene's own textures take long there."""
    drawn = size if size[0] <= 540 else (size[0] // 2, size[1] // 2)
    scene = Scene(3, Look.day, drawn, frames, RATE)
    with ClipWriter(path, scene_info(scene, size), size, quality=14) as writer:
        for t in range(frames):
            writer.write(resized(scene.frame(t), size), t / RATE, duration=1 / RATE)
    return path


def measured(content: Path, photo: Path, output: Path, *overrides: str) -> dict[str, float]:
    """Wall seconds, peak resident megabytes, and seconds in guides and optimizer of one whole command."""
    command = [sys.executable, "-m", "photovst", "stylize", str(content), str(photo), "-o", str(output)]
    began = time.perf_counter()
    with subprocess.Popen([*command, "--quiet", "cache.enabled=false", *overrides], stdout=subprocess.DEVNULL) as run:
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {run.returncode}")
    stages = [record["seconds"] for record in read_records(default_run_folder(output))]
    parts = {"guides": ("guides", "regions"), "optimize": ("optimize",)}
    inside = {name: sum(frame[stage] for frame in stages for stage in made_of) for name, made_of in parts.items()}
    return {"seconds": seconds, "peak_mb": usage.ru_maxrss / 1024, **inside}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="photo,clip,hd,memory")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    wanted = options.only.split(",")
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        photo = folder / "sunset.png"
        write_image(photo, photograph(Look.sunset, 11, (466, 700)))

        def repeat(name: str, content: Path, suffix: str, frames: int, *overrides: str) -> None:
            runs = [measured(content, photo, folder / f"{name}{i}{suffix}", *overrides) for i in range(options.runs)]
            middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            results[name] = middle | {"frames": frames}
            print(
                f"{name:12s} {frames:4d} frames {middle['seconds']:7.1f} s {middle['peak_mb']:7.0f} MB,"
                f" guides {middle['guides']:.1f} s, optimizer {middle['optimize']:.1f} s",
                flush=True,
            )

        if "photo" in wanted:
            still = folder / "day.png"
            write_image(still, Scene(3, Look.day, (466, 700), 1, RATE).frame(0))
            repeat("photo", still, ".png", 1)
        if "clip" in wanted:
            repeat("clip", make_clip(folder / "clip.mp4", (270, 480), 48), ".mp4", 48)
        if "hd" in wanted:
            repeat("hd", make_clip(folder / "hd.mp4", (1080, 1920), 24), ".mp4", 24)
        if "memory" in wanted:
            quick = ("schedule.iterations=[5,5,2]", "schedule.next_iterations=[0,1,0]")
            for frames in (48, 480):
                clip = make_clip(folder / f"long{frames}.mp4", (270, 480), frames)
                repeat(f"memory_{frames}", clip, ".mp4", frames, *quick)
    print(json.dumps({"benchmark": "speed", "cores": os.cpu_count(), "runs": options.runs, **results}))


if __name__ == "__main__":
    main()
