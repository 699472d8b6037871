"""Loading, checking and listing the settings of ``config.py``: how a `Schema` does it, and what goes together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from photovst.config import (
    Compat,
    EncoderKind,
    Fill,
    FlowMethod,
    KeyframeKind,
    NextStart,
    ObjectiveScale,
    OptimizerKind,
    ParametrizationKind,
    SegmentationMethod,
    Settings,
    Start,
    StylerKind,
)
from photovst.errors import SettingsError
from photovst.network_settings import check_predicted
from photovst.schema.loading import Schema, SettingRow as SettingRow
from photovst.schema.printing import (
    plain,
    resolved_yaml as resolved_yaml,
    settings_dict as settings_dict,
    shown,
    type_text as type_text,
)
from photovst.schema.sources import COMMAND_LINE as COMMAND_LINE, read_yaml as read_yaml


def load_settings(
    files: Sequence[Path] = (),
    overrides: Sequence[str] = (),
    fixed: Mapping[str, object] | None = None,
    last: Mapping[str, object] | None = None,
    layers: Sequence[tuple[str, Mapping[str, object]]] = (),
) -> Settings:
    """Settings from defaults, YAML files in order, dotlist overrides, fixed and last values, each over the former.

    Fixed values are those given as arguments, which no override may set as well; ``last`` ones replace any. Layers,
    from `flat_settings` and each with what an error calls it, lie over the files and under the overrides.

    Raises:
        SettingsError: a file cannot be read, or a setting is unknown, missing, of the wrong type, out of
            range or at odds with another.
    """
    return _SCHEMA.load(files, overrides, fixed, last, layers)


def flat_settings(values: Mapping[Any, Any], source: str) -> dict[str, Any]:
    """Settings as YAML nests them, by dotted name; ``source`` is what an error calls them.

    >>> flat_settings({"objective": {"style.weight": 2}}, "here")
    {'objective.style.weight': 2}

    Raises:
        SettingsError: one is unknown, is a section, or is set twice.
    """
    return _SCHEMA.flat(values, source)


def peek(files: Sequence[Path], overrides: Sequence[str], name: str) -> Any:
    """One setting as the files and overrides give it, whatever else is missing or wrong in them."""
    return _SCHEMA.peek(files, overrides, name)


def describe_settings() -> list[SettingRow]:
    """Dotted name, type, default, range and meaning of each setting, in the order of ``config.py``."""
    return _SCHEMA.describe()


def _check_together(settings: Settings) -> None:
    schedule, segmentation = settings.schedule, settings.segmentation
    if not schedule.scales:
        raise SettingsError("schedule.scales is empty; give at least one working size")
    given = {"iterations": schedule.iterations, "next_iterations": schedule.next_iterations}
    if schedule.passes.iterations is not None:
        given["passes.iterations"] = schedule.passes.iterations
    for name, counts in given.items():
        if len(counts) != len(schedule.scales):
            raise SettingsError(
                f"schedule.{name} has {len(counts)} entries {counts}, but schedule.scales has "
                f"{len(schedule.scales)} {schedule.scales}; give one count a scale"
            )
    if any(a > b for a, b in zip(schedule.scales, schedule.scales[1:], strict=False)):
        raise SettingsError(f"schedule.scales must not descend, but {schedule.scales} was given")
    style = settings.objective.style
    if style.layer_weights is not None and len(style.layer_weights) != len(style.layers or ()):
        raise SettingsError(
            f"objective.style.layer_weights has {len(style.layer_weights)} entries {style.layer_weights}, but"
            f" objective.style.layers {len(style.layers or ())}; give one weight a layer"
        )
    if style.layers == []:
        raise SettingsError("objective.style.layers is empty; name one layer or more, or objective.style.weight=0")
    if settings.parametrization.kind is not ParametrizationKind.pixels:
        for name, value in (("start", schedule.start), ("next_start", schedule.next_start), ("fill", schedule.fill)):
            if value in (Start.noise, NextStart.noise, Fill.mean):
                raise SettingsError(
                    f"schedule.{name}={value.value} needs parametrization.kind=pixels; a grid starts from the frame"
                )
    from_stage = settings.objective.photorealism.from_stage
    if settings.objective.photorealism.weight and from_stage >= len(schedule.scales):
        raise SettingsError(
            f"objective.photorealism.from_stage={from_stage} comes after the last of {len(schedule.scales)} entries of"
            " schedule.scales, counted from 0; lower it"
        )
    _check_neighbors(settings)
    _check_keyframes(settings)
    check_predicted(settings)
    if settings.compat is Compat.torch7:
        _check_torch7(settings)
    if segmentation.method is SegmentationMethod.files and not segmentation.content:
        raise SettingsError("segmentation.method=files needs segmentation.content=PATH")
    if segmentation.method is SegmentationMethod.none:
        for name in ("map", "weights", "styles"):
            if given := getattr(segmentation, name):
                raise SettingsError(
                    f"segmentation.{name}.{next(iter(given))} has no region to count for with segmentation.method=none;"
                    " leave one out"
                )
    flow = settings.flow
    if flow.method is FlowMethod.files and not flow.folder:
        raise SettingsError("flow.method=files needs flow.folder=PATH")
    if flow.folder and flow.method is not FlowMethod.files:
        raise SettingsError(
            f"flow.folder={flow.folder} is for flow.method=files, but the method is {flow.method.value}; leave one out"
        )
    for name in ("output", "content", "style"):
        path = getattr(settings, name)
        if not path:
            raise SettingsError(f"{name} is empty; set {name}=... ({_SCHEMA.meaning(name)})")
        if name != "output" and Path(path).resolve() == Path(settings.output).resolve():
            raise SettingsError(f"output and {name} are both {settings.output}; choose another output")


def _check_neighbors(settings: Settings) -> None:
    neighbors, passes = settings.objective.temporal.neighbors, settings.schedule.passes
    if not neighbors or sorted(set(neighbors)) != neighbors:
        raise SettingsError(
            f"objective.temporal.neighbors must ascend, each once, but {neighbors} was given; such as [1, 10, 20, 40]"
        )
    if passes.count > 1 and passes.temporal_from > passes.count and settings.objective.temporal.weight:
        raise SettingsError(
            f"schedule.passes.temporal_from={passes.temporal_from} comes after the last of"
            f" schedule.passes.count={passes.count} passes; lower it, or set objective.temporal.weight=0"
        )


def _check_keyframes(settings: Settings) -> None:
    kind = settings.schedule.keyframes.kind
    if kind is KeyframeKind.none:
        return
    named, passes = f"schedule.keyframes.kind={kind.value}", settings.schedule.passes.count
    if settings.styler is StylerKind.optimized and settings.parametrization.kind is ParametrizationKind.pixels:
        raise SettingsError(
            f"{named} needs parametrization.kind=bilateral_grid: pixels of one frame say nothing of those between"
        )
    if passes > 1:
        raise SettingsError(f"{named} goes over each shot once; set schedule.passes.count=1, not {passes}")
    if settings.local_affine.enabled:
        raise SettingsError(f"{named} needs local_affine.enabled=false, which smooths each frame's own result")
    if kind is KeyframeKind.adaptive and settings.flow.method is FlowMethod.files:
        raise SettingsError(f"{named} asks for the motion of any two frames, which flow.method=files lacks; use dis")


def _check_torch7(settings: Settings) -> None:
    # Each quirk is one of free pixels, of a VGG's masks, or of the program's own normalization.
    for name, given, needed in (
        ("objective.scale", settings.objective.scale, ObjectiveScale.coded),
        ("parametrization.kind", settings.parametrization.kind, ParametrizationKind.pixels),
        ("optimizer.kind", settings.optimizer.kind, OptimizerKind.lbfgs),
        ("optimizer.line_search", settings.optimizer.line_search, False),
    ):
        if given != needed:
            due = shown(plain(needed))
            raise SettingsError(f"compat=torch7 needs {name}={due}, but it is {shown(plain(given))}; set {name}={due}")
    if settings.encoder.kind is EncoderKind.steerable:
        raise SettingsError("compat=torch7 needs a VGG, for masks follow it; set encoder.kind=vgg19_caffe")


_SCHEMA = Schema(Settings, _check_together)
