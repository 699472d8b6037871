"""The composition root of trainings: what turns the settings of ``training_config.py`` into objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from photovst.build_encoder import encoder_of
from photovst.config import EncoderKind
from photovst.datasets import clip_folder, davis, flying_chairs, scene_flow, sintel
from photovst.datasets.sequences import FlowSample, Sequence
from photovst.errors import MediaError, SettingsError, WeightsError
from photovst.losses.objective import Encoder
from photovst.media.images import read_image
from photovst.media.label_legend import LEGEND, read_legend
from photovst.media.label_values import read_values
from photovst.media.records import Picture, as_depth
from photovst.media.scene_canvas import LABELS
from photovst.media.scene_looks import Look
from photovst.media.tensors import to_frame
from photovst.models.arbitrary import Arbitrary
from photovst.models.network_files import load_network
from photovst.models.networks import build_network
from photovst.models.vgg import CONTENT_LAYER, STYLE_LAYERS
from photovst.ops.resize import limit_long_side, resize
from photovst.optimize.grid_prior import GridPrior
from photovst.training.array_store import ArrayStore
from photovst.training.augmentation import Augmentation
from photovst.training.batch import UNKNOWN_LABEL
from photovst.training.checkpoints import read_checkpoint
from photovst.training.clips import Clips
from photovst.training.flow_datasets import FlowPairs
from photovst.training.many_styles import ManyStyles
from photovst.training.mixture import Mixture
from photovst.training.motion_terms import OutputTemporal, features_steady
from photovst.training.painted_scenes import PaintedScenes
from photovst.training.paintings import Paintings
from photovst.training.paired_style import PairedStyle
from photovst.training.picture_terms import (
    BatchContent,
    BatchPhotorealism,
    BatchStyle,
    GridSmoothness,
    gamut,
    structure,
    variation,
)
from photovst.training.plan import Bounds, Plan
from photovst.training.procedural import Procedural
from photovst.training.source import Source
from photovst.training.still_motion import StillMotion
from photovst.training.still_pictures import SceneFrames, StillPictures, photo_folder
from photovst.training.style_task import BatchTerm, StyleTask
from photovst.training_choices import NetworkKind, SourceKind, StyleKind
from photovst.training_config import NetworkSettings, SourceSettings, StyleSourceSettings, TrainingSettings
from photovst.training_settings import distances, of_any_style

CHECKPOINT_SUFFIX = ".pt"

SMALLEST_STYLE = 32
"""The shortest side of a style image: below it there are no statistics to speak of."""


_GRID = ("luma", "rows", "columns", "width", "size")


def _chosen(network: NetworkSettings, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(network, name) for name in names}


def network_options(settings: TrainingSettings) -> dict[str, Any]:
    """What the network is built from, besides its kind."""
    chosen = settings.network
    if chosen.kind is NetworkKind.grid:
        return _chosen(chosen, _GRID)
    if chosen.kind is NetworkKind.photographic:
        return _chosen(chosen, (*_GRID, "learned", "ridge"))
    if chosen.kind is NetworkKind.arbitrary:
        named = {"predictor": chosen.predictor.value, "contract_norm": chosen.contract_norm.value}
        return named | _chosen(chosen, ("width", "blocks", "bottleneck", "colors"))
    return {"width": chosen.width, "blocks": chosen.blocks, "norm": chosen.norm.value}


def build_new_network(settings: TrainingSettings) -> nn.Module:
    """The network, new from the seed, or with the weights of the network or checkpoint to start from.

    Raises:
        WeightsError: the one to start from cannot be read, or is another network.
        MediaError: the checkpoint cannot be read.
    """
    kind, options = settings.network.kind.value, network_options(settings)
    torch.manual_seed(settings.seed)
    network = build_network(kind, options)
    if settings.start:
        path = Path(settings.start)
        begun = _checkpoint(path) if path.suffix == CHECKPOINT_SUFFIX else _weights(path, kind, options)
        try:
            network.load_state_dict(begun)
        except RuntimeError as error:
            reason = " ".join(str(error).split("\n\t")[1:2]) or str(error)
            raise WeightsError(
                f"start={path} is of another network than {kind} with {options} ({reason.strip()}); set network to"
                " that, or start anew"
            ) from error
    if isinstance(network, Arbitrary):
        network.freeze_prediction(settings.network.frozen)
    return network


def _weights(path: Path, kind: str, options: Mapping[str, Any]) -> Mapping[str, Tensor]:
    begun = load_network(path)
    # Colors are given to results without weights of their own: a network may take them up later.
    same = {name: value for name, value in begun.options.items() if name != "colors"}
    if (begun.kind, same) != (kind, {name: value for name, value in options.items() if name != "colors"}):
        raise WeightsError(
            f"start={path} is a network of kind {begun.kind} with {begun.options}, but {kind} with"
            f" {options} is to be trained; set network to the former, or start anew"
        )
    return begun.module.state_dict()


def _checkpoint(path: Path) -> Mapping[str, Tensor]:
    """The weights of a training that was not finished."""
    if not path.is_file():
        why = "is a folder; give a checkpoint" if path.is_dir() else "does not exist; check the path"
        raise WeightsError(f"start={path} {why}")
    module = read_checkpoint(path).get("module")
    if not isinstance(module, dict):
        raise WeightsError(f"start={path} holds no network; give a checkpoint of 'photovst train'")
    return {name.removeprefix("network."): value for name, value in module.items()}


def read_style_picture(settings: TrainingSettings) -> Picture | None:
    """The style image, ``(H, W, 3)`` uint8, at the size it is compared in; none for a network of any style.

    Raises:
        MediaError: it cannot be read, or is too small.
    """
    if settings.style is None:
        return None
    picture = as_depth(read_image(settings.style), np.uint8)
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_STYLE:
        raise MediaError(
            f"style={settings.style} is {width}x{height} pixels, but a style needs at least {SMALLEST_STYLE} a side;"
            " give a larger picture"
        )
    size = limit_long_side((height, width), settings.style_size) if settings.style_size else (height, width)
    if size == (height, width):
        return picture
    small = resize(to_frame(picture), size)[0].permute(1, 2, 0)
    return np.asarray((small * 255).round().clamp(0, 255).to(torch.uint8).numpy())


def build_task(
    settings: TrainingSettings, network: nn.Module, style: Picture | None, device: torch.device
) -> StyleTask:
    """The network, on its device, and the terms that have a weight.

    Args:
        settings: of the training.
        network: what is trained.
        style: the picture whose style it learns; none where it learns many.
        device: where it is trained.

    Raises:
        WeightsError: the encoder's weights are absent.
        SettingsError: the encoder lacks a layer, or has it of larger pictures only; labels of the style image do not
            fit it.
        MediaError: these cannot be read.
    """
    loss = settings.loss
    steerable = settings.encoder.kind is EncoderKind.steerable
    content_layer = loss.content_layer or ("level2" if steerable else CONTENT_LAYER)
    style_layers = loss.style_layers or ([] if steerable else list(STYLE_LAYERS))
    needed = [*style_layers, *([content_layer] if loss.content else [])]
    encoder = encoder_of(settings.encoder, needed, device)
    _check_sizes(settings, encoder, needed, device)
    terms: dict[str, BatchTerm] = {}
    if loss.content:
        terms["content"] = BatchContent(content_layer)
    if style is None:
        terms["style"] = PairedStyle(style_layers or None, settings.styles.softening)
    else:
        terms["style"] = _one_style(settings, style, encoder, style_layers or None, device)
    simple: dict[str, BatchTerm] = {
        "variation": variation,
        "output_temporal": OutputTemporal(-2, loss.luma.value),
        "feature_temporal": features_steady,
        "long_term": OutputTemporal(-3, loss.luma.value),
        "photorealism": BatchPhotorealism(),
        "structure": structure,
        "gamut": gamut,
        "grid_smoothness": GridSmoothness(GridPrior(1.0, luma=loss.grid_luma, gain=loss.grid_gain)),
    }
    terms |= {name: term for name, term in simple.items() if getattr(loss, name)}
    weights = {name: float(getattr(loss, name)) for name in terms}
    return StyleTask(network.to(device), encoder, terms, weights, many=style is None)


def _check_sizes(settings: TrainingSettings, encoder: Encoder, layers: list[str], device: torch.device) -> None:
    """Refuse sizes at which layers are missing that count: of small pictures a pyramid has fewer."""
    if settings.encoder.kind is not EncoderKind.steerable:
        return
    sizes = {"data.size": settings.data.size}
    if of_any_style(settings.network.kind) and settings.loss.style_layers:
        sizes["styles.size"] = settings.styles.size
    for name, size in sizes.items():
        with torch.no_grad():
            there = encoder(torch.zeros(1, 3, size[0], size[1], device=device))
        lacking = [layer for layer in layers if layer not in there]
        if lacking:
            raise SettingsError(
                f"{name}={size} is too small for {lacking[0]} of the encoder, which has {', '.join(there)} there; raise"
                " it, or choose another loss.content_layer or loss.style_layers"
            )


def _one_style(
    settings: TrainingSettings, style: Picture, encoder: Encoder, layers: list[str] | None, device: torch.device
) -> BatchStyle:
    with torch.no_grad():
        features = encoder(to_frame(style, device))
    groups = [[LABELS.index(label) for label in labels] for labels in settings.loss.regions.values()]
    labels = _style_labels(settings, style).to(device) if groups else None
    return BatchStyle(features, layers, labels, groups)


def build_training_data(settings: TrainingSettings) -> Mixture | ManyStyles:
    """Where samples come from; with style pictures where the network is one of any style.

    Raises:
        MediaError: a folder is absent or not laid out as it should be.
        SettingsError: the cache folder cannot be made.
    """
    data = settings.data
    store = ArrayStore(data.cache, data.cache_limit_mb << 20)
    augmentation = Augmentation((data.scale[0], data.scale[1]), data.flip)
    used = {name: source for name, source in data.sources.items() if source.weight}
    sources = tuple(_source(source, store, augmentation) for source in used.values())
    weights = tuple(source.weight for source in used.values())
    size = data.size[0], data.size[1]
    mixture = Mixture(sources, weights, size, distances(settings.loss), settings.seed)
    return _with_styles(settings, mixture, store) if of_any_style(settings.network.kind) else mixture


def _with_styles(settings: TrainingSettings, mixture: Mixture, store: ArrayStore) -> ManyStyles:
    chosen = settings.styles
    used = [source for source in chosen.sources.values() if source.weight]
    return ManyStyles(
        mixture,
        tuple(_styles(source, store) for source in used),
        tuple(source.weight for source in used),
        (chosen.size[0], chosen.size[1]),
        chosen.regions,
        chosen.own,
        chosen.relit,
        Augmentation((chosen.scale[0], chosen.scale[1]), settings.data.flip),
    )


def _styles(chosen: StyleSourceSettings, store: ArrayStore) -> StillPictures:
    size = chosen.size[0], chosen.size[1]
    match chosen.kind:
        case StyleKind.pictures:
            return photo_folder(Path(str(chosen.path)))
        case StyleKind.scenes:
            looks = tuple(Look[look.value] for look in chosen.looks)
            return SceneFrames(PaintedScenes(store, looks, chosen.count, chosen.first_seed, 1, size))
        case StyleKind.paintings:
            return Paintings(store, chosen.count, chosen.first_seed, size)


def build_plan(settings: TrainingSettings) -> Plan:
    """How the network is trained."""
    optimizer, bounds = settings.optimizer, settings.divergence
    same = (
        *("steps", "accumulate", "ema", "channels_last", "compile", "checkpoint_minutes", "keep"),
        *("log_every", "sample_every", "tensorboard", "seed"),
    )
    return Plan(
        optimizer=optimizer.kind.value,
        learning_rate=optimizer.learning_rate,
        betas=(optimizer.betas[0], optimizer.betas[1]),
        milestones=tuple(optimizer.milestones),
        factor=optimizer.factor,
        precision=settings.precision.value,
        bounds=Bounds(bounds.ratio, bounds.patience, bounds.window),
        **{name: getattr(settings, name) for name in same},
    )


def _source(chosen: SourceSettings, store: ArrayStore, augmentation: Augmentation) -> Source:
    looks = tuple(Look[look.value] for look in chosen.looks)
    size = chosen.size[0], chosen.size[1]
    scenes = PaintedScenes(store, looks, chosen.scenes, chosen.first_seed, chosen.frames, size)
    match chosen.kind:
        case SourceKind.procedural:
            return Procedural(scenes, augmentation, chosen.fastest)
        case SourceKind.still_motion:
            return StillMotion(photo_folder(Path(chosen.path)) if chosen.path else SceneFrames(scenes), augmentation)
        case SourceKind.davis:
            return Clips(tuple(each.frames for each in davis.find(Path(str(chosen.path)))), store, augmentation)
        case SourceKind.clips:
            return Clips(tuple(each.frames for each in clip_folder.find(Path(str(chosen.path)))), store, augmentation)
        case SourceKind.sintel:
            return _flow_pairs(sintel, chosen, augmentation)
        case SourceKind.scene_flow:
            return _flow_pairs(scene_flow, chosen, augmentation)
        case SourceKind.flying_chairs:
            return FlowPairs(tuple(flying_chairs.find(Path(str(chosen.path)))), augmentation)


class _Rendered(Protocol):
    """A dataset of flow in several renderings."""

    def find(self, root: Path) -> list[Sequence]: ...

    def samples(self, root: Path) -> list[FlowSample]: ...


def _flow_pairs(dataset: _Rendered, chosen: SourceSettings, augmentation: Augmentation) -> FlowPairs:
    """The pairs of the rendering asked for, which their paths say: ``training/clean/...``, ``frames_cleanpass/...``."""
    root, wanted = Path(str(chosen.path)), ".*" if chosen.rendering is None else chosen.rendering.value
    asked = re.compile(rf"(/|_){wanted}(/|pass)")
    pairs = tuple(pair for pair in dataset.samples(root) if asked.search(str(pair.first)))
    if not pairs:
        raise MediaError(f"{root} holds no pictures of the rendering {wanted}; leave it out for all there are")
    lacking = [each for each in dataset.find(root) if each.note and asked.search(f"{each.frames}/")]
    more = f", and so with {len(lacking) - 1} more clips" if len(lacking) > 1 else ""
    note = f"{lacking[0].dataset} {lacking[0].name} has {lacking[0].note}{more}" if lacking else ""
    return FlowPairs(pairs, augmentation, note)


def _style_labels(settings: TrainingSettings, style: Picture) -> Tensor:
    """What each pixel of the style image shows, ``(1, h, w)``, as indices into `LABELS`."""
    path = Path(str(settings.style_labels))
    if not path.is_file():
        raise MediaError(f"style_labels={path} does not exist; check the path")
    stored, legend = read_values(path), read_legend(path.parent)
    if stored is None or legend is None:
        raise MediaError(
            f"style_labels={path} is no label picture with a {LEGEND} beside it; 'photovst scene' writes such"
        )
    table = np.full(1 << 16, UNKNOWN_LABEL, np.uint8)
    for number, name in legend.names.items():
        if name in LABELS:
            table[number] = LABELS.index(name)
    labels = table[stored.values]
    present = {LABELS[index] for index in np.unique(labels) if index != UNKNOWN_LABEL}
    for group, names in settings.loss.regions.items():
        if not present & set(names):
            raise SettingsError(
                f"loss.regions.{group} is {', '.join(names)}, but the style picture shows only"
                f" {', '.join(sorted(present)) or 'what has no such label'}; name something it shows"
            )
    # Places between pixels: labels have no mean, the nearest one counts.
    height, width = style.shape[:2]
    rows = (np.arange(height) * 2 + 1) * labels.shape[0] // (2 * height)
    columns = (np.arange(width) * 2 + 1) * labels.shape[1] // (2 * width)
    return torch.from_numpy(labels[np.ix_(rows, columns)])[None]
