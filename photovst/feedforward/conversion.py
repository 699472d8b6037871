"""Trained networks in formats that other programs run: ONNX and TorchScript, held against the network itself.

Convolutional networks are converted for frames of any size and any number at once. A grid network looks at a copy of
the frame that is 192 pixels long, say, whose other side is rounded: no format here can tell that of a size unknown,
so it is converted for one size.
"""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning  # torch.jit has it, too, but does not say so

from photovst.errors import SettingsError, WeightsError
from photovst.models.grid_network import GridNetwork
from photovst.ops.resize import taps
from photovst.types import Size

TOLERANCE = 1e-3
"""By how much a converted network may differ, of [0, 1]: a quarter of a level of 8 bits."""

SIZES: tuple[Size, ...] = ((64, 96), (75, 101))
"""Of the frames that are compared where any size goes; no side of the second is a multiple of 4."""

LARGEST = 16384
"""The longest side in pixels that a converted network is made for."""

NEEDS_ONNX = "onnx, onnxscript and onnxruntime are not all installed; run: pip install 'photovst[onnx]'"

Call = Callable[[Tensor], Tensor]


def any_size(module: nn.Module) -> bool:
    """Whether a network can be converted for frames of any size."""
    return not isinstance(module, GridNetwork)


def to_onnx(module: nn.Module, shape: tuple[int, Size] | None = None) -> bytes:
    """A network as an ONNX model: input ``frame`` and output ``result``, both ``(b, 3, h, w)`` float32 in [0, 1].

    Args:
        module: on the CPU, float32.
        shape: the number of frames at once and their size; any where it is not given.

    Raises:
        SettingsError: the packages that this takes are not installed.
    """
    for package in ("onnx", "onnxscript"):
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise SettingsError(NEEDS_ONNX) from error
    # Marked here and not where it stands: what marks it loads the compiler, which no other command needs.
    torch.compiler.assume_constant_result(taps)  # type: ignore[no-untyped-call]
    axes = {0: torch.export.Dim("b", max=256), 2: _side("h"), 3: _side("w")}
    with _quietly():
        program = torch.onnx.export(
            module,
            (_example(shape),),
            dynamo=True,
            dynamic_shapes=(axes if shape is None else None,),
            input_names=["frame"],
            output_names=["result"],
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


def to_torchscript(module: nn.Module, shape: tuple[int, Size] | None = None) -> bytes:
    """A network as TorchScript, ``(b, 3, h, w) -> (b, 3, h, w)``; ``torch.jit.load`` and libtorch read it.

    PyTorch calls it deprecated, and still has nothing else that C++ programs load without a compiler.
    """
    data = io.BytesIO()
    with _quietly():
        torch.jit.save(torch.jit.trace(module, _example(shape)), data)  # type: ignore[no-untyped-call]
    return data.getvalue()


def onnx_call(model: bytes, threads: int) -> Call:
    """An ONNX model computed by ONNX Runtime on the CPU.

    Raises:
        SettingsError: ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise SettingsError(NEEDS_ONNX) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def call(frames: Tensor) -> Tensor:
        (result,) = session.run(["result"], {"frame": frames.contiguous().numpy()})
        return torch.from_numpy(result)

    return call


def torchscript_call(model: bytes) -> Call:
    """A TorchScript model on the CPU."""
    with _quietly():
        loaded = torch.jit.load(io.BytesIO(model), map_location="cpu")  # type: ignore[no-untyped-call]

    def call(frames: Tensor) -> Tensor:
        with _quietly():
            result: Tensor = loaded(frames)
        return result

    return call


@torch.inference_mode()
def largest_difference(module: nn.Module, converted: Call, shapes: Sequence[tuple[int, Size]]) -> float:
    """How far results differ at most, in [0, 1], over frames of these numbers and sizes.

    Raises:
        WeightsError: by more than `TOLERANCE`, or in shape.
    """
    largest = 0.0
    for batch, size in shapes:
        frames = _frames(batch, size)
        expected, given = module(frames), converted(frames)
        shown = f"{size[1]}x{size[0]}"
        if given.shape != expected.shape:
            raise WeightsError(f"the converted network gives frames of another size at {shown}; use the torch backend")
        difference = float((given - expected).abs().max())
        if not difference <= TOLERANCE:  # nor NaN
            raise WeightsError(
                f"the converted network differs from the network itself by {difference:.2g} of [0, 1] at {shown}, more"
                f" than {TOLERANCE:g}; use the torch backend"
            )
        largest = max(largest, difference)
    return largest


def _example(shape: tuple[int, Size] | None) -> Tensor:
    # Numbers that occur nowhere in a network, so that none of its own is taken for a side of the frame.
    return _frames(*(shape or (2, (67, 83))))


def _frames(batch: int, size: Size) -> Tensor:
    return torch.rand(batch, 3, *size, generator=torch.Generator().manual_seed(0))


def _side(name: str) -> torch.export.Dim:
    return torch.export.Dim(name, min=16, max=LARGEST)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what PyTorch says of its own inside, and of formats that it would have replaced."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, FutureWarning, UserWarning, TracerWarning):
            warnings.simplefilter("ignore", kind)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
