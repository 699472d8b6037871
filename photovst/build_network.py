"""What turns the settings of a run with a trained network into that network, ready to run; see build.py."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from photovst.build import build_cache
from photovst.build_predicted import build_painter, network_path
from photovst.config import Backend, NetworkPrecision, Settings, StylerKind
from photovst.errors import SettingsError
from photovst.feedforward.conversion import NEEDS_ONNX, any_size, to_onnx
from photovst.feedforward.onnx_network import OnnxNetwork
from photovst.feedforward.torch_network import TorchNetwork
from photovst.feedforward.with_style import WithStyle
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

    def __call__(self, frames: Tensor, vectors: Tensor | None = None) -> Tensor:
        """``(b, 3, h, w)`` float32 in [0, 1], and so what comes out; in the style of ``vectors`` where it takes any."""
        ...


@dataclass(frozen=True, eq=False)
class Restyler:
    """A network, how many frames it takes at once, and where; and its style vector over time, where that moves."""

    network: Network
    batch: int
    device: torch.device
    style_at: Callable[[float], Tensor] | None = None

    def restyled(self, frames: Tensor, times: Sequence[float]) -> Tensor:
        """Frames that are shown at these times, in seconds, restyled."""
        if self.style_at is None:
            return self.network(frames)
        return self.network(frames, torch.stack([self.style_at(time) for time in times]).to(frames))


def build_restyler(settings: Settings, device: torch.device, size: Size, *, still: bool = False) -> Restyler:
    """The trained network that the style names, or one of any style that was told it.

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
    painter = build_painter(settings) if settings.styler is StylerKind.predicted else None
    module = load_network(settings.style).module if painter is None else painter.module
    style_at = painter.at if painter is not None and painter.weights.moves else None
    batch = 1 if still else chosen.batch or (1 if device.type == "cpu" else GPU_BATCH)
    network: Network
    if chosen.backend is Backend.onnxruntime:
        if style_at is not None or settings.predicted.content:
            raise SettingsError(
                "feedforward.backend=onnxruntime takes one style throughout; leave predicted.keyframes and"
                " predicted.content out, or set feedforward.backend=torch"
            )
        shape = None if any_size(module) else (batch, size)
        network = OnnxNetwork(module, _onnx(settings, module, shape), shape)
    else:
        dtype = DTYPES[chosen.precision]
        network = TorchNetwork(module, device, dtype, channels_last=chosen.channels_last, compile=chosen.compile)
    network.prepare(batch, size, device)
    return Restyler(network, batch, device, style_at)


def _identity(settings: Settings, module: nn.Module) -> str:
    """What a network is, and what it was told."""
    if not isinstance(module, WithStyle):
        return hash_input(settings.style)
    told = hashlib.sha256(module.vector.numpy().tobytes()).hexdigest()
    return f"{hash_input(network_path(settings))} {told}"


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
    kind = f"onnx {_identity(settings, module)} {shape} {versions} {code_version()['sha256']}"
    stored = cache.get(kind, (), lambda: {"model": np.frombuffer(to_onnx(module, shape), np.uint8)})
    return stored["model"].tobytes()
