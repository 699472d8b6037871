"""Endless batches from a given step on, made ahead by worker processes; the same whatever their number."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from photovst.errors import MediaError, PhotovstError, SettingsError
from photovst.training.batch import Batch, Sample, collate

_AHEAD = 2
"""Batches that each worker makes ahead."""

_STOPPED = PhotovstError("the training data was closed; open it again")
"""Stands for the samples that were asked for before."""


class Samples(Protocol):
    """Numbered samples; see `Mixture`."""

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, always the same."""
        ...


def stream(
    data: Samples,
    first_step: int,
    batch: int,
    workers: int = 0,
    pin: bool = False,
    rank: int = 0,
    ranks: int = 1,
) -> Generator[Batch, None, None]:
    """Batches without end. Step ``s`` of rank ``r`` holds the samples from ``(s * ranks + r) * batch`` on.

    So the ranks of one training share no sample, and together see what one process with batches so much larger sees.
    `close()` ends the workers.

    Args:
        data: the samples.
        first_step: where to begin.
        batch: samples a batch.
        workers: processes that make them, each with one thread; 0 makes them here, when they are asked for.
        pin: whether batches lie in page-locked memory, for a GPU.
        rank: which process of the training this is.
        ranks: how many there are.

    Raises:
        SettingsError: a number is out of range.
        PhotovstError: what making a sample raises, as it is, also from a worker.
        MediaError: a worker died.
    """
    if first_step < 0 or batch < 1 or workers < 0 or not 0 <= rank < ranks:
        raise SettingsError(
            f"no batches from step {first_step}, of {batch} samples, by {workers} workers, for rank {rank} of {ranks}:"
            " steps and workers from 0, samples from 1, ranks from 0 to below their number"
        )
    return _batches(data, first_step, batch, workers, pin, rank, ranks)


def _batches(
    data: Samples, first_step: int, batch: int, workers: int, pin: bool, rank: int, ranks: int
) -> Generator[Batch, None, None]:
    # Not by fork: threads of PyTorch and OpenCV that run here would be copied as they stand, locks and all.
    context = multiprocessing.get_context("spawn")
    # A flag without a lock, which a worker that is killed could take with it.
    stop = context.RawValue(ctypes.c_bool, False)
    numbers = _Numbers(first_step, batch, rank, ranks, stop)
    loader: DataLoader[Any] = DataLoader(
        _Guarded(data, stop),
        batch_sampler=numbers,
        num_workers=workers,
        collate_fn=_collated,
        pin_memory=pin,
        worker_init_fn=_quiet_and_single,
        prefetch_factor=_AHEAD if workers else None,
        multiprocessing_context=context if workers else None,
    )
    batches = iter(loader)
    try:
        while True:
            made = _next(batches)
            if isinstance(made, PhotovstError):
                raise made
            yield made
    finally:
        # What the workers have begun is waited for: one that is ended while it hands on a batch aborts noisily.
        stop.value = True
        with suppress(MediaError, StopIteration):
            while True:
                _next(batches)


def _next(batches: Iterator[Batch | PhotovstError]) -> Batch | PhotovstError:
    try:
        return next(batches)
    except (RuntimeError, ConnectionError, EOFError) as error:
        if isinstance(error, RuntimeError) and "worker" not in str(error):
            raise
        reason = str(error).partition("\n")[0]
        raise MediaError(
            f"a worker that makes training data ended by itself ({reason}); it may have run out of memory: use fewer"
            " workers"
        ) from error


@dataclass(frozen=True)
class _Numbers:
    """Which samples are in each batch, without end unless stopped."""

    first_step: int
    batch: int
    rank: int
    ranks: int
    stop: ctypes.c_bool

    def __iter__(self) -> Iterator[list[int]]:
        step = self.first_step
        while not self.stop.value:
            begin = (step * self.ranks + self.rank) * self.batch
            yield list(range(begin, begin + self.batch))
            step += 1


class _Guarded(Dataset[Sample | PhotovstError]):
    """Samples, or what making them raised: a worker would hand it on with its own traceback as the message."""

    def __init__(self, data: Samples, stop: ctypes.c_bool) -> None:
        self.data, self.stop = data, stop

    def __getitem__(self, index: int) -> Sample | PhotovstError:
        if self.stop.value:
            return _STOPPED
        try:
            return self.data[index]
        except PhotovstError as error:
            return error


def _collated(samples: list[Sample | PhotovstError]) -> Batch | PhotovstError:
    made = [sample for sample in samples if isinstance(sample, Sample)]
    failed = [sample for sample in samples if isinstance(sample, PhotovstError)]
    return failed[0] if failed else collate(made)


def _quiet_and_single(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the training ends its workers itself
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
