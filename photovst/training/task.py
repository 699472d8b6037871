"""What is trained, and what it is held to: the seam between the loop and the losses."""

from __future__ import annotations

from typing import Protocol

from torch import nn

from photovst.losses.objective import Breakdown
from photovst.training.batch import Batch


class Task(Protocol):
    """A network and its loss."""

    @property
    def module(self) -> nn.Module:
        """What is trained: the loop wraps it, for several processes or compiled, and passes it back to `loss`."""
        ...

    def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
        """The loss of a batch; calls the module once, on all frames."""
        ...
