"""The composition root: with build_regions.py and build_optimizer.py the only files that turn settings into objects."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from photovst.build_device import device_named
from photovst.build_encoder import encoder_of
from photovst.build_optimizer import build_recipe
from photovst.config import (
    Compat,
    EncoderKind,
    FlowMethod,
    Settings,
)
from photovst.guidance.cache import GuideCache
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.farneback import Farneback
from photovst.guidance.flow import FlowEstimator, MotionSource
from photovst.guidance.flow_folder import FlowFiles
from photovst.losses.objective import Encoder
from photovst.models.vgg import CONTENT_LAYER
from photovst.optimize.frame_terms import Recipe
from photovst.rendering import LocalAffine, Renderer
from photovst.types import Size


def build_device(settings: Settings) -> torch.device:
    """The device asked for, see `device_named`."""
    return device_named(settings.device)


def build_encoder(settings: Settings, device: torch.device) -> Encoder:
    """The encoder of the objective.

    Raises:
        WeightsError: its weights are absent or not the published ones.
        SettingsError: it lacks a layer that is asked for.
    """
    chosen = settings.encoder
    if chosen.kind is EncoderKind.steerable:
        asked = [*(settings.objective.style.layers or ()), settings.objective.content.layer]
        layers = [layer for layer in asked if layer is not None]
    else:
        layers = _vgg_layers(build_recipe(settings))
    # The released program of Luan et al. scales by 256, the network was trained with 255.
    scale = 256.0 if settings.compat is Compat.torch7 else 255.0
    return encoder_of(chosen, layers, device, scale)


def build_renderer(settings: Settings, device: torch.device) -> Renderer:
    """What makes the pictures of results."""
    affine = settings.local_affine
    smoothing = LocalAffine(affine.radius, affine.range) if affine.enabled else None
    return Renderer(device, settings.strength, settings.video.dither, smoothing)


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
