"""Loading, checking, printing and listing the settings of ``config.py``. No DictConfig lives past this file.

Defaults, then YAML files in order, then ``a.b=c`` overrides, then what the caller fixes. A YAML file may
start from another with ``base: other.yaml`` (relative to itself). Paths among the settings, in YAML too, are
relative to the current folder.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

import yaml
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from photovst.config import (
    Compat,
    EncoderKind,
    Fill,
    FlowMethod,
    NextStart,
    ObjectiveScale,
    OptimizerKind,
    ParametrizationKind,
    SegmentationMethod,
    Settings,
    Start,
)
from photovst.errors import SettingsError, did_you_mean

COMMAND_LINE = "command line"


class SettingRow(NamedTuple):
    """One setting as ``photovst settings`` lists it."""

    name: str
    type: str
    default: str
    range: str
    meaning: str


class _Leaf(NamedTuple):
    hint: Any
    default: Any
    meaning: str
    low: float | None
    high: float | None


_Assignment = tuple[str, Any, str]  # name, value, source


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
    assignments = [*_assignments(files, (), {})]
    assignments += [(name, value, source) for source, values in layers for name, value in values.items()]
    assignments += _assignments((), overrides, fixed or {})
    assignments += [(name, _escape(value), COMMAND_LINE) for name, value in (last or {}).items()]
    config = _merged(assignments)
    sources = {name: source for name, _, source in assignments}

    try:
        settings = cast(Settings, OmegaConf.to_object(config))
    except MissingMandatoryValue as error:
        name = str(error.full_key)
        raise SettingsError(f"{name} is missing; set {name}=... ({_leaves()[name].meaning})") from error
    except OmegaConfBaseException as error:  # only ${...} is left to go wrong
        name, reason = str(error.full_key), str(error).splitlines()[0]
        source = sources.get(name, "defaults")
        raise SettingsError(f"{source}: {name} cannot be resolved: {reason}") from error
    _check_ranges(settings, sources)
    _check_together(settings)
    return settings


def flat_settings(values: Mapping[Any, Any], source: str) -> dict[str, Any]:
    """Settings as YAML nests them, by dotted name; ``source`` is what an error calls them.

    >>> flat_settings({"objective": {"style.weight": 2}}, "here")
    {'objective.style.weight': 2}

    Raises:
        SettingsError: one is unknown, is a section, or is set twice.
    """
    flat: dict[str, Any] = {}
    for name, value, _ in _flatten(values, "", source):
        if name in flat:
            raise SettingsError(f"{source}: {name} is set twice; leave one out")
        flat[name] = value
    return flat


def read_yaml(path: Path) -> dict[Any, Any]:
    """What a YAML file maps, as files of settings are read; nothing in it is resolved or checked.

    Raises:
        SettingsError: it cannot be read, or holds no mapping.
    """
    try:
        content = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text, so not a YAML config") from error
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingsError(f"{path}{where}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: {str(error).splitlines()[0]}") from error
    except OmegaConfBaseException as error:
        raise SettingsError(f"{path}: {error.full_key}: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise SettingsError(f"config file {path} cannot be read: {error.strerror or error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: a config is a mapping of names to values, but this is a list")
    return dict(content)


def peek(files: Sequence[Path], overrides: Sequence[str], name: str) -> Any:
    """One setting as the files and overrides give it, whatever else is missing or wrong in them."""
    config = _merged(_assignments(files, overrides, {}))
    try:
        return OmegaConf.select(config, name)
    except OmegaConfBaseException as error:
        raise SettingsError(f"{name} cannot be resolved: {str(error).splitlines()[0]}") from error


def settings_dict(settings: Settings) -> dict[str, Any]:
    """Nested plain dicts, lists, numbers and text; enums by name."""
    return cast(dict[str, Any], _plain(dataclasses.asdict(settings)))


def resolved_yaml(settings: Settings) -> str:
    """Every setting as YAML that ``load_settings`` reads back to an equal ``Settings``."""
    return yaml.safe_dump(_escape(settings_dict(settings)), sort_keys=False, allow_unicode=True, width=1000)


def describe_settings() -> list[SettingRow]:
    """Dotted name, type, default, range and meaning of each setting, in the order of ``config.py``."""
    rows = []
    for name, leaf in _leaves().items():
        default = "(must be set)" if leaf.default == MISSING else _shown(_plain(leaf.default))
        kind = type_text(leaf.hint).removeprefix("a ")
        rows.append(SettingRow(name, kind, default, _range_text(leaf), leaf.meaning))
    return rows


def type_text(hint: Any) -> str:
    """A type hint in words: ``list[int]`` is 'a list of whole numbers', an Enum lists its choices."""
    if get_origin(hint) in (Union, types.UnionType):
        parts = [type_text(arg) for arg in get_args(hint) if arg is not types.NoneType]
        return " or ".join([*parts, "null"] if types.NoneType in get_args(hint) else parts)
    if get_origin(hint) is list:
        (entry,) = get_args(hint)
        return f"a list of {type_text(entry).removeprefix('a ')}{'s' if entry in (int, float) else ''}"
    if get_origin(hint) is dict:
        return f"a mapping of names to {type_text(get_args(hint)[1]).removeprefix('a ')}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"one of {', '.join(hint.__members__)}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return words[hint] if hint in words else str(getattr(hint, "__name__", hint))


@functools.cache
def _leaves() -> dict[str, _Leaf]:
    return dict(_walk(Settings, ""))


@functools.cache
def _sections() -> frozenset[str]:
    return frozenset(name[:i] for name in _leaves() for i, letter in enumerate(name) if letter == ".")


def _leaf_of(name: str) -> tuple[str, _Leaf] | None:
    """The setting that a name sets, by its own name: that of an entry of a mapping is the mapping's."""
    if name in _leaves():
        return name, _leaves()[name]
    found = next((leaf for leaf in _leaves() if name.startswith(f"{leaf}.")), None)
    if found is None or get_origin(_leaves()[found].hint) is not dict:
        return None
    return found, _leaves()[found]


