"""The file of a sweep, read strictly: what is varied, over which clips, styles and seeds. Torch-free.

Nothing is combined or loaded here; `settings` does that. ``base`` is relative to the file, as in files of settings;
other paths are relative to the current folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from photovst.errors import SettingsError, did_you_mean
from photovst.judging import FlowSource, Judging
from photovst.settings_io import describe_settings, flat_settings, read_yaml

KEYS = (
    "base",
    "settings",
    "terms",
    "variants",
    "grid",
    "clips",
    "styles",
    "seeds",
    "output",
    "judging",
)
CLIP_KEYS = ("content", "style", "settings", "terms", "flow", "masks")
JUDGING_KEYS = ("flow", "size", "own_encoder")

PLACES = {
    "content": "list clips under 'clips'",
    "style": "list photographs under 'styles', or give a clip its own",
    "output": "set the sweep's own 'output', or -o",
    "pairs": "list the pairs under 'clips'",
    "pair": "list the pairs under 'clips'",
    "seed": "list seeds under 'seeds'",
}
"""Settings that a sweep gives to its members itself, and how."""


class Term(Enum):
    """What ``terms`` says of a term: ``off`` is weight 0, ``on`` leaves it the weight it has, which must not be 0."""

    on = "on"
    off = "off"


Flat = dict[str, Any]
"""Settings by dotted name."""


@dataclass(frozen=True)
class ClipEntry:
    """A clip of a sweep, with what holds for it alone."""

    name: str
    content: str | None
    style: str | None = None
    settings: Mapping[str, Any] | None = None
    flow: Path | None = None
    masks: tuple[Path, Path] | None = None


@dataclass(frozen=True)
class SweepFile:
    """What a sweep file says; settings are flat, and no name in them is unknown."""

    path: Path
    base: tuple[Path, ...]
    settings: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]
    grid: Mapping[str, Sequence[Any]]
    clips: tuple[ClipEntry, ...]
    styles: Mapping[str, str]
    seeds: tuple[int, ...]
    output: Path | None
    judging: Judging


def terms() -> list[str]:
    """The terms of the objective, as ``terms`` names them."""
    names = (row.name.split(".") for row in describe_settings())
    return [parts[1] for parts in names if parts[0] == "objective" and parts[2:] == ["weight"]]


def read_sweep(path: Path) -> SweepFile:
    """Read a sweep file.

    Raises:
        SettingsError: it cannot be read; a key is unknown or holds what it must not; a setting is given twice, or is
            one that the sweep gives itself.
    """
    values = read_yaml(path)
    _known(values, KEYS, str(path))
    base = values.get("base")
    clips = _named(values.get("clips"), f"{path}, clips")
    grid = _mapping(values.get("grid"), f"{path}, grid")
    variants = _mapping(values.get("variants"), f"{path}, variants")
    for key in ("base", "variants", "grid", "clips", "styles", "seeds"):
        if key in values and values[key] in (None, [], {}):
            raise SettingsError(f"{path}: {key} is empty; fill it, or leave it out")
    return SweepFile(
        path=path,
        base=tuple(path.parent / each for each in _texts(base, f"{path}, base")) if base is not None else (),
        settings=_settings(values, str(path)),
        variants={name: _variant(variants[name], f"{path}, variants.{name}") for name in variants},
        grid=_grid(grid, f"{path}, grid"),
        clips=tuple(_clip(name, entry, f"{path}, clips.{name}") for name, entry in clips.items()),
        styles=_styles(values.get("styles"), f"{path}, styles"),
        seeds=_seeds(values.get("seeds"), f"{path}, seeds"),
        output=None if values.get("output") is None else Path(_text(values["output"], f"{path}, output")),
        judging=_judging(values.get("judging"), f"{path}, judging"),
    )


def _known(values: Mapping[Any, Any], keys: Sequence[str], source: str) -> None:
    for key in values:
        if key not in keys:
            raise SettingsError(f"{source}: unknown key {key!r}; {did_you_mean(str(key), keys)}")


def _mapping(value: Any, source: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SettingsError(f"{source} takes a mapping of names, but {value!r} was given")
    return {str(key): entry for key, entry in value.items()}


def _text(value: Any, source: str) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{source} takes a path, but {value!r} was given")
    return value


def _texts(value: Any, source: str) -> list[str]:
    return [_text(each, source) for each in (value if isinstance(value, list) else [value])]


def _settings(values: Mapping[str, Any], source: str) -> Flat:
    """``settings`` and ``terms`` of a part of the file, together."""
    return _united(values.get("settings"), values.get("terms"), source)


def _variant(value: Any, source: str) -> Flat:
    given = _mapping(value, source)
    switched = given.pop("terms", None)
    return _united(given, switched, source)


def _united(settings: Any, switched: Any, source: str) -> Flat:
    flat = _own(flat_settings(_mapping(settings, f"{source}, settings"), source), source)
    for name, state in _mapping(switched, f"{source}, terms").items():
        key, value = _term(name, state, f"{source}, terms")
        if key in flat:
            raise SettingsError(f"{source}: the term {name} is {value.value}, and {key} is set too; leave one out")
        flat[key] = value
    return flat


def _term(name: str, state: Any, source: str) -> tuple[str, Term]:
    if name not in terms():
        raise SettingsError(f"{source}: there is no term {name!r}; {did_you_mean(name, terms())}")
    # YAML 1.1 reads a bare 'on' as true and 'off' as false.
    if state not in (True, False, "on", "off") or isinstance(state, int) != isinstance(state, bool):
        raise SettingsError(f"{source}: {name} is on or off, but {state!r} was given")
    return f"objective.{name}.weight", Term.on if state in (True, "on") else Term.off


def _own(flat: Flat, source: str) -> Flat:
    for name, instead in PLACES.items():
        if name in flat:
            raise SettingsError(f"{source}: {name} cannot be set here; {instead}")
    return flat


def _grid(values: Mapping[str, Any], source: str) -> dict[str, list[Any]]:
    grid: dict[str, list[Any]] = {}
    for name, entries in values.items():
        if not isinstance(entries, list) or not entries:
            raise SettingsError(f"{source}: {name} takes a list of values, but {entries!r} was given")
        head, _, rest = name.partition(".")
        if head == "terms":
            pairs = [_term(rest, entry, source) for entry in entries]
            key = pairs[0][0]
            listed: list[Any] = [value for _, value in pairs]
        else:
            flat = _own(flat_settings(_nested(name, entries[0]), source), source)
            if len(flat) != 1:
                raise SettingsError(f"{source}: {name} is a section; name one setting of it")
            (key,), listed = flat, entries
        if key in grid:
            raise SettingsError(f"{source}: {key} is there twice; leave one out")
        grid[key] = listed
    return grid


def _nested(name: str, value: Any) -> dict[str, Any]:
    head, dot, rest = name.partition(".")
    return {head: _nested(rest, value)} if dot else {head: value}


def _named(value: Any, source: str) -> dict[str, Any]:
    """Entries by name; in a list a path is named after its file."""
    if value is None or isinstance(value, Mapping):
        return _mapping(value, source)
    named: dict[str, Any] = {}
    for entry in value if isinstance(value, list) else [value]:
        path = entry.get("content") if isinstance(entry, Mapping) else entry
        name = Path(_text(path, source)).stem
        if name in named:
            raise SettingsError(f"{source}: two entries would be called {name}; give names: {{NAME: PATH, ...}}")
        named[name] = entry
    return named


def _clip(name: str, entry: Any, source: str) -> ClipEntry:
    if isinstance(entry, str):
        return ClipEntry(name, _text(entry, source))
    values = _mapping(entry, source)
    _known(values, CLIP_KEYS, source)
    if "content" not in values:
        raise SettingsError(f"{source} has no content; set content: PATH")
    masks = values.get("masks")
    if masks is not None and (not isinstance(masks, list) or len(masks) != 2):
        raise SettingsError(f"{source}: masks takes two paths, the clip's and the photograph's, not {masks!r}")
    return ClipEntry(
        name=name,
        content=_text(values["content"], f"{source}, content"),
        style=None if values.get("style") is None else _text(values["style"], f"{source}, style"),
        settings=_settings(values, source),
        flow=None if values.get("flow") is None else Path(_text(values["flow"], f"{source}, flow")),
        masks=None if masks is None else (Path(_text(masks[0], source)), Path(_text(masks[1], source))),
    )


def _styles(value: Any, source: str) -> dict[str, str]:
    return {name: _text(path, f"{source}.{name}") for name, path in _named(value, source).items()}


def _seeds(value: Any, source: str) -> tuple[int, ...]:
    seeds = [] if value is None else value if isinstance(value, list) else [value]
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise SettingsError(f"{source} takes whole numbers from 0, but {seed!r} was given")
        if seeds.count(seed) > 1:
            raise SettingsError(f"{source}: {seed} is there twice; leave one out")
    return tuple(seeds)


def _judging(value: Any, source: str) -> Judging:
    values = _mapping(value, source)
    _known(values, JUDGING_KEYS, source)
    flow, size = values.get("flow", Judging.flow), values.get("size", Judging.size)
    if flow not in get_args(FlowSource):
        raise SettingsError(f"{source}: flow is one of {', '.join(get_args(FlowSource))}, but {flow!r} was given")
    if isinstance(size, bool) or not isinstance(size, int) or size < 16:
        raise SettingsError(f"{source}: size takes a whole number from 16, but {size!r} was given")
    own = values.get("own_encoder", Judging.own_encoder)
    if not isinstance(own, bool):
        raise SettingsError(f"{source}: own_encoder is true or false, but {own!r} was given")
    return Judging(flow=flow, size=size, own_encoder=own)
