"""The composition root: with build_regions.py and build_optimizer.py the only files that turn settings into objects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from photovst.build_optimizer import build_recipe
from photovst.config import (
    Compat,
    EncoderKind,
    FlowMethod,
    Precision,
    Settings,
)
from photovst.errors import SettingsError
from photovst.guidance.cache import GuideCache
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.farneback import Farneback
from photovst.guidance.flow import FlowEstimator, MotionSource
from photovst.guidance.flow_folder import FlowFiles
from photovst.losses.objective import Encoder
from photovst.models.layers import check_layers
from photovst.models.precision import InPrecision, compiled
from photovst.models.steerable import Steerable
from photovst.models.vgg import CONTENT_LAYER, Vgg
from photovst.optimize.frame_terms import Recipe
from photovst.types import Size


def build_device(settings: Settings) -> torch.device:
    """The device asked for; 'auto' is the GPU where there is one.

    Raises:
        SettingsError: it is not a device of this machine.
    """
    name = settings.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:[0-9]+)?", name):
        raise SettingsError(f"device={settings.device} is no device; choose auto, cpu, cuda or cuda:N")
    kind, _, number = name.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise SettingsError(
            f"device={settings.device}, but this machine has {torch.cuda.device_count()} CUDA devices; use device=cpu"
        )
    return torch.device(name)


def build_encoder(settings: Settings, device: torch.device) -> Encoder:
    """The encoder of the objective.

    Raises:
        WeightsError: its weights are absent or not the published ones.
        SettingsError: it lacks a layer that is asked for.
    """
    chosen = settings.encoder
    encoder: nn.Module
    if chosen.kind is EncoderKind.steerable:
        encoder = Steerable(stride=chosen.stride)
        known = [f"level{level}" for level in range(encoder.levels)]
        asked = (*(settings.objective.style.layers or ()), settings.objective.content.layer)
        check_layers([layer for layer in asked if layer is not None], known)
    else:
        encoder = _build_vgg(settings)
    encoder = encoder.to(device).requires_grad_(False)
    if chosen.channels_last:
        encoder = encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if chosen.precision is Precision.bfloat16:
        encoder = InPrecision(encoder, torch.bfloat16)
    return compiled(encoder, device) if chosen.compile else encoder


def _build_vgg(settings: Settings) -> Vgg:
    from photovst.models import checkpoints, vgg_checkpoints
    from photovst.models.weights import load

    chosen, layers = settings.encoder, _vgg_layers(build_recipe(settings))
    options: dict[str, Any] = {"pooling": chosen.pooling.value, "ceil": chosen.ceil, "gain": chosen.gain}
    match chosen.kind:
        case EncoderKind.vgg19:
            return vgg_checkpoints.torchvision_vgg(load(checkpoints.VGG19), "vgg19", layers, **options)
        case EncoderKind.vgg16:
            return vgg_checkpoints.torchvision_vgg(load(checkpoints.VGG16), "vgg16", layers, **options)
        case EncoderKind.vgg19_caffe:
            # The released program of Luan et al. scales by 256, the network was trained with 255.
            scale = 256.0 if settings.compat is Compat.torch7 else 255.0
            state = load(checkpoints.VGG19_CAFFE)
            return vgg_checkpoints.caffe_vgg(state, layers, scale=scale, **options)
        case EncoderKind.vgg19_cd16x:
            return vgg_checkpoints.vgg19_cd16x(load(checkpoints.VGG19_CD16X), layers, **options)
        case EncoderKind.steerable:
            raise ValueError("the steerable encoder is no VGG")


def _vgg_layers(recipe: Recipe) -> list[str]:
    """The layers of a VGG that the objective compares and holds; one even where it does neither."""
    layers = list(recipe.style_layers or ()) if "style" in recipe.weights else []
    if "content" in recipe.weights or not layers:
        layers.append(recipe.content_layer or CONTENT_LAYER)
    return layers


def build_cache(settings: Settings) -> GuideCache | None:
    """The cache of guides, pruned to its limit; None when it is switched off."""
    if not settings.cache.enabled:
        return None
    cache = GuideCache(settings.cache.folder, settings.cache.limit_mb << 20)
    cache.prune()
    return cache


def build_motion(settings: Settings, size: Size, device: torch.device, cache: GuideCache | None) -> MotionSource:
    """Where the motion between frames of a clip of this size comes from.

    Raises:
        MediaError: there is no folder of flow files.
        SettingsError: OpenCV's contributed modules are not installed.
        WeightsError: a network's weights are absent or not the published ones.
    """
    flow = settings.flow
    if flow.method is FlowMethod.files:
        assert flow.folder is not None  # checked on load
        return FlowFiles(Path(flow.folder), size, flow.certainty.value)
    return EstimatedMotion(_build_estimator(flow.method, device), cache, flow.certainty.value)


def _build_estimator(method: FlowMethod, device: torch.device) -> FlowEstimator:
    match method:
        case FlowMethod.dis:
            return Dis()
        case FlowMethod.farneback:
            return Farneback()
        case FlowMethod.deepflow:
            from photovst.guidance.deepflow import DeepFlow

            return DeepFlow()
        case FlowMethod.raft_small:
            return _build_raft("small", device)
        case FlowMethod.raft_large:
            return _build_raft("large", device)
        case FlowMethod.files:
            raise ValueError("files estimate no flow")


def _build_raft(kind: Literal["small", "large"], device: torch.device) -> FlowEstimator:
    from photovst.guidance.raft import Raft
    from photovst.models.checkpoints import RAFT_LARGE, RAFT_SMALL
    from photovst.models.raft import raft
    from photovst.models.weights import load

    checkpoint = RAFT_LARGE if kind == "large" else RAFT_SMALL
    return Raft(raft(load(checkpoint), kind).to(device), f"{checkpoint.name} {checkpoint.sha256}")
