"""What a frame costs after a shot's first, and where the time of a run goes.

    python benchmarks/next_frames.py CLIP PHOTO [--frames N] [--worker]

Two runs of the defaults over the first frames of a clip: as they are, and with every frame started anew from its
content with the iterations of a first one. The loss of a next frame is held against that of the same frame started
anew. Then, of the first run: seconds in which the optimizer worked, in which guides were made, in which frames were
decoded and encoded, and how long the whole took. Run it on a quiet machine. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photovst.ahead import ahead
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.video_writer import ClipWriter
from photovst.progress import progress_for
from photovst.run import read_records
from photovst.settings_io import load_settings
from photovst.stylization import Stylization
from photovst.stylize import stylize_clip

ANEW = ("schedule.next_start=content", "schedule.next_iterations=${schedule.iterations}")


def records(content: Path, photo: str, folder: Path, name: str, *overrides: str) -> tuple[list[dict[str, Any]], float]:
    """The frames' records of a run, and the seconds it took."""
    output = folder / f"{name}.mp4"
    fixed = {"content": str(content), "style": photo, "output": str(output)}
    settings = load_settings((), [f"cache.folder={folder / name}", *overrides], fixed)
    began = time.perf_counter()
    with progress_for(quiet=True) as progress:
        stylize_clip(settings, progress=progress)
    return read_records(output.with_suffix(".run")), time.perf_counter() - began


def first_frames(clip: str, count: int, folder: Path) -> Path:
    """The first frames of a clip as pictures."""
    folder.mkdir()
    for frame in open_clip(clip):
        if frame.index == count:
            break
        write_image(folder / f"{frame.index:06d}.png", frame.image)
    return folder


class Timed:
    """Adds up the seconds spent in an iterator and in a method."""

    def __init__(self) -> None:
        self.decode = self.encode = 0.0

    def decoded(self, content: Path) -> float:
        """Seconds to decode a clip by itself."""
        began = time.perf_counter()
        for _ in open_clip(content):
            pass
        return time.perf_counter() - began

    def count_encoding(self) -> None:
        """Count the seconds of every frame that is written from now on."""
        write = ClipWriter.write

        def timed(*arguments: Any, **named: Any) -> None:
            began = time.perf_counter()
            write(*arguments, **named)
            self.encode += time.perf_counter() - began

        ClipWriter.write = timed  # type: ignore[method-assign]


def sums(rows: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """Seconds by what they were spent on."""
    for name, parts in (("optimize", ["optimize"]), ("guides", ["guides", "regions"])):
        yield name, sum(row["seconds"][part] for row in rows for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("photo")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--worker", action="store_true", help="guides by a worker, as beside a GPU")
    options = parser.parse_args()
    if options.worker:
        Stylization.ahead = staticmethod(ahead)  # type: ignore[method-assign, assignment]
    timed = Timed()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        content = first_frames(options.clip, options.frames, folder / "frames")
        records(content, options.photo, folder, "warm-up", "schedule.scales=[80]", "schedule.iterations=[1]",
                "schedule.next_iterations=[1]")  # fmt: skip
        timed.count_encoding()
        warm, wall = records(content, options.photo, folder, "warm")
        encode = timed.encode
        cold, _ = records(content, options.photo, folder, "anew", *ANEW)
        figures = {
            "frames": options.frames,
            "evaluations_first": warm[0]["evaluations"],
            "evaluations_next": statistics.median(row["evaluations"] for row in warm[1:]),
            "loss_next_over_anew": statistics.median(
                a["loss"] / b["loss"] for a, b in zip(warm[1:], cold[1:], strict=True)
            ),
            "wall": wall,
            **dict(sums(warm)),
            "decode": 2 * timed.decoded(content),  # once for a first look
            "encode": encode,
        }
    ratio = figures["evaluations_next"] / figures["evaluations_first"]
    loss = figures["loss_next_over_anew"]
    print(f"next frame: {ratio:.2f} of the first one's evaluations, {loss:.3f} of the loss of a frame started anew")
    for name in ("optimize", "guides", "decode", "encode"):
        print(f"{name:9} {figures[name]:6.2f} s, {figures[name] / wall:6.1%} of {wall:.1f} s")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
