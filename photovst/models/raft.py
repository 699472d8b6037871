"""Recurrent All-Pairs Field Transforms [Teed2020]: torchvision's network, our loading of weights."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from photovst.errors import WeightsError
from photovst.models.torchvision_ops import import_torchvision

RaftKind = Literal["large", "small"]


def raft(state: Mapping[str, Tensor], kind: RaftKind) -> nn.Module:
    """The network with these weights, ready to be asked and never to be trained.

    ``network(first, second, num_flow_updates=n)`` takes frames ``(B, 3, H, W)`` in [-1, 1], sides of at least 128 that
    8 divides, and returns the flow ``(B, 2, H, W)`` in pixels after each update, the best one last.

    Args:
        state: tensors as in torchvision's checkpoints.
        kind: ``large`` (5.3 million weights) or ``small`` (1.0 million).

    Raises:
        WeightsError: the weights are of another network.
    """
    import_torchvision()
    models = importlib.import_module("torchvision.models.optical_flow")
    network: nn.Module = {"large": models.raft_large, "small": models.raft_small}[kind](weights=None, progress=False)
    expected, given = ({n: tuple(t.shape) for n, t in tensors.items()} for tensors in (network.state_dict(), state))
    if wrong := sorted(name for name in expected.keys() | given.keys() if expected.get(name) != given.get(name)):
        name = wrong[0]
        raise WeightsError(
            f"the weights are not those of raft_{kind}: {name} is {given.get(name, 'absent')} there and"
            f" {expected.get(name, 'absent')} in the network ({len(wrong)} tensors differ); give those the method names"
        )
    network.load_state_dict(dict(state))
    return network.eval().requires_grad_(False)
