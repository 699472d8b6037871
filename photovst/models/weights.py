"""Published weights as tensors. They are found and verified in weight_files.py, without PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor

from photovst.models.checkpoints import Checkpoint
from photovst.models.download import Progress
from photovst.models.weight_files import find


def load(checkpoint: Checkpoint, progress: Progress | None = None) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by name, on the CPU; downloaded first where they are in no folder.

    Args:
        checkpoint: which.
        progress: told of the bytes of a download, as in `find`.

    Raises:
        WeightsError: it is not the published file, or it is absent and cannot be downloaded.
    """
    content = torch.load(find(checkpoint, progress), weights_only=True, map_location="cpu")
    return dict(content.get("model", content))
