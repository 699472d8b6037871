"""The published weights of [Ghiasi2017]: which variable of their checkpoint is which tensor of ours.

Names and shapes are those that Magenta's program gives its variables (magenta/models/arbitrary_image_stylization); its
Inception-v3 is that of TF-Slim. There a convolution's weights are (height, width, inputs, outputs), here (outputs,
inputs, height, width), and the linear maps to style vectors, scales and shifts are convolutions of one pixel. Its
convolutions have no bias; ours of the transform network have one, which the normalization behind takes away again: 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from photovst.errors import WeightsError
from photovst.models.arbitrary import Arbitrary
from photovst.models.tensor_bundle import TensorBundle, read_index, read_tensor

OPTIONS: Mapping[str, Any] = {"predictor": "inception", "width": 32, "blocks": 5, "contract_norm": "batch"}
"""Of the `Arbitrary` that the weights are those of."""

LEFT_OUT = re.compile(r"(^|/)(global_step|beta[12]_power)$|/(Adam|Adam_1|Momentum|ExponentialMovingAverage)$|^vgg_16/")
"""What a checkpoint of a training holds beside the network: the step, the optimizer's sums, moving averages, and the
network that its losses look through."""

STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
MIXED_5 = {
    "branch1x1": "Branch_0/Conv2d_0a_1x1",
    "branch5x5_1": "Branch_1/Conv2d_0a_1x1",
    "branch5x5_2": "Branch_1/Conv2d_0b_5x5",
    "branch3x3dbl_1": "Branch_2/Conv2d_0a_1x1",
    "branch3x3dbl_2": "Branch_2/Conv2d_0b_3x3",
    "branch3x3dbl_3": "Branch_2/Conv2d_0c_3x3",
    "branch_pool": "Branch_3/Conv2d_0b_1x1",
}
# Two names of TF-Slim's do not follow its own rule, and the convolutions of Mixed_6a named 1x1 are of 3x3.
MIXED_5C = MIXED_5 | {"branch5x5_1": "Branch_1/Conv2d_0b_1x1", "branch5x5_2": "Branch_1/Conv_1_0c_5x5"}
MIXED_6A = {
    "branch3x3": "Branch_0/Conv2d_1a_1x1",
    "branch3x3dbl_1": "Branch_1/Conv2d_0a_1x1",
    "branch3x3dbl_2": "Branch_1/Conv2d_0b_3x3",
    "branch3x3dbl_3": "Branch_1/Conv2d_1a_1x1",
}
MIXED_6 = {
    "branch1x1": "Branch_0/Conv2d_0a_1x1",
    "branch7x7_1": "Branch_1/Conv2d_0a_1x1",
    "branch7x7_2": "Branch_1/Conv2d_0b_1x7",
    "branch7x7_3": "Branch_1/Conv2d_0c_7x1",
    "branch7x7dbl_1": "Branch_2/Conv2d_0a_1x1",
    "branch7x7dbl_2": "Branch_2/Conv2d_0b_7x1",
    "branch7x7dbl_3": "Branch_2/Conv2d_0c_1x7",
    "branch7x7dbl_4": "Branch_2/Conv2d_0d_7x1",
    "branch7x7dbl_5": "Branch_2/Conv2d_0e_1x7",
    "branch_pool": "Branch_3/Conv2d_0b_1x1",
}
BLOCKS: Mapping[str, Mapping[str, str]] = {
    "Mixed_5b": MIXED_5,
    "Mixed_5c": MIXED_5C,
    "Mixed_5d": MIXED_5,
    "Mixed_6a": MIXED_6A,
    "Mixed_6b": MIXED_6,
    "Mixed_6c": MIXED_6,
    "Mixed_6d": MIXED_6,
    "Mixed_6e": MIXED_6,
}
NORM = {"BatchNorm/beta": "beta", "BatchNorm/moving_mean": "mean", "BatchNorm/moving_variance": "variance"}


@dataclass(frozen=True)
class Place:
    """Where a variable goes.

    Args:
        name: of our tensor.
        shape: of the variable, as the checkpoint has it.
        ours: the shape of our tensor.
    """

    name: str
    shape: tuple[int, ...]
    ours: tuple[int, ...]


def places() -> dict[str, Place]:
    """Where each variable of the checkpoint goes, by its name there."""
    ours = {name: tuple(value.shape) for name, value in _empty().state_dict().items()}
    return {theirs: Place(name, _as_stored(ours[name]), ours[name]) for theirs, name in _names().items()}


def arbitrary_from_magenta(prefix: Path) -> dict[str, Tensor]:
    """The tensors of ``Arbitrary(**OPTIONS)`` out of a checkpoint.

    Args:
        prefix: the checkpoint's path without ``.index``.

    Raises:
        WeightsError: it is no checkpoint, lacks variables, has others, or has some in another shape; all are named. Or
            one holds whole numbers, or what is no number.
    """
    bundle, wanted = read_index(prefix), places()
    given = {name for name in bundle.variables if not LEFT_OUT.search(name)}
    shapes = {name: bundle.variables[name].shape for name in sorted(given & wanted.keys())}
    faults = [
        *_listed("lacks", sorted(wanted.keys() - given)),
        *_listed("has what is none of its weights:", sorted(given - wanted.keys())),
        *(f"has {name} as {at}, not {wanted[name].shape}" for name, at in shapes.items() if at != wanted[name].shape),
    ]
    if faults:
        raise WeightsError(f"{prefix} is not the network of Ghiasi et al.: it {'; it '.join(faults)}")
    state = {each.name: _tensor(_numbers(bundle, name), each) for name, each in wanted.items()}
    biases = {name: torch.zeros(value.shape) for name, value in _empty().state_dict().items() if name not in state}
    return state | biases


def _empty() -> Arbitrary:
    with torch.device("meta"):
        return Arbitrary(**OPTIONS)


def _names() -> dict[str, str]:
    """Our name of each variable."""
    names = {"Conv/weights": "bottleneck.weight", "Conv/biases": "bottleneck.bias"}
    for layer in STEM:
        names |= _normed(
            f"InceptionV3/{layer}", f"predictor.layers.{layer}.conv.weight", f"predictor.layers.{layer}.norm"
        )
    for block, parts in BLOCKS.items():
        for part, scope in parts.items():
            name = f"predictor.layers.{block}.{part}"
            names |= _normed(f"InceptionV3/{block}/{scope}", f"{name}.conv.weight", f"{name}.norm")
    for place in range(3):
        names |= _normed(f"transformer/contract/conv{place + 1}", f"contract.{place}.1.weight", f"contract.{place}.2")
    residual = [f"residual/residual{block}/conv{each}" for block in range(1, OPTIONS["blocks"] + 1) for each in (1, 2)]
    expand = [f"expand/conv{place}/conv" for place in (1, 2, 3)]
    weights = [f"residual.{place}" for place in range(len(residual))] + [f"expand.{place}" for place in range(3)]
    for place, (scope, name) in enumerate(zip(residual + expand, weights, strict=True)):
        names[f"transformer/{scope}/weights"] = f"{name}.1.weight"
        styled = f"style_params/transformer/{scope}/StyleNorm"
        # Named in the order they are made in: first the shifts.
        for theirs, kind in (("Conv", "betas"), ("Conv_1", "gammas")):
            names[f"{styled}/{theirs}/weights"] = f"{kind}.{place}.weight"
            names[f"{styled}/{theirs}/biases"] = f"{kind}.{place}.bias"
    return names


def _normed(scope: str, weight: str, norm: str) -> dict[str, str]:
    return {f"{scope}/weights": weight} | {f"{scope}/{theirs}": f"{norm}.{name}" for theirs, name in NORM.items()}


def _as_stored(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) == 1:
        return shape
    outputs, inputs, height, width = shape if len(shape) == 4 else (*shape, 1, 1)
    return (height, width, inputs, outputs)


def _numbers(bundle: TensorBundle, name: str) -> npt.NDArray[Any]:
    values = read_tensor(bundle, name)
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        what = f"is of {values.dtype}, not of floating point" if values.dtype.kind != "f" else "holds what is no number"
        raise WeightsError(f"{name} of {bundle.prefix} {what}; take a fresh copy of the checkpoint")
    return values


def _tensor(values: npt.NDArray[Any], place: Place) -> Tensor:
    arranged = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values
    return torch.from_numpy(np.ascontiguousarray(arranged, dtype=np.float32).reshape(place.ours))


def _listed(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what} {', '.join(names)}"] if names else []
