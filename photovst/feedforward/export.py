"""A trained network written for other programs, once it is known to give the same there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from photovst.errors import MediaError, SettingsError
from photovst.feedforward.conversion import (
    SIZES,
    Call,
    any_size,
    largest_difference,
    onnx_call,
    to_onnx,
    to_torchscript,
    torchscript_call,
)
from photovst.media.publish import check_new_file
from photovst.models.network_files import TrainedNetwork, load_network
from photovst.storage import write_atomic
from photovst.types import Size

Convert = Callable[[nn.Module, tuple[int, Size] | None], bytes]

FORMATS: dict[str, tuple[str, Convert, Callable[[bytes], Call]]] = {
    ".onnx": ("ONNX", to_onnx, lambda model: onnx_call(model, threads=1)),
    ".pt": ("TorchScript", to_torchscript, torchscript_call),
}
"""By suffix: a format's name, what makes it and what runs it."""


def _as_it_is(network: TrainedNetwork) -> nn.Module:
    return network.module


def export_network(
    model: Path,
    output: Path,
    size: Size | None = None,
    *,
    overwrite: bool = False,
    of: Callable[[TrainedNetwork], nn.Module] = _as_it_is,
) -> str:
    """Write a network as ONNX (``.onnx``) or TorchScript (``.pt``), whole or not at all; gives a line of what came out.

    Args:
        model: the trained network.
        output: its suffix says which format.
        size: of the frames it is to take, one at a time; where it is not given any, and any number at once, if the
            network allows that.
        overwrite: replace what is there.
        of: gives what is written of the network, ``frame -> frame``.

    Raises:
        WeightsError: the file is no network, or what was made of it gives something else; nothing is written then.
        SettingsError: the suffix is neither, the network needs a size, or a package is not installed.
        MediaError: there is a file already, or none can be written.
    """
    if output.suffix.lower() not in FORMATS:
        raise SettingsError(f"{output} says no format; give it the suffix {' or '.join(FORMATS)}")
    name, convert, run = FORMATS[output.suffix.lower()]
    check_new_file(output, "the network", overwrite=overwrite)
    network = load_network(model)
    module = of(network)
    if size is None and not any_size(module):
        raise SettingsError(
            f"{model} is a {network.kind} network, which is exported for one size of frame; give it, such as"
            " --size 1280x720"
        )
    shape = None if size is None else (1, size)
    made = convert(module, shape)
    shapes = [(count, each) for count, each in enumerate(SIZES, start=1)] if shape is None else [shape]
    difference = largest_difference(module, run(made), shapes)
    try:
        write_atomic(output, made)
    except OSError as error:
        raise MediaError(f"cannot write {output} ({error.strerror}); choose another place") from error
    told = "any size" if size is None else f"{size[1]}x{size[0]}"
    at = " and ".join(f"{each[1]}x{each[0]}" for _, each in shapes)
    return (
        f"{output}: {name}, {len(made) / 1e6:.1f} MB, frames of {told}; largest difference from {model.name}"
        f" {difference:.1e} of [0, 1] at {at}"
    )
