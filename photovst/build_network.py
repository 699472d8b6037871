"""What turns the settings of a run with a trained network into that network, ready to run; see build.py."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from photovst.build import build_cache
from photovst.config import Backend, NetworkPrecision, Settings
from photovst.errors import SettingsError
from photovst.feedforward.conversion import NEEDS_ONNX, any_size, to_onnx
from photovst.feedforward.onnx_network import OnnxNetwork
from photovst.feedforward.torch_network import TorchNetwork
from photovst.models.network_files import load_network
from photovst.provenance import code_version, hash_input
from photovst.types import Size

GPU_BATCH = 8

DTYPES = {
    NetworkPrecision.float32: torch.float32,
    NetworkPrecision.bfloat16: torch.bfloat16,
    NetworkPrecision.float16: torch.float16,
}

CONVERTERS = ("torch", "onnx", "onnxscript")
"""Packages that a converted network depends on."""


class Network(Protocol):
    """Restyles frames."""

    def prepare(self, batch: int, size: Size, device: torch.device) -> None:
        """Get ready for frames of this size, so many at once."""
        ...

    def __call__(self, frames: Tensor) -> Tensor:
        """``(b, 3, h, w)`` float32 in [0, 1], and so what comes out."""
        ...


@dataclass(frozen=True, eq=False)
class Restyler:
    """A network, how many frames it takes at once, and where."""

    network: Network
    batch: int
    device: torch.device


def build_restyler(settings: Settings, device: torch.device, size: Size, *, still: bool = False) -> Restyler:
    """The trained network that the style names.

    Args:
        settings: of the run.
        device: where it is to be computed.
        size: of the frames.
        still: there is one frame only.

    Raises:
        WeightsError: the file is not what it should be, or its converted form differs from it.
        SettingsError: backend, precision and device do not go together, or a package is not installed.
    """
    chosen = settings.feedforward
    _check(settings, device)
    module = load_network(settings.style).module
    batch = 1 if still else chosen.batch or (1 if device.type == "cpu" else GPU_BATCH)
    network: Network
    if chosen.backend is Backend.onnxruntime:
        shape = None if any_size(module) else (batch, size)
        network = OnnxNetwork(module, _onnx(settings, module, shape), shape)
    else:
        dtype = DTYPES[chosen.precision]
        network = TorchNetwork(module, device, dtype, channels_last=chosen.channels_last, compile=chosen.compile)
    network.prepare(batch, size, device)
    return Restyler(network, batch, device)


def _check(settings: Settings, device: torch.device) -> None:
    chosen = settings.feedforward
    if chosen.backend is Backend.onnxruntime:
        if device.type != "cpu":
            raise SettingsError(
                f"feedforward.backend=onnxruntime is for the CPU, but the device is {device}; set device=cpu, or"
                " feedforward.backend=torch"
            )
        if chosen.precision is not NetworkPrecision.float32 or chosen.compile:
            raise SettingsError(
                "feedforward.backend=onnxruntime computes in float32 and compiles nothing; leave feedforward.precision"
                " and feedforward.compile out"
            )
    elif chosen.precision is NetworkPrecision.float16 and device.type == "cpu":
        raise SettingsError(
            "feedforward.precision=float16 is for a GPU, but the device is cpu; set feedforward.precision=bfloat16 or"
            " float32"
        )


def _onnx(settings: Settings, module: nn.Module, shape: tuple[int, Size] | None) -> bytes:
    """The converted network, kept by content: converting takes seconds."""
    cache = build_cache(settings)
    if cache is None:
        return to_onnx(module, shape)
    try:
        versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in CONVERTERS)
    except importlib.metadata.PackageNotFoundError as error:
        raise SettingsError(NEEDS_ONNX) from error
    kind = f"onnx {hash_input(settings.style)} {shape} {versions} {code_version()['sha256']}"
    stored = cache.get(kind, (), lambda: {"model": np.frombuffer(to_onnx(module, shape), np.uint8)})
    return stored["model"].tobytes()
