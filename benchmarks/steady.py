"""Steadiness against style and detail: a clip stylized as by default and frame by frame, side by side.

    python benchmarks/steady.py CLIP PHOTO [--frames 24] [--weights FOLDER] [--keep FOLDER] [key=value ...]

Prints, for the frame-by-frame run (no temporal term, no warm start, no carried masks) and for the run with the
settings given: e_warp_detail (warping error per local detail, over the input's own; 1 is as steady as the input), the
style distance (style_gram of vgg19_cd16x, whole frame, mean over frames), local detail over the frame-by-frame run's,
and edge SSIM to the content. Flow and certainty are DIS on the input clip, at the size judged. Ends with one line of
JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import torch

from photovst.guidance.dis import Dis
from photovst.guidance.flow import flow_pair
from photovst.media.clip import open_clip
from photovst.media.images import read_image, write_image
from photovst.media.tensors import resized, to_frame
from photovst.metrics.fidelity import ssim_edge
from photovst.metrics.style import style_gram
from photovst.metrics.temporal import e_warp_detail, local_detail, warp_error
from photovst.models.checkpoints import VGG19_CD16X
from photovst.models.vgg_checkpoints import vgg19_cd16x
from photovst.models.weights import load
from photovst.ops.resize import fit_long_side
from photovst.progress import progress_for
from photovst.settings_io import load_settings
from photovst.stylize import stylize_clip

FRAME_BY_FRAME = (
    "objective.temporal.weight=0",
    "schedule.next_start=content",
    "schedule.next_iterations=${schedule.iterations}",
    "segmentation.persistence=0",
)


def first_frames(clip: str, count: int, side: int, folder: Path) -> Path:
    """The first frames of a clip as PNGs, no larger than ``side``."""
    folder.mkdir(parents=True)
    for frame in open_clip(clip):
        if frame.index == count:
            break
        size = frame.image.shape[:2]
        if side < max(size):
            size = fit_long_side(size, side)
        write_image(folder / f"{frame.index:06d}.png", resized(frame.image, size))
    return folder


def figures(content: Path, result: Path, photo: torch.Tensor) -> dict[str, float]:
    """Judge a folder of frames against its content."""
    judge = vgg19_cd16x(load(VGG19_CD16X))
    sums: dict[str, list[float]] = {}

    def add(name: str, value: torch.Tensor) -> None:
        sums.setdefault(name, []).append(float(value))

    with torch.no_grad():
        wanted = judge(photo)
        whole = torch.ones_like(photo[:, :1])
        before = None
        for source, shown in zip(sorted(content.iterdir()), sorted(result.iterdir()), strict=True):
            frame, output = to_frame(read_image(source)), to_frame(read_image(shown))
            add("style", style_gram(judge(output), wanted, torch.ones_like(frame[:, :1]), whole))
            add("edge", ssim_edge(output, frame, None))
            add("output_detail", local_detail(output).mean())
            add("input_detail", local_detail(frame).mean())
            if before is not None:
                pair = flow_pair(Dis(), before[0], frame)
                for name, a, b in (("input", before[0], frame), ("output", before[1], output)):
                    add(f"{name}_error", warp_error(a, b, pair.to_next, pair.certainty_to_next).mean())
            before = frame, output
    mean = {name: torch.tensor(values).nanmean() for name, values in sums.items()}
    steady = e_warp_detail(mean["output_error"], mean["output_detail"], mean["input_error"], mean["input_detail"])
    kept = {name: float(mean[name]) for name in ("style", "edge", "output_detail", "input_detail")}
    return {"e_warp_detail": float(steady), **kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("photo")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--side", type=int, default=480, help="longer side of the clip judged")
    parser.add_argument("--weights", help="folder of vgg19_cd16x.pth; PHOTOVST_WEIGHTS when not given")
    parser.add_argument("--keep", type=Path, help="keep content and results here")
    parser.add_argument("--only-ours", action="store_true", help="leave the frame-by-frame run out")
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_intermixed_args()
    if options.weights:
        os.environ["PHOTOVST_WEIGHTS"] = options.weights
    with tempfile.TemporaryDirectory() as scratch:
        place = options.keep or Path(scratch)
        shutil.rmtree(place, ignore_errors=True)
        content = first_frames(options.clip, options.frames, options.side, place / "content")
        photo = to_frame(read_image(options.photo))
        photo = to_frame(resized(read_image(options.photo), fit_long_side(photo.shape[-2:], options.side)))
        table = {}
        runs = {"frame_by_frame": FRAME_BY_FRAME, "ours": ()}
        if options.only_ours:
            del runs["frame_by_frame"]
        for name, changes in runs.items():
            fixed = {"content": str(content), "style": options.photo, "output": str(place / name)}
            overrides = [*options.overrides, "video.codec=png", "cache.enabled=false", *changes]
            began = time.perf_counter()
            with progress_for(quiet=True) as progress:
                stylize_clip(load_settings((), overrides, fixed), progress=progress)
            seconds = time.perf_counter() - began
            table[name] = {**figures(content, place / name, photo), "seconds": seconds}
    print("run             e_warp_detail  style  detail  edge  seconds")
    base = table.get("frame_by_frame", table["ours"])
    for name, row in table.items():
        print(
            f"{name:15s} {row['e_warp_detail']:13.3f} {row['style']:6.3f}"
            f" {row['output_detail'] / base['output_detail']:7.3f} {row['edge']:5.3f} {row['seconds']:8.1f}"
        )
    print(json.dumps({"benchmark": "steady", "overrides": options.overrides, **table}))


if __name__ == "__main__":
    main()
