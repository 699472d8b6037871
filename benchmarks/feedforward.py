"""How fast trained networks are: the network alone, and a whole run with decode and encode.

    python benchmarks/feedforward.py [--sizes 256x256,640x360] [--networks report,small] [--frames 24] [--threads 2]

Networks have random weights, for it takes the same: ``gao`` is ReCoNet as in Gao et al. 2018 (48 channels, four
blocks), ``report`` as in Mahakalkar 2022 (32, five), ``small`` ours (16, five), ``grid`` the predictor of bilateral
grids. Each is computed by PyTorch in float32 and bfloat16 and by ONNX Runtime; on a GPU in float32, and in float16,
compiled; with channels last, timers synchronised. "network" is the median of a group of frames, nothing else in the
time; "whole" is a run of `photovst stylize` from H.264 to H.264, less what it takes to start: frames over the seconds
of the records, the first group left out. Prints frames a second, and ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import torch

from photovst.build_network import build_restyler
from photovst.config import Settings
from photovst.errors import PhotovstError
from photovst.media.records import ClipInfo, ColorTags
from photovst.media.scenes import Look, Scene
from photovst.media.video_writer import ClipWriter
from photovst.models.network_files import TrainedNetwork, save_network
from photovst.models.networks import build_network
from photovst.progress import progress_for
from photovst.run import default_run_folder, read_records
from photovst.settings_io import load_settings
from photovst.stylize import stylize_clip
from photovst.types import Size

NETWORKS = {
    "gao": ("reconet", {"width": 48, "blocks": 4}),
    "report": ("reconet", {"width": 32, "blocks": 5}),
    "small": ("reconet", {"width": 16, "blocks": 5}),
    "grid": ("grid", {}),
}
CPU = {
    "torch float32": (),
    "torch bfloat16": ("feedforward.precision=bfloat16",),
    "onnxruntime": ("feedforward.backend=onnxruntime",),
}
GPU = {
    "cuda float32": (),
    "cuda float16 compiled": ("feedforward.precision=float16", "feedforward.compile=true"),
}
RATE = Fraction(25)


def write_network(folder: Path, name: str) -> Path:
    kind, options = NETWORKS[name]
    torch.manual_seed(0)
    path = folder / f"{name}.safetensors"
    style = Scene(11, Look.sunset, (64, 96), 1).frame(0)
    save_network(path, TrainedNetwork(build_network(kind, options), kind, options, style, {"name": name}))
    return path


def write_clip(folder: Path, size: Size, frames: int) -> Path:
    path = folder / f"{size[1]}x{size[0]}.mp4"
    info = ClipInfo(
        size, "video", RATE, frames, frames / RATE, "yuv420p", 8, False, False, ColorTags(), time_base=1 / RATE
    )  # fmt: skip
    scene = Scene(3, Look.day, size, min(frames, 25), RATE)
    pictures = [scene.frame(t) for t in range(min(frames, 25))]
    with ClipWriter(path, info, size) as writer:
        for t in range(frames):
            writer.write(pictures[t % len(pictures)], t / RATE)
    return path


def network_alone(settings: Settings, device: torch.device, size: Size, repeats: int) -> float:
    """Frames a second."""
    restyler = build_restyler(settings, device, size)
    frames = torch.rand(restyler.batch, 3, *size, device=device)
    seconds = []
    for _ in range(repeats + 1):
        if device.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        restyler.network(frames)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return restyler.batch / statistics.median(seconds[1:])


def whole_run(settings: Settings) -> float:
    """Frames a second."""
    with progress_for(quiet=True) as progress:
        stylize_clip(settings, overwrite=True, progress=progress)
    records = read_records(default_run_folder(settings.output))
    left_out = settings.feedforward.batch or (8 if torch.cuda.is_available() else 1)
    timed = records[left_out:] or records
    return len(timed) / sum(sum(record["seconds"].values()) for record in timed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="256x256,512x512,640x360,1920x1080", help="WIDTHxHEIGHT, with commas")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--ways", default="", help="only these, with commas; all when not given")
    parser.add_argument("--frames", type=int, default=24, help="of a whole run; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    ways = GPU if device.type == "cuda" else CPU
    chosen = options.ways.split(",") if options.ways else [*ways]
    rows, left_out = [], {}
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{where}; frames a second\n{'network':8s} {'size':>10s} {'way':22s} {'network':>9s} {'whole':>9s}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for size in [tuple(map(int, reversed(text.split("x")))) for text in options.sizes.split(",")]:
            height, width = size
            clip = write_clip(folder, (height, width), max(options.frames, 2))
            for name in options.networks.split(","):
                network = write_network(folder, name)
                for way in chosen:
                    fixed = {"content": str(clip), "style": str(network), "output": str(folder / "out.mp4")}
                    overrides = [*ways[way], f"device={device.type}", f"cache.folder={folder / 'cache'}"]
                    settings = load_settings((), overrides, fixed)
                    try:
                        alone = network_alone(settings, device, (height, width), options.repeats)
                        whole = whole_run(settings) if options.frames else None
                    except PhotovstError as error:
                        left_out[f"{name} {way}"] = str(error)
                        continue
                    row = {"network": name, "size": f"{width}x{height}", "way": way, "alone": alone, "whole": whole}
                    rows.append(row)
                    told = "" if whole is None else f"{whole:9.1f}"
                    print(f"{name:8s} {row['size']:>10s} {way:22s} {alone:9.1f} {told}", flush=True)
    for what, why in left_out.items():
        print(f"{what} is left out: {why}")
    print(json.dumps({"benchmark": "feedforward", "device": where, "rows": rows, "left_out": left_out}))


if __name__ == "__main__":
    main()
