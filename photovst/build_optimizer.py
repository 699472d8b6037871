"""The per-frame optimizer from settings: its terms, scales and starts; the last third of the composition root."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from photovst import config
from photovst.config import (
    CoherenceKind,
    Compat,
    EncoderKind,
    Fill,
    NextStart,
    OptimizerKind,
    ParametrizationKind,
    SegmentationMethod,
    Settings,
    TemporalLoss,
    TemporalTarget,
)
from photovst.errors import SettingsError
from photovst.guidance.guides import Guides
from photovst.guidance.regions import Regions
from photovst.losses.objective import Encoder
from photovst.models.vgg import CONTENT_LAYER, CONVOLUTIONS, STYLE_LAYERS, follow
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.frame_optimizer import FrameOptimizer, Scale
from photovst.optimize.frame_terms import FrameTerms, Recipe
from photovst.optimize.grid_prior import GridPrior
from photovst.optimize.parametrization import Parametrization
from photovst.optimize.pixels import Pixels
from photovst.optimize.solver import Solver
from photovst.optimize.starts import Start, Starts

BETWEEN_FRAMES = frozenset({"temporal", "coherence", "feature_coherence"})
"""Terms that hold a frame to earlier ones; the first of a shot goes without."""


def build_optimizer(
    settings: Settings,
    encoder: Encoder,
    regions: Regions,
    still: bool = False,
    passage: int | None = None,
    predict: Callable[[Guides], BilateralGrid] | None = None,
) -> FrameOptimizer:
    """The per-frame optimizer of a shot, or of a still; of one pass over it, counted from 1, where there are several.

    ``predict`` gives the grid that a frame starts from with ``schedule.start=predicted``.

    Raises:
        SettingsError: no term has a weight, or only those that hold a frame to earlier ones, so that every frame would
            stay as it is.
    """
    later = {"photorealism"} if settings.objective.photorealism.from_stage else set()
    if not any(weight for name, weight in term_weights(settings).items() if name not in BETWEEN_FRAMES | later):
        raise SettingsError(
            "every weight of the objective is 0 but of terms between frames or of later stages, so no frame would"
            " change; set one, such as objective.style.weight=1"
        )
    optimizer = settings.optimizer
    return FrameOptimizer(
        terms=FrameTerms(build_recipe(settings, passage), encoder, regions.photos, regions.sources, regions.weights),
        scales=build_scales(settings, still, passage),
        solver=Solver(
            kind="adam" if optimizer.kind is OptimizerKind.adam else "lbfgs",
            learning_rate=optimizer.learning_rate,
            history=optimizer.history,
            tolerance=optimizer.tolerance,
            window=optimizer.window,
            line_search=optimizer.line_search,
        ),
        starts=build_starts(settings, regions.photo.device, still, predict),
        handover=_through_8_bits if settings.compat is Compat.torch7 else None,
    )


def build_recipe(settings: Settings, passage: int | None = None) -> Recipe:
    """Which terms count and how they are written; in this pass, counted from 1, where there are several."""
    objective = settings.objective
    style, content = objective.style, objective.content
    layers = None
    if style.layers is not None:
        given = style.layer_weights or [1 / len(style.layers)] * len(style.layers)
        layers = dict(zip(style.layers, given, strict=True))
    is_vgg = settings.encoder.kind is not EncoderKind.steerable
    left_out = _left_out(settings, passage)
    recipe = Recipe(
        weights={n: weight for n, weight in term_weights(settings).items() if weight > 0 and n not in left_out},
        scale=objective.scale.value,
        style_layers=layers or (dict.fromkeys(STYLE_LAYERS, 1 / len(STYLE_LAYERS)) if is_vgg else None),
        content_layer=content.layer or (CONTENT_LAYER if is_vgg else None),
        epsilon=objective.photorealism.epsilon,
        matting_form=objective.photorealism.form.value,
        photorealism_from=objective.photorealism.from_stage,
        temporal_target="output" if objective.temporal.target is TemporalTarget.output else "transform",
        temporal_loss="smooth_l1" if objective.temporal.loss is TemporalLoss.smooth_l1 else "mse",
        neighbors=tuple(objective.temporal.neighbors),
        coherence=objective.coherence.kind.value,
    )
    if settings.compat is not Compat.torch7:
        return recipe
    # As the released program of Luan et al.; each is described in docs/method.md.
    family = "vgg16" if settings.encoder.kind is EncoderKind.vgg16 else "vgg19"
    return replace(
        recipe,
        masks_of=lambda masks, features: follow(masks, features, CONVOLUTIONS[family]),
        masked_gradient=False,
        unreported=frozenset({"photorealism", "smoothness"}),
    )


def _left_out(settings: Settings, passage: int | None) -> frozenset[str]:
    """Terms that do not count in a pass."""
    passes = settings.schedule.passes
    if passage == 1:
        return BETWEEN_FRAMES if passes.alone else frozenset()
    return frozenset({"temporal"}) if passage is not None and passage < passes.temporal_from else frozenset()


def build_distances(settings: Settings, passage: int | None = None) -> tuple[int, ...]:
    """How many frames away those are whose motion to a frame is asked for, ascending."""
    weights = build_recipe(settings, passage).weights
    alone = passage == 1 and settings.schedule.passes.alone
    coherence = settings.objective.coherence
    wanted = set(settings.objective.temporal.neighbors) if "temporal" in weights else set()
    if (
        (settings.schedule.next_start is NextStart.warped and not alone)
        or ("coherence" in weights and coherence.kind is CoherenceKind.flow)
        or persists(settings)
    ):
        wanted.add(1)
    return tuple(sorted(wanted))


def persists(settings: Settings) -> bool:
    """Whether regions are carried along the flow; those drawn by hand stay as they are.

    So do joint ones where color transforms are predicted from them: what counts there is a region's share of a cell,
    the mean over thousands of pixels, which is steady without flow.
    """
    segmentation = settings.segmentation
    steady = [SegmentationMethod.files, SegmentationMethod.none]
    if settings.styler is config.StylerKind.predicted:
        steady.append(SegmentationMethod.joint)
    return segmentation.method not in steady and (
        segmentation.persistence > 0 or segmentation.hysteresis > 0 or segmentation.every > 1
    )


def term_weights(settings: Settings) -> dict[str, float]:
    """The weight of every term, by name."""
    objective = settings.objective
    return {
        "content": objective.content.weight,
        "style": objective.style.weight,
        "structure": objective.structure.weight,
        "photorealism": objective.photorealism.weight,
        "temporal": objective.temporal.weight,
        "coherence": objective.coherence.weight,
        "feature_coherence": objective.coherence.feature_weight,
        "smoothness": objective.smoothness.weight,
        "gamut": objective.gamut.weight,
    }


def _through_8_bits(result: Parametrization) -> Parametrization:
    # The released program of Luan et al. hands its first stage on as a PNG file.
    assert isinstance(result, Pixels)  # checked on load
    return result.quantized(255)


def build_scales(settings: Settings, still: bool, passage: int | None = None) -> list[Scale]:
    """The working sizes, coarse to fine; a still gets one more. ``passage`` is the pass, where there are several."""
    schedule = settings.schedule
    later = schedule.next_iterations
    if passage is not None and passage > 1 and schedule.passes.iterations is not None:
        later = schedule.passes.iterations
    farther = 1.0 if schedule.keyframes.kind is config.KeyframeKind.none else schedule.keyframes.effort

    def count(iterations: int, factor: float = 1.0) -> int:
        return math.ceil(schedule.effort * factor * iterations)

    counts = zip(schedule.scales, schedule.iterations, later, strict=True)
    scales = [Scale(side, count(first), count(following, farther)) for side, first, following in counts]
    if still and schedule.still_iterations and schedule.still_size > scales[-1].long_side:
        scales.append(Scale(schedule.still_size, count(schedule.still_iterations), 0))
    return scales


def build_starts(
    settings: Settings,
    device: torch.device,
    still: bool = False,
    predict: Callable[[Guides], BilateralGrid] | None = None,
) -> Starts:
    """What frames start from; ``predict`` gives a grid for a frame, which only the predicted start asks for."""
    schedule, levels = settings.schedule, settings.parametrization.levels
    unchanged = build_start(settings, device, still)
    as_is = lambda guides: unchanged(guides.frame)  # noqa: E731

    def noise(guides: Guides) -> Parametrization:
        # Another noise for every frame, as the released programs draw it.
        return Pixels.noise(guides.frame, settings.seed + guides.index, levels)

    fill: Start | Literal["transform", "warped"]
    match schedule.fill:
        case Fill.content:
            fill = as_is
        case Fill.mean:
            fill = lambda guides: Pixels.mean_color(guides.frame, levels)  # noqa: E731
        case Fill.transform:
            fill = "transform"
        case Fill.warped:
            fill = "warped"
    first = noise if schedule.start is config.Start.noise else as_is
    anew = as_is
    if schedule.start is config.Start.predicted:
        assert predict is not None  # whoever builds an optimizer for it has a network
        first = anew = _resampled(predict, build_cells(settings, still))
    match schedule.next_start:
        case NextStart.warped:
            return Starts(first, "warped", fill=fill)
        case NextStart.previous:
            return Starts(first, "previous")
        case NextStart.first:
            return Starts(first, "first")
        case NextStart.content:
            return Starts(first, "anew", anew)
        case NextStart.noise:
            return Starts(first, "anew", noise)


def build_start(settings: Settings, device: torch.device, still: bool = False) -> Callable[[Tensor], Parametrization]:
    """A result that leaves a frame as it is, given the frame."""
    chosen = settings.parametrization
    match chosen.kind:
        case ParametrizationKind.bilateral_grid:
            cells, prior = build_cells(settings, still), build_prior(settings, still)
            return lambda frame: BilateralGrid.identity(cells, prior, device)
        case ParametrizationKind.pixels:
            return lambda frame: Pixels.identity(frame, chosen.levels)


def build_cells(settings: Settings, still: bool = False) -> tuple[int, int, int]:
    """Cells of the grid along luma, rows and columns."""
    chosen = settings.parametrization
    grid = chosen.still if still else chosen
    return chosen.luma, grid.rows, grid.columns


def build_prior(settings: Settings, still: bool = False) -> GridPrior:
    """What grids are held to."""
    grid = settings.parametrization.still if still else settings.parametrization
    return GridPrior(grid.smoothness, grid.luma_smoothness, grid.region_smoothness, grid.gain)


def _resampled(predict: Callable[[Guides], BilateralGrid], cells: tuple[int, int, int]) -> Start:
    return lambda guides: predict(guides).resampled(cells)
