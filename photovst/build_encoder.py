"""Building an encoder from its settings: part of the composition root, for runs and for trainings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from photovst.config import EncoderKind, EncoderSettings, Precision
from photovst.losses.objective import Encoder
from photovst.models.layers import check_layers
from photovst.models.precision import InPrecision, compiled
from photovst.models.steerable import Steerable
from photovst.models.vgg import Vgg


def encoder_of(
    chosen: EncoderSettings, layers: Sequence[str], device: torch.device, caffe_scale: float = 255.0
) -> Encoder:
    """An encoder on a device.

    Args:
        chosen: which.
        layers: those it must have. A VGG returns these, the steerable encoder all it has.
        device: where it computes.
        caffe_scale: for ``vgg19_caffe``: what colors are multiplied with.

    Raises:
        WeightsError: its weights are absent or not the published ones.
        SettingsError: it lacks a layer that is asked for, or it cannot be compiled here.
    """
    encoder: nn.Module
    if chosen.kind is EncoderKind.steerable:
        encoder = Steerable(stride=chosen.stride)
        check_layers(layers, [f"level{level}" for level in range(encoder.levels)])
    else:
        encoder = _vgg(chosen, layers, caffe_scale)
    encoder = encoder.to(device).requires_grad_(False)
    if chosen.channels_last:
        encoder = encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if chosen.precision is Precision.bfloat16:
        encoder = InPrecision(encoder, torch.bfloat16)
    return compiled(encoder, device) if chosen.compile else encoder


def _vgg(chosen: EncoderSettings, layers: Sequence[str], caffe_scale: float) -> Vgg:
    from photovst.models import checkpoints, vgg_checkpoints
    from photovst.models.weights import load

    options: dict[str, Any] = {"pooling": chosen.pooling.value, "ceil": chosen.ceil, "gain": chosen.gain}
    match chosen.kind:
        case EncoderKind.vgg19:
            return vgg_checkpoints.torchvision_vgg(load(checkpoints.VGG19), "vgg19", layers, **options)
        case EncoderKind.vgg16:
            return vgg_checkpoints.torchvision_vgg(load(checkpoints.VGG16), "vgg16", layers, **options)
        case EncoderKind.vgg19_caffe:
            return vgg_checkpoints.caffe_vgg(load(checkpoints.VGG19_CAFFE), layers, scale=caffe_scale, **options)
        case EncoderKind.vgg19_cd16x:
            return vgg_checkpoints.vgg19_cd16x(load(checkpoints.VGG19_CD16X), layers, **options)
        case EncoderKind.steerable:
            raise ValueError("the steerable encoder is no VGG")
