"""Settings, their types and values in words and as YAML."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin

import yaml

from photovst.schema.fields import Leaf


def settings_dict(settings: Any) -> dict[str, Any]:
    """A dataclass as nested plain dicts, lists, numbers and text; enums by name."""
    return cast(dict[str, Any], plain(dataclasses.asdict(settings)))


def resolved_yaml(settings: Any) -> str:
    """Every setting of a dataclass as YAML that its `Schema` reads back to an equal one."""
    return yaml.safe_dump(escape(settings_dict(settings)), sort_keys=False, allow_unicode=True, width=1000)


def type_text(hint: Any) -> str:
    """A type hint in words: ``list[int]`` is 'a list of whole numbers', an Enum lists its choices."""
    if get_origin(hint) in (Union, types.UnionType):
        parts = [type_text(arg) for arg in get_args(hint) if arg is not types.NoneType]
        return " or ".join([*parts, "null"] if types.NoneType in get_args(hint) else parts)
    if get_origin(hint) is list:
        (entry,) = get_args(hint)
        if get_origin(entry) is dict:
            return f"a list of {type_text(entry).removeprefix('a ').replace('mapping', 'mappings', 1)}"
        return f"a list of {type_text(entry).removeprefix('a ')}{'s' if entry in (int, float) else ''}"
    if get_origin(hint) is dict:
        return f"a mapping of names to {type_text(get_args(hint)[1]).removeprefix('a ')}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"one of {', '.join(hint.__members__)}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return words[hint] if hint in words else str(getattr(hint, "__name__", hint))


def range_text(leaf: Leaf) -> str:
    """The range of a setting in words; empty where it has none."""
    low, high = leaf.low, leaf.high
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    return f"of at least {low:g}" if low is not None else f"of at most {high:g}" if high is not None else ""


def plain(value: Any) -> Any:
    """Enums by name, tuples as lists, and so on downwards."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def escape(value: Any) -> Any:
    """Text that OmegaConf takes literally, whatever it makes of '${'; paths as text."""
    if isinstance(value, Mapping):
        return {key: escape(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [escape(entry) for entry in value]
    if isinstance(value, Path):
        value = str(value)
    return value.replace("${", "\\${") if isinstance(value, str) else value


def given(value: Any) -> str:
    """What was given, as an error says it."""
    return f"the text {value!r}" if isinstance(value, str) else shown(value)


def space_hint(value: Any) -> str:
    """Advice where a mapping was written without spaces, which YAML reads as names without values; else nothing.

    >>> space_hint({"dusk:1": None})
    '; YAML needs a space behind a colon: {dusk: 1}'
    """
    if isinstance(value, list):
        return next(filter(None, map(space_hint, value)), "")
    if not isinstance(value, Mapping):
        return ""
    glued = [str(key) for key, entry in value.items() if entry is None and ":" in str(key)]
    return f"; YAML needs a space behind a colon: {{{glued[0].replace(':', ': ', 1)}}}" if glued else ""


def shown(value: Any) -> str:
    """A plain value as YAML writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
