"""What is trained, and by which loss."""

from __future__ import annotations

from typing import Protocol

from torch import nn

from photovst.losses.objective import Breakdown
from photovst.training.batch import Batch


class Task(Protocol):
    """A network and what it is trained for."""

    module: nn.Module
    """What is trained."""

    def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
        """The terms of a batch: the mean over its samples, differentiable.

        Args:
            module: the network, perhaps wrapped or compiled; it is called once, on all frames.
            batch: on the network's device.
        """
        ...
