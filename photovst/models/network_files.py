"""Files of trained networks: weights, the style they were trained for, and what is said of them, in one safetensors.

The header holds one text, ``photovst``, in JSON (of several, safetensors writes the order as it comes): ``version`` of
this layout, ``kind`` and ``options`` that the network is built from, ``about`` with whatever its makers say. Tensors
are ``network.NAME``, in half precision where nothing else is asked for, and ``style``, the style image as bytes, which
a network of any style has not.
Nothing in such a file can be run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from photovst.errors import MediaError, WeightsError
from photovst.models.networks import CONDITIONED, build_network
from photovst.storage import write_atomic

T = TypeVar("T")

SUFFIX = ".safetensors"
VERSION = 1
HEADER = "photovst"
STYLE_HEADER = "photovst style"
"""In place of the former in files of saved styles."""
PREFIX = "network."
STYLE = "style"


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with its weights, in float32 and in evaluation mode.

    Args:
        module: ``frame -> frame``; one of any style takes style vectors beside the frame.
        kind: which of `photovst.models.networks.KINDS`.
        options: what it was built with.
        style: the picture it was trained for, ``(H, W, 3)`` uint8 RGB; None where it takes any style.
        about: what its makers say, such as ``name``, ``license``, ``data``, ``steps``.
    """

    module: nn.Module
    kind: str
    options: dict[str, Any]
    style: npt.NDArray[np.uint8] | None
    about: dict[str, str]


def is_network(path: str | Path) -> bool:
    """Whether a path names a trained network: by its suffix; a saved style, which has the same, is none."""
    return Path(path).suffix.lower() == SUFFIX and not is_saved_style(path)


def is_saved_style(path: str | Path) -> bool:
    """Whether there is a saved style, see `style_files`."""
    path = Path(path)
    return path.suffix.lower() == SUFFIX and path.is_file() and STYLE_HEADER in read_header(path)


def network_kind(path: str | Path) -> str:
    """The kind that a network's file says it is; only its header is read.

    Raises:
        WeightsError: as `load_network`, as far as a header tells.
    """
    return str(_said(Path(path), read_header(Path(path)))["kind"])


def save_network(path: Path, network: TrainedNetwork, dtype: torch.dtype = torch.float16) -> None:
    """Write a network, whole or not at all; equal networks give equal bytes.

    Args:
        path: ends in ``.safetensors``.
        network: on any device.
        dtype: what floating point weights are kept in.

    Raises:
        WeightsError: a weight is no number, or too large for ``dtype``; or a network of one style has no picture of
            it, or one of any style has one.
        MediaError: the file cannot be written; a former one stays.
    """
    any_style = network.kind in CONDITIONED
    if any_style != (network.style is None):
        needs = "takes any style; it has no picture" if any_style else "has one style; give its picture"
        raise WeightsError(f"{path} is not written: a network of kind {network.kind!r} {needs}")
    tensors = {} if network.style is None else {STYLE: torch.from_numpy(np.ascontiguousarray(network.style))}
    for name, value in network.module.state_dict().items():
        stored = value.detach().cpu().to(dtype) if value.is_floating_point() else value.detach().cpu()
        if stored.is_floating_point() and not bool(stored.isfinite().all()):
            raise WeightsError(f"{path} is not written: {name} holds what is no number in {dtype}; train it again")
        tensors[PREFIX + name] = stored.contiguous()
    header = {"version": VERSION, "kind": network.kind, "options": network.options, "about": network.about}
    data = safetensors.torch.save(tensors, {HEADER: json.dumps(header, sort_keys=True)})
    try:
        write_atomic(path, data)
    except OSError as error:
        raise MediaError(
            f"cannot write the network {path} ({error.strerror}); mend that, and run the same command again"
        ) from error


def load_network(path: str | Path) -> TrainedNetwork:
    """Read a network.

    Raises:
        WeightsError: the file is absent, is no network of photovst, is of another version or kind, or its tensors are
            not those of the network it says it is; they are named.
    """
    path = Path(path)
    header, tensors = read_tensors(path)
    said = _said(path, header)
    try:
        kind, options, about = said["kind"], dict(said["options"]), dict(said["about"])
        style = None if kind in CONDITIONED else tensors.pop(STYLE)
        if style is not None and (style.dtype is not torch.uint8 or style.ndim != 3 or style.shape[2] != 3):
            raise ValueError("its style is no picture")
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} is damaged ({error!r}); take a fresh copy") from error
    try:
        module = build_network(kind, options)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    _fill(module, tensors, path)
    picture = None if style is None else style.numpy()
    return TrainedNetwork(module.eval().requires_grad_(False), kind, options, picture, about)


def read_header(path: Path, what: str = "a network", maker: str = "'photovst train'") -> dict[str, str]:
    """The texts in the header of a safetensors file, which an error calls ``what``.

    Raises:
        WeightsError: the file is absent, or none.
    """
    return _opened(path, what, maker, lambda file: dict(file.metadata() or {}))


def read_tensors(
    path: Path, what: str = "a network", maker: str = "'photovst train'"
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The same, and the tensors."""
    return _opened(
        path,
        what,
        maker,
        lambda f: (dict(f.metadata() or {}), {name: f.get_tensor(name) for name in f.keys()}),  # noqa: SIM118
    )


def _opened(path: Path, what: str, maker: str, take: Callable[[Any], T]) -> T:
    if path.is_dir():
        raise WeightsError(f"{path} is a folder, not {what}; give a {SUFFIX} file")
    if not path.is_file():
        raise WeightsError(f"{path} does not exist; check the path of {what.replace('a ', 'the ', 1)}")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return take(file)
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is no whole safetensors file ({error}); give one made by {maker}. Pickles, which can hold"
            " code, are not read"
        ) from error


def _said(path: Path, header: Mapping[str, str]) -> dict[str, Any]:
    """What a network's header says, of the layout that is read here, with ``kind``."""
    if STYLE_HEADER in header:
        raise WeightsError(f"{path} is a saved style, not a network; give a network made by 'photovst train'")
    if HEADER not in header:
        raise WeightsError(
            f"{path} is a safetensors file, but no network of photovst; give one made by 'photovst train'"
        )
    try:
        said = dict(json.loads(header[HEADER]))
        version, _ = said["version"], said["kind"]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} is damaged ({error!r}); take a fresh copy") from error
    if version != VERSION:
        raise WeightsError(
            f"{path} is a network of layout {version}, but this photovst reads layout {VERSION}; update"
            " photovst, or train it again"
        )
    return said


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    expected, given = module.state_dict(), {name.removeprefix(PREFIX): value for name, value in tensors.items()}
    faults = [f"lacks {name}" for name in expected if name not in given]
    faults += [f"has {name}, which is none of its weights" for name in given if name not in expected]
    faults += [
        f"has {name} as {tuple(given[name].shape)}, not {tuple(expected[name].shape)}"
        for name in expected
        if name in given and given[name].shape != expected[name].shape
    ]
    faults += [
        f"has {name} with what is no number" for name, value in given.items() if not bool(value.isfinite().all())
    ]
    if faults:
        raise WeightsError(f"{path} does not fit the network it says it is: it {'; it '.join(faults)}")
    module.load_state_dict({name: value.to(expected[name].dtype) for name, value in given.items()})
