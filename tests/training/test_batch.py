import pytest
import torch

from photovst.errors import MediaError
from photovst.training.batch import Batch, Sample, collate


def _sample(value: float, side: int = 4) -> Sample:
    return Sample(
        torch.full((3, 3, side, side), value),
        torch.full((2, 2, side, side), value),
        torch.ones(2, 1, side, side),
        torch.zeros(3, side, side, dtype=torch.uint8),
    )


def test_samples_are_stacked_in_order() -> None:
    batch = collate([_sample(0.25), _sample(0.5)])
    assert len(batch) == 2
    assert batch.frames.shape == (2, 3, 3, 4, 4)
    assert batch.flow.shape == (2, 2, 2, 4, 4)
    assert batch.certainty.shape == (2, 2, 1, 4, 4)
    assert batch.labels.dtype == torch.uint8
    assert batch.frames[:, 0, 0, 0, 0].tolist() == [0.25, 0.5]


def test_channels_last_holds_for_all_frames_together_without_a_copy() -> None:
    batch = collate([_sample(0.25), _sample(0.5)])
    moved = batch.to("cpu", channels_last=True)
    together = moved.frames.flatten(0, 1)
    assert together.is_contiguous(memory_format=torch.channels_last)
    assert together.data_ptr() == moved.frames.data_ptr()
    assert torch.equal(moved.frames, batch.frames)
    assert isinstance(moved, Batch)


def test_sizes_are_not_mixed() -> None:
    with pytest.raises(MediaError, match=r"one shape .*\(3, 3, 4, 4\), \(3, 3, 6, 6\)"):
        collate([_sample(0, 4), _sample(0, 6)])
    with pytest.raises(MediaError, match="none"):
        collate([])
