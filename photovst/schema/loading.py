"""A schema: a root dataclass, whose settings are loaded, checked and listed. No DictConfig lives past this file.

Defaults, then YAML files in order, then ``a.b=c`` overrides, then what the caller fixes. A YAML file may
start from another with ``base: other.yaml`` (relative to itself). Paths among the settings, in YAML too, are
relative to the current folder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from photovst.errors import SettingsError
from photovst.schema.fields import values
from photovst.schema.names import Names
from photovst.schema.printing import escape, given, plain, range_text, shown, space_hint, type_text
from photovst.schema.sources import COMMAND_LINE, Assignment, assignments, flatten

T = TypeVar("T")


class SettingRow(NamedTuple):
    """One setting as ``photovst settings`` lists it."""

    name: str
    type: str
    default: str
    range: str
    meaning: str


class Schema(Generic[T]):
    """The settings of one dataclass and of those in it.

    Args:
        root: the dataclass; its fields are dataclasses, mappings of names to dataclasses, or made by `setting`.
        check_together: raises SettingsError where settings are at odds with each other.
    """

    def __init__(self, root: type[T], check_together: Callable[[T], None]) -> None:
        self._root = root
        self._check_together = check_together

    @cached_property
    def names(self) -> Names:
        """What there is to set."""
        return Names(self._root)

    def load(
        self,
        files: Sequence[Path] = (),
        overrides: Sequence[str] = (),
        fixed: Mapping[str, object] | None = None,
        last: Mapping[str, object] | None = None,
        layers: Sequence[tuple[str, Mapping[str, object]]] = (),
    ) -> T:
        """Settings from defaults, YAML files in order, dotlist overrides, fixed and last values, each over the former.

        Fixed values are those given as arguments, which no override may set as well; ``last`` ones replace any.
        Layers, from `flat` and each with what an error calls it, lie over the files and under the overrides.

        Raises:
            SettingsError: a file cannot be read, or a setting is unknown, missing, of the wrong type, out of
                range or at odds with another.
        """
        found = assignments(self.names, files, (), {})
        found += [(name, value, source) for source, entries in layers for name, value in entries.items()]
        found += assignments(self.names, (), overrides, fixed or {})
        found += [(name, escape(value), COMMAND_LINE) for name, value in (last or {}).items()]
        config = self._merged(found)
        sources = {name: source for name, _, source in found}

        try:
            settings = cast(T, OmegaConf.to_object(config))
        except MissingMandatoryValue as error:
            name = str(error.full_key)
            meaning = self.names.leaves[self.names.own(name)].meaning
            raise SettingsError(f"{name} is missing; set {name}=... ({meaning})") from error
        except OmegaConfBaseException as error:  # only ${...} is left to go wrong
            name, reason = str(error.full_key), str(error).splitlines()[0]
            source = sources.get(name, "defaults")
            raise SettingsError(f"{source}: {name} cannot be resolved: {reason}") from error
        self._check_ranges(settings, sources)
        self._check_together(settings)
        return settings

    def flat(self, nested: Mapping[Any, Any], source: str) -> dict[str, Any]:
        """Settings as YAML nests them, by dotted name; ``source`` is what an error calls them.

        Raises:
            SettingsError: one is unknown, is a section, or is set twice.
        """
        flat: dict[str, Any] = {}
        for name, value, _ in flatten(self.names, nested, "", source):
            if name in flat:
                raise SettingsError(f"{source}: {name} is set twice; leave one out")
            flat[name] = value
        return flat

    def peek(self, files: Sequence[Path], overrides: Sequence[str], name: str) -> Any:
        """One setting as the files and overrides give it, whatever else is missing or wrong in them."""
        config = self._merged(assignments(self.names, files, overrides, {}))
        try:
            return OmegaConf.select(config, name)
        except OmegaConfBaseException as error:
            raise SettingsError(f"{name} cannot be resolved: {str(error).splitlines()[0]}") from error

    def describe(self) -> list[SettingRow]:
        """Dotted name, type, default, range and meaning of each setting, in the order of the dataclasses."""
        rows = []
        for name, leaf in self.names.leaves.items():
            default = "(must be set)" if leaf.default == MISSING else shown(plain(leaf.default))
            kind = type_text(leaf.hint).removeprefix("a ")
            rows.append(SettingRow(name, kind, default, range_text(leaf), leaf.meaning))
        return rows

    def meaning(self, name: str) -> str:
        """The sentence of a setting."""
        return self.names.leaves[name].meaning

    def _merged(self, found: Sequence[Assignment]) -> DictConfig:
        config: DictConfig = OmegaConf.structured(self._root)
        for name, value, source in found:
            try:
                self._make_entry(config, name)
                OmegaConf.update(config, name, value, merge=False)
            except OmegaConfBaseException as error:
                leaf = self.names.leaf(name)
                assert leaf is not None  # assignments name settings
                _, hint = leaf
                raise SettingsError(
                    f"{source}: {name} takes {type_text(hint)}, but {given(value)} was given{space_hint(value)}"
                ) from error
        return config

    def _make_entry(self, config: DictConfig, name: str) -> None:
        """OmegaConf makes no entry of a mapping to dataclasses for a setting in it."""
        for mapping, cls in self.names.mappings.items():
            if name.startswith(f"{mapping}."):
                entry = f"{mapping}.{name.removeprefix(f'{mapping}.').partition('.')[0]}"
                if OmegaConf.select(config, entry) is None:
                    OmegaConf.update(config, entry, OmegaConf.structured(cls), merge=False)

    def _check_ranges(self, settings: T, sources: Mapping[str, str]) -> None:
        for name, own, value in values(settings):
            leaf = self.names.leaves[own]
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
                due = f"a number {range_text(leaf)}" if range_text(leaf) else "a finite number"
                source = sources.get(where, sources.get(name, "defaults"))
                raise SettingsError(f"{source}: {where} takes {due}, but {entry} was given")
