"""The published motion of a pair of frames as arrays, with where it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photovst.datasets.sequences import FlowSample
from photovst.errors import MediaError
from photovst.guidance.flow_folder import UNKNOWN
from photovst.media.flow_files import read_flow
from photovst.media.images import read_image
from photovst.media.pfm_files import read_pfm_flow
from photovst.media.records import as_depth
from photovst.media.tensors import to_frame
from photovst.ops.certainty import forward_backward_certainty, motion_boundary
from photovst.ops.warp import inside, warp
from photovst.types import Size

UNLIKE = 0.1
"""Mean difference of RGB in [0, 1] from which two pixels do not show the same."""


def read_truth(sample: FlowSample) -> tuple[Tensor, Tensor]:
    """Flow ``(1, 2, H, W)`` from the first frame to the second, and its certainty ``(1, 1, H, W)``, 0 or 1.

    Certain is what is known, lands in the picture and is not occluded. Where no occlusion is published, the flow is
    held against the flow back; where there is none either, the frames against each other along the flow, and motion
    boundaries are left out: behind them lies what is covered.

    Raises:
        MediaError: a file is missing, damaged, or of another size than its flow.
    """
    flow, known = _read(sample, sample.flow)
    size = (flow.shape[-2], flow.shape[-1])
    if sample.occlusion is not None:
        certain = inside(flow) & ~_marked(sample, sample.occlusion, size)
    elif sample.flow_back is not None:
        back, known_back = _read(sample, sample.flow_back)
        _check(sample, sample.flow_back, (back.shape[-2], back.shape[-1]), size)
        certain = forward_backward_certainty(flow, back, "paper") > 0
        certain &= warp((~known_back).float(), flow) == 0  # a lookup of what is not known
    else:
        first, second = (to_frame(read_sized(sample, path, size)) for path in (sample.first, sample.second))
        alike = (warp(second, flow) - first).abs().mean(dim=1, keepdim=True) < UNLIKE
        certain = inside(flow) & alike & ~motion_boundary(flow)
    if sample.invalid is not None:
        known &= ~_marked(sample, sample.invalid, size)
    return flow, (certain & known).float()


def read_sized(sample: FlowSample, path: Path, size: Size) -> NDArray[np.uint8]:
    """A picture of a sample in 8 bits.

    Raises:
        MediaError: it is missing, damaged or of another size than this, that of the flow.
    """
    picture = as_depth(read_image(path), np.uint8)
    _check(sample, path, (picture.shape[0], picture.shape[1]), size)
    return picture


def _read(sample: FlowSample, path: Path) -> tuple[Tensor, Tensor]:
    """Flow, 0 where it is not known, and where it is."""
    if not path.is_file():
        raise MediaError(f"{sample.dataset} {sample.name} lacks its flow {path}; unpack the dataset's flow again")
    values = read_pfm_flow(path) if path.suffix.lower() == ".pfm" else read_flow(path)
    with np.errstate(invalid="ignore"):
        known = (np.abs(values) <= UNKNOWN).all(axis=-1)  # false also where it is not a number
    if not known.all():
        values = np.where(known[..., None], values, np.float32(0))
    flow = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))[None]
    return flow, torch.from_numpy(known)[None, None]


def _marked(sample: FlowSample, path: Path, size: Size) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(read_sized(sample, path, size)[..., 0]))[None, None] > 0


def _check(sample: FlowSample, path: Path, given: Size, flow: Size) -> None:
    if given != flow:
        raise MediaError(
            f"{path} of {sample.dataset} is {given[1]}x{given[0]} pixels, but the flow {sample.flow}"
            f" {flow[1]}x{flow[0]}; give the files as they are published"
        )
