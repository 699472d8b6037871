"""The trained networks there are, by the names that their files carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from photovst.errors import WeightsError, did_you_mean
from photovst.models.arbitrary import Arbitrary
from photovst.models.grid_network import GridNetwork
from photovst.models.johnson import Johnson
from photovst.models.photographic import Photographic
from photovst.models.reconet import ReCoNet

KINDS: Mapping[str, Callable[..., nn.Module]] = {
    "reconet": ReCoNet,
    "johnson": Johnson,
    "grid": GridNetwork,
    "arbitrary": Arbitrary,
    "photographic": Photographic,
}
"""What makes a network of each kind from its options."""

CONDITIONED = frozenset({"arbitrary", "photographic"})
"""Kinds that take a style beside the frame: their files carry no style picture."""


def build_network(kind: str, options: Mapping[str, Any]) -> nn.Module:
    """A network of a kind, untrained.

    Args:
        kind: one of `KINDS`.
        options: keyword arguments of its class.

    Raises:
        WeightsError: there is no such kind, or it has no such option.
    """
    if kind not in KINDS:
        raise WeightsError(f"there is no kind of network {kind!r}; {did_you_mean(kind, KINDS)}")
    try:
        return KINDS[kind](**options)
    except TypeError as error:
        raise WeightsError(f"a network of kind {kind!r} cannot be made with {dict(options)}: {error}") from error
