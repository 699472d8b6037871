"""Loading, checking and listing the settings of ``training_config.py``: what goes together, in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from photovst.errors import SettingsError, did_you_mean
from photovst.schema.loading import Schema, SettingRow
from photovst.schema.printing import given
from photovst.training_choices import SCENE_LABELS
from photovst.training_config import (
    DataSettings,
    LossSettings,
    NetworkKind,
    NetworkPrecision,
    SourceKind,
    SourceSettings,
    StyleKind,
    TrainingSettings,
)

NETWORK_SUFFIX = ".safetensors"


def load_training(
    files: Sequence[Path] = (),
    overrides: Sequence[str] = (),
    fixed: Mapping[str, object] | None = None,
    last: Mapping[str, object] | None = None,
) -> TrainingSettings:
    """Settings of a training, as `photovst.settings_io.load_settings` loads a run's; sources come by their names.

    Raises:
        SettingsError: a file cannot be read, or a setting is unknown, missing, of the wrong type, out of
            range or at odds with another.
    """
    settings = _SCHEMA.load(files, overrides, fixed, last)
    # The order that files name them in must not tell in the samples: it is no setting.
    settings.data.sources = dict(sorted(settings.data.sources.items()))
    settings.styles.sources = dict(sorted(settings.styles.sources.items()))
    return settings


def peek_training(files: Sequence[Path], overrides: Sequence[str], name: str) -> Any:
    """One setting as the files and overrides give it, whatever else is missing or wrong in them."""
    return _SCHEMA.peek(files, overrides, name)


def describe_training() -> list[SettingRow]:
    """Dotted name, type, default, range and meaning of each setting, in the order of ``training_config.py``."""
    return _SCHEMA.describe()


def distances(loss: LossSettings) -> tuple[int, ...]:
    """How many frames back those are that the losses compare a frame with; training data has these."""
    return (1, loss.long_term_distance) if loss.long_term else (1,)


def of_any_style(kind: NetworkKind) -> bool:
    """Whether a network is trained on many styles, and told which when it is used."""
    return kind in (NetworkKind.arbitrary, NetworkKind.photographic)


def _check_together(settings: TrainingSettings) -> None:
    _check_paths(settings)
    _check_styles(settings)
    _check_data(settings.data, settings.loss)
    _check_loss(settings)
    optimizer, bounds = settings.optimizer, settings.divergence
    milestones = optimizer.milestones
    if any(a >= b for a, b in pairwise(milestones)):
        raise SettingsError(f"optimizer.milestones must ascend, each once, but {milestones} was given")
    if milestones and milestones[-1] >= settings.steps:
        raise SettingsError(
            f"optimizer.milestones ends with {milestones[-1]}, but steps={settings.steps}; lower the former"
        )
    _check_count("optimizer.betas", optimizer.betas, "two numbers, such as [0.9, 0.999]")
    if bounds.window <= 2 * bounds.patience:
        raise SettingsError(
            f"divergence.window={bounds.window} is not more than twice divergence.patience={bounds.patience}, so its"
            " median would be that of a diverged training; raise it"
        )
    if settings.precision is NetworkPrecision.float16 and settings.device == "cpu":
        raise SettingsError("precision=float16 needs a GPU, but device is cpu; set precision=bfloat16 or float32")


def _check_paths(settings: TrainingSettings) -> None:
    due = ("output",) if of_any_style(settings.network.kind) else ("style", "output")
    for name in due:
        if not (value := getattr(settings, name)):
            what = "missing" if value is None else "empty"
            raise SettingsError(f"{name} is {what}; set {name}=... ({_SCHEMA.meaning(name)})")
    if Path(settings.output).suffix.lower() != NETWORK_SUFFIX:
        raise SettingsError(f"output is {settings.output}, but a network is a {NETWORK_SUFFIX} file; name it so")
    for name in ("style", "style_labels", "start"):
        path = getattr(settings, name)
        if path and Path(path).resolve() == Path(settings.output).resolve():
            raise SettingsError(f"output and {name} are both {settings.output}; choose another output")


def _check_styles(settings: TrainingSettings) -> None:
    styles, kind = settings.styles, settings.network.kind
    if settings.network.frozen and kind is not NetworkKind.arbitrary:
        raise SettingsError(f"network.frozen=true is for 'arbitrary', not for {kind.value}; leave it out")
    if not of_any_style(kind):
        if styles.sources:
            raise SettingsError(
                f"styles.sources are for networks of any style, but network.kind={kind.value} learns one; leave them"
                " out, or set network.kind=arbitrary or photographic"
            )
        return
    for name in ("style", "style_labels"):
        if getattr(settings, name):
            raise SettingsError(
                f"{name}={getattr(settings, name)} is for networks of one style, but network.kind={kind.value} is of"
                " any; leave it out, and give styles.sources"
            )
    if settings.loss.regions:
        raise SettingsError(f"loss.regions is for networks of one style; with {kind.value} set styles.regions")
    used = {name: source for name, source in styles.sources.items() if source.weight}
    if not used:
        what = "all have weight 0" if styles.sources else "there are none"
        raise SettingsError(
            f"styles.sources: {what}; give one or more, such as styles.sources.paintings.kind=paintings"
        )
    _check_count("styles.size", styles.size, "a height and a width, such as [256, 256]")
    _check_count("styles.scale", styles.scale, "the smallest and the largest, such as [1, 2]")
    if styles.scale[0] > styles.scale[1]:
        raise SettingsError(f"styles.scale must not descend, but {styles.scale} was given")
    if styles.own + styles.relit > 1:
        raise SettingsError(f"styles.own={styles.own:g} and styles.relit={styles.relit:g} are more than 1; lower one")
    for name, source in used.items():
        if (source.kind is StyleKind.pictures) != bool(source.path):
            raise SettingsError(
                f"styles.sources.{name}.kind={source.kind.value} "
                + ("needs a folder; set its path" if not source.path else "is procedural; leave its path out")
            )
        _check_count(f"styles.sources.{name}.size", source.size, "a height and a width, such as [320, 480]")
        if not source.looks:
            raise SettingsError(f"styles.sources.{name}.looks is empty; name one or more, such as [day, sunset]")


def _check_data(data: DataSettings, loss: LossSettings) -> None:
    used = {name: source for name, source in data.sources.items() if source.weight}
    if not used:
        what = "all have weight 0" if data.sources else "there are none"
        raise SettingsError(f"data.sources: {what}; give one or more, such as data.sources.scenes.kind=procedural")
    _check_count("data.size", data.size, "a height and a width, such as [256, 256]")
    _check_count("data.scale", data.scale, "the smallest and the largest, such as [1, 1.5]")
    if data.scale[0] > data.scale[1]:
        raise SettingsError(f"data.scale must not descend, but {data.scale} was given")
    for name, source in used.items():
        _check_source(f"data.sources.{name}", source, max(distances(loss)))


def _check_source(name: str, source: SourceSettings, farthest: int) -> None:
    kind = source.kind
    if kind is SourceKind.procedural and source.path:
        raise SettingsError(f"{name}.path={source.path} has no meaning for {name}.kind=procedural; leave one out")
    if kind not in (SourceKind.procedural, SourceKind.still_motion) and not source.path:
        raise SettingsError(f"{name}.kind={kind.value} needs {name}.path=FOLDER")
    if source.rendering and kind not in (SourceKind.sintel, SourceKind.scene_flow):
        raise SettingsError(f"{name}.rendering is for sintel and scene_flow, not for kind={kind.value}; leave it out")
    _check_count(f"{name}.size", source.size, "a height and a width, such as [320, 480]")
    if not source.looks:
        raise SettingsError(f"{name}.looks is empty; name one or more, such as [day, sunset]")
    if kind is SourceKind.procedural and source.frames <= farthest:
        raise SettingsError(
            f"{name}.frames={source.frames}, but losses look {farthest} frames back; give more frames than that"
        )


def _check_loss(settings: TrainingSettings) -> None:
    loss = settings.loss
    if not loss.style:
        raise SettingsError("loss.style=0 leaves nothing to learn; give it a weight")
    if loss.style_layers == []:
        raise SettingsError("loss.style_layers is empty; name one layer or more, or leave it out")
    of_grids = settings.network.kind in (NetworkKind.grid, NetworkKind.photographic)
    if loss.grid_smoothness and not of_grids:
        raise SettingsError(
            f"loss.grid_smoothness={loss.grid_smoothness:g} needs network.kind=grid or photographic, but it is"
            f" {settings.network.kind.value}; leave one out"
        )
    if loss.feature_temporal and of_grids:
        raise SettingsError(
            f"loss.feature_temporal={loss.feature_temporal:g} holds features along the flow, but"
            f" network.kind={settings.network.kind.value} has none of the frame's size; use loss.output_temporal alone"
        )
    if settings.style_labels and not loss.regions:
        raise SettingsError("style_labels goes with loss.regions, which is empty; name regions, or leave it out")
    if loss.regions and not settings.style_labels:
        raise SettingsError("loss.regions needs style_labels=PATH, the regions of the style picture")
    former: dict[str, str] = {}
    for group, labels in loss.regions.items():
        if not labels:
            raise SettingsError(f"loss.regions.{group} is empty; name labels among {', '.join(SCENE_LABELS)}")
        for label in labels:
            if label not in SCENE_LABELS:
                raise SettingsError(
                    f"loss.regions.{group}: there is no scene label {label!r}; {did_you_mean(label, SCENE_LABELS)}"
                )
            if label in former:
                raise SettingsError(f"loss.regions.{group}: {label!r} is in {former[label]} already; leave one out")
            former[label] = group


def _check_count(name: str, values: Sequence[float], due: str) -> None:
    if len(values) != 2:
        raise SettingsError(f"{name} takes {due}, but {given(list(values))} was given")


_SCHEMA = Schema(TrainingSettings, _check_together)
