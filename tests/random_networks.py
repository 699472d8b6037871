"""Small trained networks that were never trained, as files."""

from __future__ import annotations

from pathlib import Path

import torch
from small_runs import scene

from photovst.media.records import Picture
from photovst.media.scenes import Look
from photovst.models.network_files import TrainedNetwork, save_network
from photovst.models.networks import build_network

SMALL = {
    "reconet": {"width": 4, "blocks": 1},
    "johnson": {"width": 4, "blocks": 1},
    "grid": {"width": 4, "luma": 4, "rows": 3, "columns": 4, "size": 32},
    "arbitrary": {"width": 4, "blocks": 1, "bottleneck": 8},
    "photographic": {"width": 4, "luma": 4, "rows": 6, "columns": 8, "size": 64, "learned": 4},
}


def write_network(
    path: str | Path, kind: str = "reconet", style: Picture | None = None, seed: int = 0, **about: str
) -> Path:
    """A network of random weights, and a sunset as its style image."""
    network = build_network(kind, SMALL[kind]).eval()
    random = torch.Generator().manual_seed(seed)
    for value in network.parameters():
        value.data = 0.2 * torch.randn(value.shape, generator=random)
    style = scene(Look.sunset, 1, seed=11)[0] if style is None else style
    save_network(Path(path), TrainedNetwork(network, kind, SMALL[kind], style, {"name": "random", **about}))
    return Path(path)


def write_any_style(path: str | Path, kind: str = "photographic", seed: int = 0, **about: str) -> Path:
    """A network of any style as it is before training: the photographic one is its closed form."""
    torch.manual_seed(seed)
    network = build_network(kind, SMALL[kind]).eval()
    save_network(Path(path), TrainedNetwork(network, kind, SMALL[kind], None, {"name": "untrained", **about}))
    return Path(path)
