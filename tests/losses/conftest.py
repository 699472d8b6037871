import os

import pytest
import torch

# pymatting, one of the oracles, imports numba, which would set PyTorch's threads to the number of cores for all tests
# after it. Set before any of them runs.
os.environ.setdefault("NUMBA_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
