"""A network of a few hundred weights, a loss it can lower, and batches that are functions of their number."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from photovst.losses.objective import Breakdown
from photovst.progress import JsonLines, Progress
from photovst.training.batch import Batch
from photovst.training.loop import train
from photovst.training.loss_log import read_losses
from photovst.training.plan import Plan


class TinyTask:
    """Frames are to come out inverted, and alike on both frames of a sample."""

    def __init__(self, seed: int = 0, width: int = 4) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.module: nn.Module = nn.Sequential(
                nn.Conv2d(3, width, 3, padding=1, bias=False),
                nn.InstanceNorm2d(width, affine=True),
                nn.ReLU(),
                nn.Conv2d(width, 3, 1),
            )
        self.calls = 0
        self.before: Callable[[int], None] = lambda call: None

    def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
        """Draws from PyTorch's generator, as a task may."""
        self.before(self.calls)
        self.calls += 1
        frames = batch.frames.flatten(0, 1)
        made: Tensor = module(frames + 0.01 * torch.randn_like(frames))
        pairs = made.unflatten(0, batch.frames.shape[:2])
        values = {"content": (made - (1 - frames)).square().mean(), "steady": (pairs[:, 0] - pairs[:, 1]).abs().mean()}
        weights = {"content": 1.0, "steady": 0.1}
        total = sum((weights[name] * value for name, value in values.items()), start=made.new_zeros(()))
        return Breakdown(values, weights, total, total)

    def weights(self) -> dict[str, Tensor]:
        return {name: weight.clone() for name, weight in self.module.state_dict().items()}


def batch(number: int, samples: int = 2) -> Batch:
    frames = torch.rand(samples, 2, 3, 16, 16, generator=torch.Generator().manual_seed(number))
    plane = torch.zeros(samples, 1, 2, 16, 16)
    return Batch(frames, plane, plane[:, :, :1] + 1, torch.zeros(samples, 2, 16, 16, dtype=torch.uint8))


def batches(first: int) -> Iterator[Batch]:
    while True:
        yield batch(first)
        first += 1


def run(task: TinyTask, plan: Plan, folder: Path, **others: Any) -> str:
    """Trains, and gives what was told, as JSON lines."""
    stream = io.StringIO()
    given = others.pop("batches", batches)
    with Progress(JsonLines(stream)) as progress:
        train(task, given, plan, folder, progress, **others)
    return stream.getvalue()


def losses(folder: Path) -> list[dict[str, Any]]:
    """The records of a training without what the clock says."""
    records = read_losses(folder / "losses.jsonl")
    return [{k: v for k, v in record.items() if k not in ("seconds", "images_per_second")} for record in records]
