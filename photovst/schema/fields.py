"""What a tree of dataclasses says there is to set: a leaf a setting, by dotted name, with its meaning and range."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple, cast, get_args, get_origin, get_type_hints

ENTRY = "<name>"
"""Stands in dotted names for that of an entry of a mapping to dataclasses, which whoever sets it chooses."""


class Leaf(NamedTuple):
    """One setting; its range is inclusive, and holds for each entry of a list or mapping."""

    hint: Any
    default: Any
    meaning: str
    low: float | None
    high: float | None


def setting(default: Any, meaning: str, *, low: float | None = None, high: float | None = None) -> Any:
    """A field with one sentence of meaning and an inclusive range, both checked and printed on load.

    For a list, the range holds for each entry. NaN and infinities are refused wherever a number is due.
    """
    about = {"meaning": meaning, "low": low, "high": high}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: copy(default), metadata=about)
    return dataclasses.field(default=default, metadata=about)


def leaves(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    """Each setting of a dataclass and of those in it, in order."""
    for field, hint in _fields(cls):
        name = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(hint):
            yield from leaves(cast(type[Any], hint), f"{name}.")
        elif entry := entry_class(hint):
            yield from leaves(entry, f"{name}.{ENTRY}.")
        else:
            default: Any = field.default
            if field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            about = field.metadata
            yield name, Leaf(hint, default, about.get("meaning", ""), about.get("low"), about.get("high"))


def mappings(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, type[Any]]]:
    """Name and class of entries of each mapping to dataclasses; none of these holds another."""
    for field, hint in _fields(cls):
        if dataclasses.is_dataclass(hint):
            yield from mappings(cast(type[Any], hint), f"{prefix}{field.name}.")
        elif entry := entry_class(hint):
            yield f"{prefix}{field.name}", entry


def values(settings: Any, prefix: str = "", own: str = "") -> Iterator[tuple[str, str, Any]]:
    """Name, name among `leaves`, and value of each setting of a dataclass, in order."""
    for field, hint in _fields(type(settings)):
        name, leaf, value = f"{prefix}{field.name}", f"{own}{field.name}", getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from values(value, f"{name}.", f"{leaf}.")
        elif entry_class(hint):
            for key, entry in value.items():
                yield from values(entry, f"{name}.{key}.", f"{leaf}.{ENTRY}.")
        else:
            yield name, leaf, value


def entry_class(hint: Any) -> type[Any] | None:
    """The dataclass that a type hint maps names to, if it does."""
    entry = get_args(hint)[1] if get_origin(hint) is dict else None
    return cast(type[Any], entry) if dataclasses.is_dataclass(entry) else None


def _fields(cls: type[Any]) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    hints = get_type_hints(cls)
    return ((field, hints[field.name]) for field in dataclasses.fields(cls))
