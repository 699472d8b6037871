"""A running mean of a network's weights, which is steadier than the last ones [Polyak1992]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """An exponential moving average of weights; buffers are taken as they are.

    The decay of step ``n`` is ``min(decay, (1 + n) / (10 + n))``: the first weights, which are noise, are
    soon forgotten.

    Args:
        module: whose weights.
        decay: share of the former mean that stays in each step.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self._live = module.state_dict()  # shares the weights' memory
        self._mean = {name: weight.clone() for name, weight in self._live.items()}
        names = [name for name, _ in module.named_parameters() if name in self._live]
        self._names, self._rest = names, sorted(self._live.keys() - set(names))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step (from 0)."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_([self._mean[n] for n in self._names], [self._live[n] for n in self._names], share)
        for name in self._rest:
            self._mean[name].copy_(self._live[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module has the mean weights inside this block, and its own ones again after it."""
        own = {name: weight.clone() for name, weight in self._live.items()}
        _copy(self._mean, self._live)
        try:
            yield
        finally:
            _copy(own, self._live)

    def settle(self) -> None:
        """The module takes the mean weights for good."""
        _copy(self._mean, self._live)

    def state(self) -> dict[str, Tensor]:
        """The mean weights by name."""
        return self._mean

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up a former :meth:`state`.

        Raises:
            KeyError: a weight is missing.
        """
        _copy(state, self._mean)


@torch.no_grad()
def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    for name, weight in target.items():
        weight.copy_(source[name])