def _entry_hint(name: str, leaf: tuple[str, _Leaf]) -> Any:
    return leaf[1].hint if name == leaf[0] else get_args(leaf[1].hint)[1]


def _walk(cls: type[Any], prefix: str) -> Iterator[tuple[str, _Leaf]]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from _walk(cast(type[Any], hint), f"{prefix}{field.name}.")
            continue
        default: Any = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        about = field.metadata
        leaf = _Leaf(hint, default, about.get("meaning", ""), about.get("low"), about.get("high"))
        yield f"{prefix}{field.name}", leaf


def _assignments(files: Sequence[Path], overrides: Sequence[str], fixed: Mapping[str, object]) -> list[_Assignment]:
    assignments = [a for path in files for a in _from_file(Path(path), ())]
    for text in overrides:
        assignments.append(_from_override(text))
        if assignments[-1][0] in fixed:
            raise SettingsError(f"{COMMAND_LINE}: {text!r} sets what is given as an argument already")
    # A path from the command line is literal text, whatever OmegaConf makes of '${'.
    return assignments + [(name, _escape(value), COMMAND_LINE) for name, value in fixed.items()]


def _merged(assignments: Sequence[_Assignment]) -> DictConfig:
    config: DictConfig = OmegaConf.structured(Settings)
    for name, value, source in assignments:
        try:
            OmegaConf.update(config, name, value, merge=False)
        except OmegaConfBaseException as error:
            leaf = _leaf_of(name)
            assert leaf is not None  # assignments name settings
            due = type_text(_entry_hint(name, leaf))
            raise SettingsError(f"{source}: {name} takes {due}, but {_given(value)} was given") from error
    return config


def _from_file(path: Path, below: tuple[Path, ...]) -> list[_Assignment]:
    if path.resolve() in below:
        raise SettingsError(f"{path}: its 'base' leads back to itself; break the circle")
    values = read_yaml(path)
    base = values.pop("base", None)
    if base is None:
        return list(_flatten(values, "", str(path)))
    if not isinstance(base, str):
        raise SettingsError(f"{path}: base takes the name of one YAML file, but {_given(base)} was given")
    first = _from_file(path.parent / base, (*below, path.resolve()))
    return [*first, *_flatten(values, "", str(path))]


def _flatten(values: Mapping[Any, Any], prefix: str, source: str) -> Iterator[_Assignment]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if name in _leaves():
            mapping = get_origin(_leaves()[name].hint) is dict and isinstance(value, Mapping)
            # Entry by entry, so that a later file adds to an earlier one's.
            yield from ((f"{name}.{k}", v, source) for k, v in value.items()) if mapping else ((name, value, source),)
        elif name not in _sections():
            raise SettingsError(f"{source}: unknown setting {name!r}; {_suggestion(name)}")
        elif isinstance(value, Mapping):
            yield from _flatten(value, f"{name}.", source)
        else:
            inside = ", ".join(n for n in _leaves() if n.startswith(f"{name}."))
            raise SettingsError(f"{source}: {name} is a section, not {_given(value)}; it holds {inside}")


