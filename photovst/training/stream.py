"""Endless batches from a given step on, made ahead by worker processes; the same whatever their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from photovst.errors import MediaError, PhotovstError, SettingsError
from photovst.training.batch import Batch, Sample, collate

_AHEAD = 2
"""Batches that each worker makes ahead."""


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
) -> Iterator[Batch]:
    """Batches without end. Step ``s`` of rank ``r`` holds the samples from ``(s * ranks + r) * batch`` on.

    So the ranks of one training share no sample, and together see what one process with batches so much larger sees.
    Close the iterator (``.close()``, or let go of it) to end the workers.

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
) -> Iterator[Batch]:
    loader: DataLoader[Batch] = DataLoader(
        _Guarded(data),
        batch_sampler=_Numbers(first_step, batch, rank, ranks),
        num_workers=workers,
        collate_fn=_collated,
        pin_memory=pin,
        worker_init_fn=_one_thread,
        prefetch_factor=_AHEAD if workers else None,
        # Not by fork: threads of PyTorch and OpenCV that run here would be copied as they stand, locks and all.
        multiprocessing_context="spawn" if workers else None,
    )
    batches = iter(loader)
    try:
        while True:
            try:
                made = next(batches)
            except RuntimeError as error:
                if "worker" not in str(error):
                    raise
                raise MediaError(
                    f"a worker that makes training data ended by itself ({str(error).splitlines()[0]}); it may have"
                    " run out of memory: use fewer workers"
                ) from error
            if isinstance(made, PhotovstError):
                raise made
            yield made
    finally:
        del batches  # ends the workers


@dataclass(frozen=True)
class _Numbers:
    """Which samples are in each batch, without end."""

    first_step: int
    batch: int
    rank: int
    ranks: int

    def __iter__(self) -> Iterator[list[int]]:
        step = self.first_step
        while True:
            begin = (step * self.ranks + self.rank) * self.batch
            yield list(range(begin, begin + self.batch))
            step += 1


class _Guarded(Dataset[Sample | PhotovstError]):
    """Samples, or what making them raised: a worker would hand it on with its own traceback as the message."""

    def __init__(self, data: Samples) -> None:
        self.data = data

    def __getitem__(self, index: int) -> Sample | PhotovstError:
        try:
            return self.data[index]
        except PhotovstError as error:
            return error


def _collated(samples: list[Sample | PhotovstError]) -> Batch | PhotovstError:
    made = [sample for sample in samples if isinstance(sample, Sample)]
    failed = [sample for sample in samples if isinstance(sample, PhotovstError)]
    return failed[0] if failed else collate(made)


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
