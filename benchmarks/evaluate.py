"""Frames a second of ``photovst evaluate``, from reading two clips to ``metrics.json``, without LPIPS.

    python benchmarks/evaluate.py [--frames 120] [--size 480x270] [--flow dis dis_fine] [--repeats 3]

The clip is procedural, and what is judged is the same clip by evening, both in H.264. Every judge whose weights are in
``$PHOTOVST_WEIGHTS`` measures style. "steady" is what each further frame costs: the difference between the whole clip
and its first third, over the frames between. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from photovst.evaluate import evaluate_clip
from photovst.judges.pictures import judges_here
from photovst.judging import Judging
from photovst.media.images import write_image
from photovst.media.records import ClipInfo, ColorTags
from photovst.media.scenes import Look, Scene, photograph
from photovst.media.video_writer import ClipWriter
from photovst.progress import progress_for
from photovst.types import Size

RATE = Fraction(24)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--size", default="480x270")
    parser.add_argument("--flow", nargs="+", default=["dis", "dis_fine"])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    figures = {"frames": given.frames, "size": given.size, "judges": list(judges_here()[0])}
    with tempfile.TemporaryDirectory() as folder:
        place, counts = Path(folder), (given.frames // 3, given.frames)
        for count in counts:
            for look in (Look.day, Look.sunset):
                write_clip(place / f"{look.value}_{count}.mp4", look, (height, width), count)
        write_image(place / "photo.png", photograph(Look.sunset, 11, (height, width)))
        print(f"judges: {', '.join(figures['judges'])}\n\nflow      s, all  frames/s  frames/s steady")
        for flow in given.flow:
            short, whole = (
                statistics.median(seconds(place, count, flow) for _ in range(given.repeats)) for count in counts
            )
            rate, steady = given.frames / whole, (counts[1] - counts[0]) / (whole - short)
            print(f"{flow:10s}{whole:6.2f}{rate:10.1f}{steady:17.1f}")
            figures[flow] = {"seconds": round(whole, 3), "rate": round(rate, 2), "steady": round(steady, 2)}
    print(json.dumps(figures))


def write_clip(path: Path, look: Look, size: Size, count: int) -> None:
    scene = Scene(3, look, size, count, RATE)
    info = ClipInfo(size, "video", RATE, count, count / RATE, "yuv420p", 8, False, False, ColorTags(), 1 / RATE)
    with ClipWriter(path, info, size) as writer:
        for t in range(count):
            writer.write(scene.frame(t), t / RATE, None, 1 / RATE)


def seconds(place: Path, count: int, flow: str) -> float:
    began = time.perf_counter()
    with progress_for(quiet=True) as progress:
        evaluate_clip(
            place / f"sunset_{count}.mp4",
            place / f"day_{count}.mp4",
            place / "photo.png",
            judging=Judging(flow=flow),
            overwrite=True,
            progress=progress,
        )
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
