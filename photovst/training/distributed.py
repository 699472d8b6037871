"""Trainings on several processes, as torchrun starts them: gradients and losses are means over all of them."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from photovst.errors import SettingsError

FAILED, STOPPED, DUE = range(3)


class EndedElsewhere(SystemExit):
    """Another process ended the training and has said why: this one ends without a word."""


@dataclass(frozen=True)
class Ranks:
    """This process among those of a training.

    Args:
        rank: its number, from 0.
        count: how many there are.
        local_rank: its number on this machine, which is that of its GPU.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes and tells."""
        return self.rank == 0


def ranks() -> Ranks:
    """What torchrun says in RANK, WORLD_SIZE and LOCAL_RANK; one process alone where it says nothing.

    Raises:
        SettingsError: it says only part of it, or no numbers.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    told = [os.environ.get(name) for name in names]
    if told[0] is None and told[1] is None:
        return Ranks()
    if not all(text is not None and text.isdecimal() for text in told) or int(str(told[0])) >= int(str(told[1])):
        given = ", ".join(f"{name}={text}" for name, text in zip(names, told, strict=True))
        raise SettingsError(f"{given} in the environment; start several processes with torchrun, or set none of these")
    rank, count, local_rank = (int(str(text)) for text in told)
    return Ranks(rank, count, local_rank)


class Together:
    """What the processes of a training do together; of one process alone all of it is free."""

    def __init__(self, ranks: Ranks, device: torch.device) -> None:
        self.ranks, self.device = ranks, device
        self._talk: dist.ProcessGroup | None = None
        if ranks.count > 1 and device.type != "cpu":
            self._talk = dist.new_group(backend="gloo")  # what is agreed on need not wait for the GPU

    @property
    def alone(self) -> bool:
        """Whether there is one process."""
        return self.ranks.count == 1

    def agree(self, *, failed: bool, stopped: bool, due: bool) -> tuple[bool, bool, bool]:
        """Whether this holds for any of the processes; all of them must ask at the same step."""
        if self.alone:
            return failed, stopped, due
        said = torch.tensor([failed, stopped, due], dtype=torch.int32)
        dist.all_reduce(said, dist.ReduceOp.MAX, group=self._talk)
        return bool(said[FAILED]), bool(said[STOPPED]), bool(said[DUE])

    def mean(self, figures: Tensor) -> Tensor:
        """The mean over the processes, of figures on the CPU."""
        if not self.alone:
            dist.all_reduce(figures, dist.ReduceOp.SUM, group=self._talk)
            figures /= self.ranks.count
        return figures

    def from_first(self, numbers: Sequence[int]) -> list[int]:
        """What the first process has here."""
        told = torch.tensor(numbers, dtype=torch.int64)
        if not self.alone:
            dist.broadcast(told, 0, group=self._talk)
        return told.tolist()


@contextmanager
def together(ranks: Ranks, device: torch.device) -> Iterator[Together]:
    """Meet the other processes.

    They part when their processes end, not here: Gloo's threads may still let go of what the last exchange held, for
    which they need the interpreter, and to destroy the group would wait for them without giving it free.

    Raises:
        EndedElsewhere: another process is gone.
    """
    if ranks.count == 1:
        yield Together(ranks, device)
        return
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=ranks.rank, world_size=ranks.count)
        if device.type == "cuda":
            atexit.register(dist.destroy_process_group)  # or NCCL complains
    try:
        yield Together(ranks, device)
    except RuntimeError as error:
        if not _lost_another(error):
            raise
        raise EndedElsewhere(2) from error


def _lost_another(error: RuntimeError) -> bool:
    """Whether a collective failed since its other end is gone; only some of these errors have a class of their own."""
    words = ("Connection closed by peer", "Connection reset by peer", "Connection refused", "Broken pipe")
    return isinstance(error, dist.DistError) or any(word in str(error) for word in words)
