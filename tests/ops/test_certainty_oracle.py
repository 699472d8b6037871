"""The coded certainty against maps that the released program of Ruder et al. wrote for published flows."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.media.flow_files import read_flow
from photovst.ops.certainty import forward_backward_certainty

MAPS = [(i, j) for k in range(1, 5) for i, j in ((k, k + 1), (k + 1, k))]


def _flow(folder: Path, i: int, j: int) -> Tensor:
    name = f"{'forward' if i < j else 'backward'}_{i}_{j}.flo"
    return torch.from_numpy(read_flow(folder / name)).permute(2, 0, 1)[None]


@pytest.mark.parametrize(("i", "j"), MAPS)
def test_coded_is_what_the_released_program_writes(shared: Path, i: int, j: int) -> None:
    folder = shared / "data" / "marple8"
    there, back = _flow(folder, i, j), _flow(folder, j, i)
    released = cv2.imread(str(folder / f"reliable_{i}_{j}.pgm"), cv2.IMREAD_UNCHANGED)
    ours = 255 * forward_backward_certainty(there.double(), back.double(), "coded")[0, 0].numpy()
    # Its kernel of single precision sums to a little less than one, so that whole numbers are rounded down too.
    np.testing.assert_array_equal(np.floor((ours - 1e-5).clip(0)), released)
    single = 255 * forward_backward_certainty(there, back, "coded")[0, 0].numpy()
    assert (np.abs(single - released) <= 2).mean() >= 0.99
    # It is a real test: certain is not everywhere, and the flows the wrong way round do not match.
    assert 0.02 < (released < 128).mean() < 0.5
    swapped = 255 * forward_backward_certainty(back, there, "coded")[0, 0].numpy()
    assert (np.abs(swapped - released) <= 2).mean() < 0.95
