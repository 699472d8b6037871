"""How fast networks of any style are: their parts, alone, and whole runs beside what they are compared with.

    python benchmarks/arbitrary.py [--sizes 480x270,1920x1080] [--frames 24] [--optimized 2] [--threads 2]

Networks are untrained, for it takes the same. "parts" are medians of what a frame of `styler=predicted` takes: joint
regions and the network at its working size, and conversion and slicing at the frame's size. "whole" are runs of
`photovst stylize` on a procedural clip, H.264 to H.264: frames over the seconds from the first frame on ("under way"),
and over all of the command ("in all"), beside the clip decoded and encoded with nothing done to it before and after,
and beside the per-frame optimizer (`--optimized` frames; 0 leaves it out). "busy" is the time of all cores together a
frame, in all, which other work on the machine hardly changes. "painterly" is the network of [Ghiasi2017] alone, of 16
channels with the mobile predictor and of 32, as published. Prints a table, and ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from feedforward import write_clip

from photovst.guidance.joint import JointRegions
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.scenes import Look, Scene
from photovst.media.tensors import resized, to_frame, to_picture
from photovst.media.video_writer import ClipWriter
from photovst.models.arbitrary import Arbitrary
from photovst.models.network_files import TrainedNetwork, save_network
from photovst.models.photographic import Photographic
from photovst.ops.bilateral_grid import slice_affine
from photovst.ops.resize import limit_long_side
from photovst.progress import progress_for
from photovst.run import default_run_folder, read_records
from photovst.settings_io import load_settings
from photovst.stylize import stylize_clip
from photovst.types import Size

PAINTERLY = {"small": {"width": 16}, "published width": {"width": 32}}


def seconds(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median, the first time left out."""
    taken = []
    for _ in range(repeats + 1):
        _wait(device)
        began = time.perf_counter()
        work()
        _wait(device)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@torch.inference_mode()
def parts(clip: Path, photo: Path, device: torch.device, repeats: int) -> dict[str, float]:
    """Seconds that a frame takes, by part."""
    network = Photographic().eval().to(device)
    opened = open_clip(str(clip))
    began = time.perf_counter()
    images = [frame.image for frame in opened]
    decoding, image = (time.perf_counter() - began) / len(images), images[-1]
    size = limit_long_side((image.shape[0], image.shape[1]), network.size)
    small, large = to_frame(resized(image, size), device), to_frame(image, device)
    style = to_frame(next(iter(open_clip(str(photo)))).image, device)
    regions = JointRegions.fit([small], style, 2, 4)
    masks = regions.probabilities(small)
    vectors = network.style_vectors(style, regions.of_photo(style))
    grid = network.grids(small, vectors, masks)[0]
    result = slice_affine(grid, large)
    timed: dict[str, Callable[[], object]] = {
        "regions": lambda: regions.probabilities(small),
        "network": lambda: network.grids(small, vectors, masks),
        "to device": lambda: to_frame(image, device),
        "slice": lambda: slice_affine(grid, large),
        "to picture": lambda: to_picture(result),
        "network and slice": lambda: slice_affine(network.grids(large, vectors, masks)[0], large),
    }
    return {"decode": decoding} | {name: seconds(work, device, repeats) for name, work in timed.items()}


def copied(clip: Path, output: Path) -> float:
    """Frames a second of decoding and encoding alone."""
    opened, count, began = open_clip(str(clip)), 0, time.perf_counter()
    with ClipWriter(output, opened, opened.info.size) as writer:
        for frame in opened:
            writer.write(frame.image, frame.time, None, frame.duration)
            count += 1
    return count / (time.perf_counter() - began)


def whole(clip: Path, photo: Path, output: Path, *overrides: str) -> dict[str, float]:
    """Frames a second of a run once it is under way, and of all of it; seconds of all cores together a frame."""
    settings = load_settings((), overrides, {"content": str(clip), "style": str(photo), "output": str(output)})
    began, busy = time.perf_counter(), time.process_time()
    with progress_for(quiet=True) as progress:
        stylize_clip(settings, overwrite=True, progress=progress)
    taken, busy = time.perf_counter() - began, time.process_time() - busy
    count = len(read_records(default_run_folder(output)))
    return {"under way": count / progress.seconds["stylize"], "in all": count / taken, "busy": busy / count}


@torch.inference_mode()
def painterly(size: Size, device: torch.device, repeats: int) -> dict[str, float]:
    """Frames a second of the networks alone."""
    found, frame = {}, torch.rand(1, 3, *size, device=device)
    for name, options in PAINTERLY.items():
        network = Arbitrary(**options).eval().to(device)  # type: ignore[arg-type]
        vectors = network.style_vectors(torch.rand(1, 3, 256, 256, device=device))
        found[name] = 1 / seconds(lambda: network(frame, vectors), device, repeats)  # noqa: B023
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="480x270,1920x1080", help="WIDTHxHEIGHT, with commas")
    parser.add_argument("--painterly", default="256x256,480x270", help="the same, for the painterly networks")
    parser.add_argument("--frames", type=int, default=24, help="of a whole run")
    parser.add_argument("--optimized", type=int, default=2, help="frames that the optimizer is given; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    figures: dict[str, object] = {"benchmark": "arbitrary", "device": str(device), "threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        photo, network = folder / "photo.png", folder / "photographic.safetensors"
        write_image(photo, Scene(11, Look.sunset, (240, 360), 1).frame(0))
        save_network(network, TrainedNetwork(Photographic(), "photographic", {}, None, {}))
        fixed = [f"device={device}", f"cache.folder={folder / 'cache'}"]
        for size in _sizes(options.sizes):
            shown = f"{size[1]}x{size[0]}"
            clip = write_clip(folder, size, options.frames)
            by_part = parts(clip, photo, device, options.repeats)
            print(f"{shown}: ms a frame  " + "  ".join(f"{name} {1e3 * each:.1f}" for name, each in by_part.items()))
            copy = copied(clip, folder / "copy.mp4")
            predicted = whole(
                clip, photo, folder / "predicted.mp4", *fixed, "styler=predicted", f"predicted.network={network}"
            )
            again = copied(clip, folder / "copied.mp4")
            base = (copy + again) / 2
            rows: dict[str, object] = {"parts": by_part, "copied": base, "predicted": predicted}
            told = f"{predicted['under way']:.1f} under way, {predicted['in all']:.1f} in all"
            busy = f"busy {1e3 * predicted['busy']:.0f} ms a frame"
            print(f"{shown}: frames a second  copied {base:.1f}  predicted {told}, {busy}", flush=True)
            if options.optimized:
                few = write_clip(folder, size, options.optimized)
                optimized = whole(few, photo, folder / "optimized.mp4", *fixed)
                rows["optimized"] = optimized
                ratio = predicted["under way"] / optimized["under way"]
                told = f"{optimized['under way']:.3f}  predicted is {ratio:.0f} times that"
                print(f"{shown}: frames a second  optimized {told}", flush=True)
            figures[shown] = rows
        for size in _sizes(options.painterly):
            rates = painterly(size, device, options.repeats)
            figures[f"painterly {size[1]}x{size[0]}"] = rates
            told = "  ".join(f"{name} {rate:.1f}" for name, rate in rates.items())
            print(f"{size[1]}x{size[0]}: frames a second  painterly, alone: {told}", flush=True)
    print(json.dumps(figures))


def _sizes(text: str) -> list[Size]:
    return [(int(height), int(width)) for width, height in (each.split("x") for each in text.split(","))]


if __name__ == "__main__":
    main()
