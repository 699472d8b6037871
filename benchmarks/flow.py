"""How exact each flow method is, how well its certainty knows where it fails, and how long it takes.

    python benchmarks/flow.py [SINTEL] [--sides 320,1024] [--weights FOLDER] [--methods dis,farneback] [--threads 1]

SINTEL is MPI-Sintel's training folder: of each scene in it the first pair with ground truth is taken, clean and final,
without its invalid pixels. Two procedural scenes with exact flow need no data. Both are looked at at each longer side
(no larger than they are), ground truth resized with them. Prints the mean end-point error in pixels of that size: of
all pixels, of those not occluded, and weighted by the method's own certainty ("certain"), which is kept where
"coverage" says; and the median milliseconds of a flow. Methods that lack weights or modules are left out, and said so;
of RAFT without weights the time is taken, with random numbers in their place, for it is the same. Ends with one line of
JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from photovst.build import build_device, build_motion
from photovst.config import FlowMethod
from photovst.errors import PhotovstError, WeightsError
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.flow import FlowEstimator
from photovst.guidance.raft import Raft
from photovst.media.flow_files import read_flow
from photovst.media.images import read_image
from photovst.media.scenes import Look, Scene
from photovst.media.tensors import to_frame
from photovst.models.torchvision_ops import import_torchvision
from photovst.ops.certainty import forward_backward_certainty
from photovst.ops.resize import fit_long_side, resize
from photovst.ops.warp import resize_flow
from photovst.settings_io import load_settings

SCENES = {
    "calm scene": Scene(3, Look.day, (270, 480), 2),
    "fast scene": Scene(8, Look.sunset, (270, 480), 2, camera_speed=0.04, object_speed=0.03),
}
FIGURES = ("all", "seen", "certain", "coverage")


@dataclass(frozen=True, eq=False)
class Pair:
    """Two frames and the truth between them; masks are 1 where something holds."""

    name: str
    first: Tensor
    second: Tensor
    truth: Tensor
    occluded: Tensor
    invalid: Tensor

    def at(self, side: int) -> Pair:
        """The same at another size; a pixel is valid, or seen, where all that it covers is."""
        size = fit_long_side((self.truth.shape[2], self.truth.shape[3]), side)
        first, second, occluded, invalid = (
            resize(plane, size) for plane in (self.first, self.second, self.occluded, self.invalid)
        )
        return Pair(self.name, first, second, resize_flow(self.truth, size), occluded, invalid)


def sintel(folder: Path) -> Iterator[Pair]:
    """The first pair with ground truth of each scene."""
    for scene in sorted(path.name for path in (folder / "flow").iterdir()):
        path = min((folder / "flow" / scene).glob("*.flo"))
        number = int(path.stem.split("_")[1])
        truth = torch.from_numpy(read_flow(path)).permute(2, 0, 1)[None]
        occluded, invalid = (_mask(folder / kind / scene / f"{path.stem}.png") for kind in ("occlusions", "invalid"))
        for rendering in ("clean", "final"):
            frames = (
                to_frame(read_image(folder / rendering / scene / f"frame_{n:04d}.png")) for n in (number, number + 1)
            )
            yield Pair(f"{scene} {rendering}", *frames, truth, occluded, invalid)


def procedural() -> Iterator[Pair]:
    for name, scene in SCENES.items():
        truth = torch.from_numpy(scene.flow_to_next(0)).permute(2, 0, 1)[None]
        occluded = torch.from_numpy(scene.occlusion_to_next(0).astype(np.float32))[None, None]
        yield Pair(
            name, to_frame(scene.frame(0)), to_frame(scene.frame(1)), truth, occluded, torch.zeros_like(occluded)
        )


def _mask(path: Path) -> Tensor:
    return torch.from_numpy((read_image(path)[..., 0] > 0).astype(np.float32))[None, None]


def figures(estimator: FlowEstimator, pair: Pair) -> tuple[dict[str, float], float]:
    """Errors by name, and the seconds of the flow."""
    began = time.perf_counter()
    flow = estimator(pair.first, pair.second)
    seconds = time.perf_counter() - began
    certainty = forward_backward_certainty(flow, estimator(pair.second, pair.first), "coded")
    error = (flow - pair.truth).norm(dim=1, keepdim=True)
    valid = (pair.invalid == 0).float()
    weights = {"all": valid, "seen": valid * (pair.occluded == 0), "certain": valid * certainty}
    means = {name: ((weight * error).sum() / weight.sum()).item() for name, weight in weights.items()}
    coverage = (valid * (certainty > 0.5)).sum() / valid.sum()
    return {**means, "coverage": coverage.item()}, seconds


def estimator_of(method: FlowMethod) -> FlowEstimator:
    settings = load_settings((), [f"flow.method={method.value}"], {"content": "-", "style": "-", "output": "x"})
    motion = build_motion(settings, (0, 0), build_device(settings), None)
    assert isinstance(motion, EstimatedMotion)
    return motion.estimator


def random_raft(method: FlowMethod) -> Raft:
    """RAFT that knows nothing and takes its time."""
    import_torchvision()
    models = importlib.import_module("torchvision.models.optical_flow")
    torch.manual_seed(0)
    return Raft(getattr(models, method.value)(weights=None).eval(), "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sintel", nargs="?", type=Path, help="MPI-Sintel's training folder")
    parser.add_argument("--sides", default="320,1024", help="longer sides, with commas")
    parser.add_argument("--weights", help="folder of published weights")
    parser.add_argument("--methods", default=",".join(m.value for m in FlowMethod if m is not FlowMethod.files))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.weights:
        os.environ["PHOTOVST_WEIGHTS"] = options.weights
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    pairs = [*(sintel(options.sintel) if options.sintel else ()), *procedural()]
    rows, left_out = [], {}
    for method in (FlowMethod[name] for name in options.methods.split(",")):
        try:
            estimator = estimator_of(method)
        except PhotovstError as error:
            left_out[method.value] = str(error)
            if isinstance(error, WeightsError):
                network, times = random_raft(method), []
                for side in map(int, options.sides.split(",")):
                    pair = pairs[0].at(min(side, max(pairs[0].truth.shape[2:])))
                    times.append(f"{1000 * figures(network, pair)[1]:.0f} ms at {side} pixels")
                left_out[method.value] += f" ({', '.join(times)})"
            continue
        for side in map(int, options.sides.split(",")):
            at_size = [pair.at(min(side, max(pair.truth.shape[2:]))) for pair in pairs]
            estimator(at_size[0].first, at_size[0].second)  # the first call of a library loads it
            done = {pair.name: figures(estimator, pair) for pair in at_size}
            seconds = statistics.median(took for _, took in done.values())
            rows.append(
                {"method": method.value, "side": side, "ms": 1000 * seconds, **{n: f for n, (f, _) in done.items()}}
            )
    width = max(len(pair.name) for pair in pairs)
    for row in rows:
        print(f"{row['method']}, {row['side']} pixels, {row['ms']:.0f} ms")
        print(f"  {'':{width}s} {' '.join(f'{name:>8s}' for name in FIGURES)}")
        for pair in pairs:
            print(f"  {pair.name:{width}s} {' '.join(f'{row[pair.name][name]:8.3f}' for name in FIGURES)}")
    for name, why in left_out.items():
        print(f"{name} is left out: {why}")
    print(json.dumps({"benchmark": "flow", "rows": rows, "left_out": left_out}))


if __name__ == "__main__":
    main()
