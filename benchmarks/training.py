"""What a step of ``photovst train`` costs over the bare forward and backward pass of one batch that is at hand.

    GOMP_SPINCOUNT=1000 python benchmarks/training.py [CONFIG] [KEY=VALUE ...] [--steps 20] [--rounds 4] [--warm 4]

``photovst`` sets GOMP_SPINCOUNT itself; without it PyTorch's threads spin against the processes that make data, and a
step takes several times as long. CONFIG is configs/training/small.yaml unless another is named; the style is a
procedural photograph unless ``style=`` is given. Bare passes and the loop take turns, for other work on the machine
slows both; a bare step is ``accumulate`` passes. "loop" is all there is: data, updates, running mean and records. The
scenes are painted before anything is timed. Ends with a profile of a few steps, the start of the processes that make
data among them, and a line of JSON.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function

from photovst.build_device import device_named
from photovst.build_training import (
    build_new_network,
    build_plan,
    build_task,
    build_training_data,
    read_style_picture,
)
from photovst.losses.objective import Breakdown
from photovst.media.images import write_image
from photovst.media.scenes import Look, photograph
from photovst.models.precision import InPrecision
from photovst.progress import JsonLines, Progress
from photovst.training.acceleration import compiled
from photovst.training.batch import Batch
from photovst.training.loop import train
from photovst.training.plan import Plan
from photovst.training.stream import stream
from photovst.training.task import Task
from photovst.training_config import TrainingSettings
from photovst.training_settings import load_training

SMALL = Path(__file__).resolve().parents[1] / "configs" / "training" / "small.yaml"


class Timed:
    """A task, when the loop asked for each batch, and how long it waited for it."""

    def __init__(self, task: Task, device: torch.device) -> None:
        self.task, self.device = task, device
        self.begun: list[float] = []
        self.waited: list[float] = []

    @property
    def module(self) -> nn.Module:
        """The task's."""
        return self.task.module

    def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
        """The task's, named in the profile."""
        with record_function("photovst: loss"):
            return self.task.loss(module, batch)

    def batches(self, settings: TrainingSettings, first: int) -> Iterator[Batch]:
        """The stream of the settings; asked for a batch, it notes the time and how long it took."""
        chosen, pin = settings.data, self.device.type == "cuda"
        for_steps = stream(build_training_data(settings), first, chosen.batch, chosen.workers, pin)
        while True:
            wait(self.device)
            began = time.perf_counter()
            with record_function("photovst: data"):
                batch = next(for_steps)
            self.begun.append(began)
            self.waited.append(time.perf_counter() - began)
            yield batch


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bare(task: Task, plan: Plan, batch: Batch, count: int, device: torch.device) -> list[float]:
    """Seconds of each forward and backward pass over a batch on the device."""
    network = compiled(task.module, device) if plan.compile else task.module
    if plan.precision != "float32":
        network = InPrecision(network, getattr(torch, plan.precision))
    times = []
    for _ in range(count):
        wait(device)
        began = time.perf_counter()
        torch.autograd.backward(task.loss(network, batch).total)
        wait(device)
        times.append(time.perf_counter() - began)
        for parameter in task.module.parameters():
            parameter.grad = None
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("given", nargs="*", metavar="CONFIG or KEY=VALUE")
    parser.add_argument("--steps", type=int, default=20, help="of the loop, in each round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--warm", type=int, default=4, help="steps at the start of a round that are not timed")
    options = parser.parse_args()
    files = [Path(word) for word in options.given if "=" not in word] or [SMALL]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_image(place / "style.png", photograph(Look.sunset, 3, (192, 256)))
        own = [f"style={place / 'style.png'}", f"output={place / 'network.safetensors'}"]
        settings = load_training(files, [*own, *(word for word in options.given if "=" in word)])
        measure(settings, place, options)


def measure(settings: TrainingSettings, place: Path, options: argparse.Namespace) -> None:
    device = device_named(settings.device, None)
    task = build_task(settings, build_new_network(settings), read_style_picture(settings), device)
    data = build_training_data(settings)
    count = options.rounds * (options.warm + options.steps) * settings.accumulate
    for number in range(count * settings.data.batch):  # paints scenes, estimates flow
        data[number]
    plan = replace(build_plan(settings), tensorboard=False, sample_every=0)
    at_hand = next(stream(data, 0, settings.data.batch)).to(device, channels_last=plan.channels_last)
    timed = Timed(task, device)
    bare(task, plan, at_hand, 3, device)  # the first ones are slow
    passes, steps, waits = list[float](), list[float](), list[float]()
    for number in range(options.rounds):
        passes += bare(task, plan, at_hand, options.steps * plan.accumulate, device)
        timed.begun, timed.waited = [], []
        run(timed, settings, replace(plan, steps=(number + 1) * (options.warm + options.steps)), place)
        each = timed.begun[options.warm * plan.accumulate :: plan.accumulate]
        steps += [later - earlier for earlier, later in itertools.pairwise(each)]
        waits += timed.waited[options.warm * plan.accumulate :]
    with profile(activities=activities(device)) as profiler:
        run(timed, settings, replace(plan, steps=plan.steps + 10**6), place, only=6 * plan.accumulate)
    least = plan.accumulate * statistics.median(passes)
    step, waited = statistics.median(steps), plan.accumulate * statistics.median(waits)
    height, width = settings.data.size
    frames = settings.data.batch * plan.accumulate * at_hand.frames.shape[1]
    print(profiler.key_averages().table(sort_by=f"self_{'cuda' if device.type == 'cuda' else 'cpu'}_time_total",
                                        row_limit=14, max_name_column_width=48))  # fmt: skip
    print(f"{width}x{height}, {frames} frames a step, {settings.precision.value}, {device}")
    print(f"{'bare':>10s} {'loop':>10s} {'data':>10s} {'bare/loop':>10s}   (ms a step, median)")
    print(f"{1000 * least:10.1f} {1000 * step:10.1f} {1000 * waited:10.1f} {least / step:10.3f}")
    figures = {
        **{"benchmark": "training", "size": [height, width], "frames": frames, "workers": settings.data.workers},
        **{"device": str(device), "precision": settings.precision.value, "threads": torch.get_num_threads()},
        **{"bare_ms": 1000 * least, "loop_ms": 1000 * step, "data_ms": 1000 * waited, "ratio": least / step},
        "images_per_second": frames / step,
    }
    print(json.dumps(figures))


def activities(device: torch.device) -> list[ProfilerActivity]:
    return [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]


class Enough(Exception):
    """The data end here."""


def run(timed: Timed, settings: TrainingSettings, plan: Plan, place: Path, only: int | None = None) -> None:
    """The loop, on from where the last round ended; with ``only``, for so many batches and unsaved."""

    def batches(first: int) -> Iterator[Batch]:
        for number, batch in enumerate(timed.batches(settings, first)):
            if number == only:
                raise Enough
            yield batch

    try:
        with Progress(JsonLines(io.StringIO())) as progress:
            train(timed, batches, plan, place / "run", progress)
    except Enough:
        pass


if __name__ == "__main__":
    main()