def _from_override(text: str) -> _Assignment:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SettingsError(f"{COMMAND_LINE}: {text!r} is not key=value, such as seed=1")
    leaf = _leaf_of(name)
    if leaf is None:
        return next(_flatten({name: value}, "", COMMAND_LINE))  # raises: unknown, or a section
    hint = _entry_hint(name, leaf)
    if hint in (str, str | None):
        # Text is taken as it stands: YAML would turn 007 into 7 and cut 'clip #2.mp4' short.
        null = hint is not str and value in ("", "null", "~")
        return name, None if null else _escape(value), COMMAND_LINE
    try:
        parsed = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={value}"]), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise SettingsError(f"{COMMAND_LINE}: {name} takes {type_text(hint)}, not {value!r}") from error
    return name, cast(dict[str, Any], parsed)["value"], COMMAND_LINE


def _suggestion(name: str) -> str:
    parts = name.split(".")
    known = next(i for i in range(len(parts)) if ".".join(parts[: i + 1]) not in _sections())
    if ".".join(parts[: known + 1]) in _leaves():
        return f"{'.'.join(parts[: known + 1])} is set as a whole"
    parent = parts[:known]
    everything = [*_leaves(), *_sections()]
    siblings = {n.split(".")[known] for n in _leaves() if n.split(".")[:known] == parent}
    if close := difflib.get_close_matches(parts[known], siblings, n=1, cutoff=0.6):
        corrected = ".".join([*parent, close[0], *parts[known + 1 :]])
        return f"did you mean {corrected if corrected in everything else '.'.join([*parent, close[0]])!r}?"
    elsewhere = {n.split(".")[-1] for n in everything}
    if close := difflib.get_close_matches(parts[-1], elsewhere, n=1, cutoff=0.8):
        found = [n for n in everything if n.split(".")[-1] == close[0]]
        return f"did you mean {found[0]!r}?" if len(found) == 1 else did_you_mean(name, found)
    return did_you_mean(parts[known], [".".join([*parent, s]) for s in siblings])


def _check_ranges(settings: Settings, sources: Mapping[str, str]) -> None:
    for name, leaf in _leaves().items():
        value = functools.reduce(getattr, name.split("."), cast(Any, settings))
        entries: Iterable[tuple[int | str | None, Any]] = [(None, value)]
        if isinstance(value, list | dict):
            entries = value.items() if isinstance(value, dict) else enumerate(value)
        for index, entry in entries:
            if isinstance(entry, bool) or not isinstance(entry, int | float):
                continue
            low, high = leaf.low, leaf.high
            if math.isfinite(entry) and (low is None or entry >= low) and (high is None or entry <= high):
                continue
            where = name if index is None else f"{name}[{index}]" if isinstance(index, int) else f"{name}.{index}"
            due = f"a number {_range_text(leaf)}" if _range_text(leaf) else "a finite number"
            source = sources.get(where, sources.get(name, "defaults"))
            raise SettingsError(f"{source}: {where} takes {due}, but {entry} was given")


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
            raise SettingsError(f"{name} is empty; set {name}=... ({_leaves()[name].meaning})")
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


def _check_torch7(settings: Settings) -> None:
    # Each quirk is one of free pixels, of a VGG's masks, or of the program's own normalization.
    for name, given, needed in (
        ("objective.scale", settings.objective.scale, ObjectiveScale.coded),
        ("parametrization.kind", settings.parametrization.kind, ParametrizationKind.pixels),
        ("optimizer.kind", settings.optimizer.kind, OptimizerKind.lbfgs),
        ("optimizer.line_search", settings.optimizer.line_search, False),
    ):
        if given != needed:
            due = _shown(_plain(needed))
            raise SettingsError(
                f"compat=torch7 needs {name}={due}, but it is {_shown(_plain(given))}; set {name}={due}"
            )
    if settings.encoder.kind is EncoderKind.steerable:
        raise SettingsError("compat=torch7 needs a VGG, for masks follow it; set encoder.kind=vgg19_caffe")


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _escape(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _escape(entry) for key, entry in value.items()}
    if isinstance(value, Path):
        value = str(value)
    return value.replace("${", "\\${") if isinstance(value, str) else value


def _given(value: Any) -> str:
    return f"the text {value!r}" if isinstance(value, str) else _shown(value)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _range_text(leaf: _Leaf) -> str:
    low, high = leaf.low, leaf.high
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    return f"of at least {low:g}" if low is not None else f"of at most {high:g}" if high is not None else ""
