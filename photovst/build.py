"""The composition root: the only file that turns settings into objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from photovst.config import (
    EncoderKind,
    OptimizerKind,
    ParametrizationKind,
    SegmentationMethod,
    Settings,
    TemporalTarget,
)
from photovst.errors import MediaError, SettingsError
from photovst.guidance.cache import GuideCache
from photovst.guidance.joint import JointRegions
from photovst.guidance.mask_files import MaskFiles
from photovst.losses.objective import Encoder
from photovst.models.steerable import Steerable
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.frame_optimizer import FrameOptimizer, Scale
from photovst.optimize.grid_prior import GridPrior
from photovst.optimize.parametrization import Parametrization
from photovst.optimize.pixels import Pixels
from photovst.optimize.solver import Solver


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of one shot and its photograph.

    ``of(index, frame)`` gives a frame's masks ``(1, K, H, W)``, ``photo`` the photograph's, at any size.
    """

    names: tuple[str, ...]
    photo: Tensor
    of: Callable[[int, Tensor], Tensor]
    orphans: tuple[str, ...] = ()


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
    """
    encoder: nn.Module
    match settings.encoder.kind:
        case EncoderKind.steerable:
            encoder = Steerable(stride=settings.encoder.stride)
        case EncoderKind.vgg19_cd16x:
            from photovst.models.vgg19_cd16x import Vgg19Cd16x
            from photovst.models.weights import VGG19_CD16X, load

            encoder = Vgg19Cd16x(load(VGG19_CD16X))
    return encoder.to(device).requires_grad_(False)


def build_cache(settings: Settings) -> GuideCache | None:
    """The cache of guides, pruned to its limit; None when it is switched off."""
    if not settings.cache.enabled:
        return None
    cache = GuideCache(settings.cache.folder, settings.cache.limit_mb << 20)
    cache.prune()
    return cache


def build_regions(settings: Settings, samples: Sequence[Tensor], photo: Tensor, frames: int) -> Regions:
    """The regions of a shot, from a few of its frames; the clip has ``frames`` in all.

    Raises:
        MediaError: a mask file is absent or not a picture, or there are fewer than frames.
    """
    segmentation = settings.segmentation
    match segmentation.method:
        case SegmentationMethod.joint:
            joint = JointRegions.fit(samples, photo, segmentation.regions, settings.seed)
            names = tuple(f"region {k + 1}" for k in range(len(joint.centers)))
            return Regions(names, joint.photo_masks.to(photo), lambda _, frame: joint.masks(frame))
        case SegmentationMethod.files:
            assert segmentation.content is not None  # checked on load
            assert segmentation.style is not None
            files = MaskFiles.open(segmentation.content, segmentation.style)
            if 1 < len(files.files) < frames:
                raise MediaError(
                    f"{segmentation.content} holds {len(files.files)} masks, but the clip has {frames} frames; give one"
                    " a frame, or one for all"
                )
            return Regions(
                files.names,
                files.photo_masks.to(photo),
                lambda index, frame: files.masks(index, (frame.shape[-2], frame.shape[-1])).to(frame),
                files.orphans,
            )
        case SegmentationMethod.none:
            return Regions(
                ("whole frame",),
                torch.ones_like(photo[:, :1]),
                lambda _, frame: torch.ones_like(frame[:, :1]),
            )


def build_optimizer(
    settings: Settings,
    encoder: Encoder,
    photo: Tensor,
    photo_masks: Tensor,
    still: bool = False,
) -> FrameOptimizer:
    """The per-frame optimizer of a shot, or of a still.

    Raises:
        SettingsError: no term has a weight, or only the temporal one, so that every frame would stay as it is.
    """
    objective, schedule = settings.objective, settings.schedule
    terms = {
        "content": objective.content.weight,
        "style": objective.style.weight,
        "structure": objective.structure.weight,
        "photorealism": objective.photorealism.weight,
        "temporal": objective.temporal.weight,
        "smoothness": objective.smoothness.weight,
        "gamut": objective.gamut.weight,
    }
    if not any(weight for name, weight in terms.items() if name != "temporal"):
        raise SettingsError(
            "every weight of the objective but temporal's is 0, so no frame would change; set one, such as"
            " objective.style.weight=1"
        )
    optimizer = settings.optimizer
    return FrameOptimizer(
        encoder=encoder,
        photo=photo,
        photo_masks=photo_masks,
        scales=build_scales(settings, still),
        weights={name: weight for name, weight in terms.items() if weight > 0},
        solver=Solver(
            kind="adam" if optimizer.kind is OptimizerKind.adam else "lbfgs",
            learning_rate=optimizer.learning_rate,
            history=optimizer.history,
            tolerance=optimizer.tolerance,
            window=optimizer.window,
        ),
        start=build_start(settings, photo.device, still),
        warm_start=schedule.warm_start,
        temporal_target="output" if objective.temporal.target is TemporalTarget.output else "transform",
        epsilon=objective.photorealism.epsilon,
    )


def build_scales(settings: Settings, still: bool) -> list[Scale]:
    """The working sizes, coarse to fine; a still gets one more."""
    schedule = settings.schedule
    counts = zip(schedule.scales, schedule.iterations, schedule.next_iterations, strict=True)
    scales = [Scale(*scale) for scale in counts]
    if still and schedule.still_iterations and schedule.still_size > scales[-1].long_side:
        scales.append(Scale(schedule.still_size, schedule.still_iterations, 0))
    return scales


def build_start(settings: Settings, device: torch.device, still: bool = False) -> Callable[[Tensor], Parametrization]:
    """What the first frame of a shot, or a still, starts from: a result that leaves the frame as it is."""
    chosen = settings.parametrization
    match chosen.kind:
        case ParametrizationKind.bilateral_grid:
            grid = chosen.still if still else chosen
            cells = (chosen.luma, grid.rows, grid.columns)
            prior = GridPrior(grid.smoothness, grid.luma_smoothness, grid.region_smoothness, grid.gain)
            return lambda frame: BilateralGrid.identity(cells, prior, device)
        case ParametrizationKind.pixels:
            return Pixels.identity
