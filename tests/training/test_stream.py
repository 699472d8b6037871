import multiprocessing
from itertools import islice

import pytest
import torch

from photovst.errors import MediaError, SettingsError
from photovst.training.batch import Batch
from photovst.training.stream import stream

from .numbered_source import Numbered


def _numbers(batch: Batch) -> list[int]:
    return [int(value) for value in batch.frames[:, 0, 0, 0, 0]]


def test_it_begins_at_the_step_asked_for() -> None:
    batches = stream(Numbered(), first_step=3, batch=4)
    assert [_numbers(batch) for batch in islice(batches, 2)] == [[12, 13, 14, 15], [16, 17, 18, 19]]


def test_ranks_share_no_sample_and_together_see_the_larger_batch() -> None:
    whole = [_numbers(batch) for batch in islice(stream(Numbered(), 2, batch=6), 3)]
    parts = [[_numbers(each) for each in islice(stream(Numbered(), 2, 3, rank=rank, ranks=2), 3)] for rank in (0, 1)]
    assert [first + second for first, second in zip(*parts, strict=True)] == whole


def test_workers_give_the_same_batches_by_one_thread_each_and_hand_on_errors_as_they_are() -> None:
    batches = stream(Numbered(damaged=15), first_step=3, batch=2, workers=2)
    made = list(islice(batches, 4))
    assert [_numbers(batch) for batch in made] == [[6, 7], [8, 9], [10, 11], [12, 13]]
    assert {int(batch.labels.max()) for batch in made} == {1}
    assert len(multiprocessing.active_children()) == 2
    with pytest.raises(MediaError, match=r"^sample 15 is damaged; get it again$"):
        next(batches)
    assert multiprocessing.active_children() == []


def test_errors_without_workers() -> None:
    with pytest.raises(MediaError, match="sample 1 is damaged"):
        next(stream(Numbered(damaged=1), 0, batch=2))
    for kinds in ({"first_step": -1}, {"batch": 0}, {"workers": -1}, {"rank": 2, "ranks": 2}):
        with pytest.raises(SettingsError, match="no batches from step"):
            stream(Numbered(), **{"first_step": 0, "batch": 1, **kinds})  # type: ignore[arg-type]


def test_pinned_batches_go_through_the_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU: page-locked memory needs one")
    assert next(stream(Numbered(), 0, 1, pin=True)).frames.is_pinned()
