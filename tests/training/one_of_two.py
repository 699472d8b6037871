"""One of two processes of a training, as a program: the second one's data fail, and both go on from the checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from photovst.errors import MediaError
from photovst.losses.objective import Breakdown
from photovst.training.batch import Batch
from photovst.training.distributed import EndedElsewhere, ranks
from photovst.training.plan import Plan
from training.tiny_task import TinyTask, batch, run

PLAN = Plan(steps=6, learning_rate=0.02, accumulate=2, ema=0.9, log_every=1)
FAILS = 7
"""The batch that cannot be made: the second one of the fourth step."""


class Quiet(TinyTask):
    """Draws nothing: the draws of two processes are not those of one."""

    def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
        error = (module(batch.frames.flatten(0, 1)) - (1 - batch.frames.flatten(0, 1))).square().mean()
        return Breakdown({"content": error}, {"content": 1.0}, error, error)


def both(first: int) -> Iterator[Batch]:
    """What the two processes see, in one."""
    while True:
        parts = [batch(2 * first + rank) for rank in range(2)]
        yield Batch(*(torch.cat([getattr(p, f) for p in parts]) for f in ("frames", "flow", "certainty", "labels")))
        first += 1


def share(rank: int, fails: bool) -> Callable[[int], Iterator[Batch]]:
    def batches(first: int) -> Iterator[Batch]:
        while True:
            if fails and first == FAILS:
                raise MediaError("flow is missing")
            yield batch(2 * first + rank)
            first += 1

    return batches


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    rank = ranks().rank
    ended = "well"
    try:
        run(Quiet(seed=rank), PLAN, folder, batches=share(rank, fails=rank == 1))
    except MediaError as error:
        ended = str(error)
    except EndedElsewhere as error:
        ended = f"elsewhere with {error.code}"
    print(ended, flush=True)
    task = Quiet(seed=rank)  # the first process's weights are everybody's
    run(task, PLAN, folder, batches=share(rank, fails=False))
    torch.save(task.weights(), folder / f"weights_{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
