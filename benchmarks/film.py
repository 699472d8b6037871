"""Film at the speed of slicing: how fast whole commands are by stage, how good, what they cost by the hour.

    python benchmarks/film.py speed [--sizes 480x270,1920x1080,3840x2160] [--frames 240] [--folder KEEP]
    python benchmarks/film.py quality [--frames 49] [--side 480] [--photo PHOTO] CLIP|scene:SEED:SPEED...
    python benchmarks/film.py slice
    python benchmarks/film.py memory [--frames 200,2000]
    python benchmarks/film.py model FILE... [--check FILE...]

speed: commands on a procedural scene, or on a clip, that is scaled to each size, with every frame optimized (on
`--none-frames` only), every eighth, adaptive keyframes, and these predicted; stages of each, decoding, slicing and
encoding alone, and the quality of its first frames. quality: keyframes over every frame optimized, judged as
`steady.py` does. slice: over a plain copy. memory: by length, and at 4K. model: the cost model of docs/scale.md from
what the others wrote, beside the seconds measured. Every one ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from film_model import run_model
from film_runs import KINDS, Run, apart, kinds, make_clip, make_photo, measured, named, rendering, sizes
from steady import figures, first_frames

from photovst.media.images import read_image, write_image
from photovst.media.scenes import Look, Scene
from photovst.media.tensors import resized, to_frame, to_frames, to_pictures
from photovst.ops.bilateral_grid import slice_affine
from photovst.ops.dither import blue_noise
from photovst.ops.resize import fit_long_side
from photovst.ops.slice_picture import slice_picture
from photovst.progress import progress_for
from photovst.run import default_run_folder
from photovst.settings_io import load_settings
from photovst.stylize import stylize_clip

JUDGED_SIDE = 480
FIGURES = ("style", "e_warp_detail", "edge")


def judged(content: str, result: str, photo: Path, frames: int, side: int = JUDGED_SIDE) -> dict[str, float]:
    """The first frames of a result, judged against those of its content."""
    with tempfile.TemporaryDirectory() as scratch:
        shown, made = (
            first_frames(clip, frames, side, Path(scratch) / name) for clip, name in ((content, "a"), (result, "b"))
        )
        return judged_folders(shown, made, photo, side)


def judged_folders(content: Path, result: Path, photo: Path, side: int) -> dict[str, float]:
    """A folder of frames, judged against its content."""
    picture = read_image(photo)
    picture = resized(picture, fit_long_side((picture.shape[0], picture.shape[1]), side))
    found = figures(content, result, to_frame(picture))
    return {name: found[name] for name in FIGURES}


def speed(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    photo = apart(make_photo, folder, options.photo)
    runs: list[Run] = []
    print("size        kind       device frames keyframes |   all s frames/s  after start |  MB  | style steady  edge")
    for size in options.sizes:
        for kind in options.kinds:
            frames = min(options.none_frames, options.frames) if kind == "none" else options.frames
            source = "scene" if options.clip is None else options.clip.stem
            name = f"{source}_{named(size)}_{frames}_{options.shots}.mp4"
            clip = apart(make_clip, folder / name, size, frames, options.clip, options.shots)
            for device in options.devices:
                output = folder / f"{source}_{named(size)}_{kind}_{device}.mp4"
                overrides = (*KINDS[kind], f"device={device}", *options.overrides)
                if not runs:
                    measured(clip, photo, output, *overrides)  # compiles, and fills the machine's cache of files
                tries = [measured(clip, photo, output, *overrides) for _ in range(options.runs)]
                run = statistics.median_low([(each["seconds"], i) for i, each in enumerate(tries)])
                runs.append(row := {"size": size, "kind": kind, "device": device, **tries[run[1]]})
                row["frames_per_second"] = row["frames"] / row["seconds"]
                row["after_start"] = row["frames"] / (row["seconds"] - row["start"])
                row["alone"] = apart(rendering, output, folder / "encoded.mp4", device, options.timed)
                if options.judge:
                    row["quality"] = apart(judged, str(clip), str(output), photo, min(frames, options.none_frames))
                _show(row)
                if not options.folder:
                    output.unlink()
    return {"runs": runs}


def _show(row: Run) -> None:
    quality = " ".join(f"{row['quality'][name]:5.3f}" for name in FIGURES) if "quality" in row else "not judged"
    print(
        f"{named(row['size']):11s} {row['kind']:10s} {row['device']:6s} {row['frames']:6d} {row['stylized']:9d} |"
        f" {row['seconds']:7.1f} {row['frames_per_second']:8.2f} {row['after_start']:12.2f} | {row['peak_mb']:4.0f} |"
        f" {quality}"
    )
    stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row["stages"].items())
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row["parts"].items())
    print(f"    seconds: start {row['start']:.2f}, {stages}; stylized frames: {parts}; cores {row['core_seconds']:.1f}")
    alone = row["alone"]
    each = ", ".join(f"{name} {alone[f'{name}_p50']:.1f} ({alone[f'{name}_p95']:.1f})" for name in _PARTS)
    print(f"    ms a frame alone, p50 (p95): {each}; encode, mean {alone['encode_mean']:.1f}", flush=True)


_PARTS = ("decode", "grid", "slice", "encode")


def quality(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    photo = make_photo(folder, options.photo)
    table: dict[str, dict[str, dict[str, float]]] = {}
    print(
        "clip                          kind       keyframes seconds |  style  e_warp_detail  edge |"
        " over none: style steady edge"
    )
    for number, name in enumerate(options.clips):
        place = folder / f"{number:02d}"
        shutil.rmtree(place, ignore_errors=True)
        if name.startswith("scene:"):
            _, seed, camera = name.split(":")
            drawn = (round(options.side * 9 / 32) * 2, options.side)
            scene = Scene(int(seed), Look.day, drawn, options.frames, camera_speed=float(camera))
            content = _scene_frames(scene, place / "content")
        else:
            content = first_frames(name, options.frames, options.side, place / "content")
        rows = table[name] = {}
        for kind in ["none", *(kind for kind in options.kinds if kind != "none")]:
            output = place / kind
            fixed = {"content": str(content), "style": str(photo), "output": str(output)}
            overrides = [*options.overrides, "video.codec=png", "cache.enabled=false", *KINDS[kind]]
            began = time.perf_counter()
            with progress_for(quiet=True) as progress:
                stylize_clip(load_settings((), overrides, fixed), overwrite=True, progress=progress)
            seconds = time.perf_counter() - began
            stylized = len(list((default_run_folder(output) / "state").glob("[0-9]*.npz")))
            row = rows[kind] = judged_folders(content, output, photo, options.side)
            row |= {f"{each}_ratio": row[each] / rows["none"][each] for each in FIGURES}
            row |= {
                "seconds": seconds,
                "stylized": stylized,
                "seconds_ratio": seconds / rows["none"].get("seconds", seconds),
            }
            ratios = " ".join(f"{row[f'{each}_ratio']:.3f}" for each in FIGURES)
            print(
                f"{name[-29:]:29s} {kind:10s} {stylized:9d} {seconds:7.1f} |"
                f" {row['style']:6.3f} {row['e_warp_detail']:14.3f} {row['edge']:5.3f} | {ratios}",
                flush=True,
            )
    worst: dict[str, dict[str, float]] = {}
    for kind in [kind for kind in options.kinds if kind != "none"]:
        of_kind = [rows[kind] for rows in table.values()]
        worst[kind] = {
            "style": max(row["style_ratio"] for row in of_kind),
            "e_warp_detail": max(row["e_warp_detail_ratio"] for row in of_kind),
            "edge": min(row["edge_ratio"] for row in of_kind),
        }
        print(f"worst of {kind}: " + ", ".join(f"{each} {value:.3f}" for each, value in worst[kind].items()))
    return {"clips": table, "worst": worst}


def _scene_frames(scene: Scene, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for t in range(scene.frames):
        write_image(folder / f"{t:06d}.png", scene.frame(t))
    return folder


def slicing(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    rows = []
    random = np.random.default_rng(0)
    print("where  size        bits threads | slice ms  copy ms  ratio")
    for size in options.sizes:
        for kind, bits in ((np.uint8, 8), (np.uint16, 16)):
            # Smooth as a picture is, as where a grid is read depends on it; with noise, so that no row is like another.
            small = random.integers(0, np.iinfo(kind).max + 1, (1, 3, 18, 32)).astype(np.float32)
            picture = torch.nn.functional.interpolate(torch.from_numpy(small), size, mode="bilinear")[0]
            image = np.ascontiguousarray(picture.permute(1, 2, 0).numpy().astype(kind))
            grid = torch.eye(3, 4).reshape(12) + 0.1 * torch.from_numpy(random.random((8, 16, 16, 12), np.float32))
            for threads in options.threads:
                pool = ThreadPoolExecutor(threads)
                bands = np.array_split(np.arange(size[0]), threads)

                def copy(image: Any = image, pool: Any = pool, bands: Any = bands) -> None:
                    target = np.empty_like(image)
                    list(
                        pool.map(
                            lambda band: np.copyto(target[band[0] : band[-1] + 1], image[band[0] : band[-1] + 1]), bands
                        )
                    )

                def sliced(image: Any = image, grid: Any = grid, threads: int = threads) -> None:
                    slice_picture(grid, image, dither=True, threads=threads)

                rows.append(
                    {
                        "where": "cpu",
                        "size": size,
                        "bits": bits,
                        "threads": threads,
                        **_pair(sliced, copy, options.repeats),
                    }
                )
                pool.shutdown()
                _show_slice(rows[-1])
            if torch.cuda.is_available():
                rows += _slicing_on_gpu(image, grid.cuda(), size, bits, options.repeats)
    return {"rows": rows}


@torch.no_grad()
def _slicing_on_gpu(image: Any, grid: torch.Tensor, size: Any, bits: int, repeats: int) -> list[dict[str, Any]]:
    """The kernel alone over a copy of the same frame, and with the way to the GPU and back over that way alone."""
    frame = to_frames([image], grid.device)
    raw = torch.from_numpy(image.view(np.int16) if bits == 16 else image)

    def whole() -> None:
        to_pictures(
            slice_affine(grid, to_frames([image], grid.device)), image.dtype, blue_noise() if bits == 8 else None
        )

    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "gpu": (lambda: slice_affine(grid, frame), lambda: frame.clone()),
        "to gpu": (whole, lambda: raw.to(grid.device).clone().cpu()),
    }
    rows = []
    for where, (work, copy) in pairs.items():
        rows.append({"where": where, "size": size, "bits": bits, "threads": 0, **_pair(work, copy, repeats)})
        _show_slice(rows[-1])
    return rows


def _pair(work: Callable[[], object], copy: Callable[[], object], repeats: int) -> dict[str, float]:
    """Medians of two things done in turn, so that whatever else the machine does falls on both; in milliseconds."""
    taken: dict[str, list[float]] = {"slice_ms": [], "copy_ms": []}
    for _ in range(repeats + 2):
        for name, one in (("slice_ms", work), ("copy_ms", copy)):
            _wait()
            began = time.perf_counter()
            one()
            _wait()
            taken[name].append(1000 * (time.perf_counter() - began))
    found = {name: statistics.median(all_of[2:]) for name, all_of in taken.items()}
    return {**found, "ratio": found["slice_ms"] / found["copy_ms"]}


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _show_slice(row: dict[str, Any]) -> None:
    print(
        f"{row['where']:6s} {named(row['size']):11s} {row['bits']:4d} {row['threads']:7d} |"
        f" {row['slice_ms']:8.2f} {row['copy_ms']:8.2f} {row['ratio']:6.2f}", flush=True,
    )  # fmt: skip


def memory(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    photo = apart(make_photo, folder, options.photo)
    runs: list[Run] = []
    wanted = [(options.sizes[0], frames, "predicted 100") for frames in options.frames]
    wanted += [
        (size, options.large_frames, kind) for size in options.sizes[1:] for kind in ("predicted 100", "8", "adaptive")
    ]
    for size, frames, kind in wanted:
        clip = apart(make_clip, folder / f"scene_{named(size)}_{frames}_1.mp4", size, frames)
        output = folder / f"memory_{named(size)}_{frames}_{kind.replace(' ', '_')}.mp4"
        run = measured(clip, photo, output, *KINDS[kind], f"device={options.device}", *options.overrides)
        runs.append({"size": size, "kind": kind, "device": options.device, **run})
        print(
            f"{named(size):11s} {frames:6d} frames, {kind:14s} {run['peak_mb']:6.0f} MB {run['seconds']:7.1f} s",
            flush=True,
        )
    peaks = [run["peak_mb"] for run in runs[: len(options.frames)]]
    print(f"longest over shortest: {peaks[-1] / peaks[0]:.3f}")
    return {"runs": runs, "growth": peaks[-1] / peaks[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    works: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {}

    def command(name: str, work: Callable[[argparse.Namespace, Path], dict[str, Any]]) -> argparse.ArgumentParser:
        works[name] = work
        return commands.add_parser(name)

    asked = command("speed", speed)
    asked.add_argument("--sizes", type=sizes, default="480x270,1920x1080,3840x2160")
    asked.add_argument("--frames", type=int, default=240)
    asked.add_argument("--kinds", type=kinds, default="none,8,adaptive,predicted")
    asked.add_argument("--none-frames", type=int, default=24, help="of kind none, and frames judged of all")
    asked.add_argument("--clip", type=Path, help="scaled to each size, looped back and forth")
    asked.add_argument(
        "--devices", type=lambda text: text.split(","), default="cpu,cuda" if torch.cuda.is_available() else "cpu"
    )
    asked.add_argument("--shots", type=int, default=1, help="of the procedural clip")
    asked.add_argument("--runs", type=int, default=1, help="each so often; that of the median time counts")
    asked.add_argument("--timed", type=int, default=50, help="frames decoded, sliced and encoded alone")
    asked.add_argument("--no-judge", dest="judge", action="store_false")
    asked = command("quality", quality)
    asked.add_argument("clips", nargs="+", help="clips, or scene:SEED:CAMERA_SPEED", metavar="CLIP")
    asked.add_argument("--frames", type=int, default=49)
    asked.add_argument("--side", type=int, default=JUDGED_SIDE, help="longer side of the clip")
    asked.add_argument("--kinds", type=kinds, default="none,8,adaptive")
    asked = command("slice", slicing)
    asked.add_argument("--sizes", type=sizes, default="1920x1080,3840x2160")
    asked.add_argument("--threads", type=lambda text: [int(each) for each in text.split(",")], default="1,2")
    asked.add_argument("--repeats", type=int, default=15)
    asked = command("memory", memory)
    asked.add_argument("--frames", type=lambda text: [int(each) for each in text.split(",")], default="200,2000")
    asked.add_argument(
        "--sizes", type=sizes, default="480x270,3840x2160", help="that of the lengths, and the large ones"
    )
    asked.add_argument("--large-frames", type=int, default=24)
    asked.add_argument("--device", default="cpu")
    asked = command("model", run_model)
    asked.add_argument("files", nargs="+", type=Path, help="what speed and memory printed")
    asked.add_argument("--check", nargs="+", type=Path, default=[], help="runs that are predicted but not learned from")
    for name, each in commands.choices.items():
        if name in ("speed", "quality", "memory"):
            each.add_argument("--photo", type=Path, help="a procedural sunset when not given")
            each.add_argument("--set", dest="overrides", action="append", default=[], metavar="key=value")
            each.add_argument("--folder", type=Path, help="keep clips and results here")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = getattr(options, "folder", None) or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        found = works[options.command](options, folder)
    told = {"benchmark": f"film {options.command}", "cores": os.cpu_count(), "torch_threads": torch.get_num_threads()}
    print(json.dumps(_finite({**told, **found})))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
