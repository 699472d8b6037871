"""Where settings come from: YAML files, each maybe starting from another, and ``a.b=c`` overrides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_origin

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from photovst.errors import SettingsError
from photovst.schema.names import Names
from photovst.schema.printing import escape, given, type_text

COMMAND_LINE = "command line"

Assignment = tuple[str, Any, str]
"""Name, value, and what an error calls its source."""


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


def assignments(
    names: Names, files: Sequence[Path], overrides: Sequence[str], fixed: Mapping[str, object]
) -> list[Assignment]:
    """What files, overrides and fixed values set, in order; no override may set what is fixed.

    Raises:
        SettingsError: a file cannot be read, or a name is unknown.
    """
    found = [assignment for path in files for assignment in _from_file(names, Path(path), ())]
    for text in overrides:
        found.append(_from_override(names, text))
        if found[-1][0] in fixed:
            raise SettingsError(f"{COMMAND_LINE}: {text!r} sets what is given as an argument already")
    # A path from the command line is literal text, whatever OmegaConf makes of '${'.
    return found + [(name, escape(value), COMMAND_LINE) for name, value in fixed.items()]


def flatten(names: Names, values: Mapping[Any, Any], prefix: str, source: str) -> Iterator[Assignment]:
    """Settings as YAML nests them, one by one.

    Raises:
        SettingsError: one is unknown, or is a section.
    """
    for key, value in values.items():
        name = f"{prefix}{key}"
        own = names.own(name)
        if own in names.leaves:
            mapping = get_origin(names.leaves[own].hint) is dict and isinstance(value, Mapping)
            # Entry by entry, so that a later file adds to an earlier one's.
            yield from ((f"{name}.{k}", v, source) for k, v in value.items()) if mapping else ((name, value, source),)
        elif own not in names.sections:
            raise SettingsError(f"{source}: unknown setting {name!r}; {names.suggestion(name)}")
        elif isinstance(value, Mapping):
            yield from flatten(names, value, f"{name}.", source)
        else:
            inside = ", ".join(names.inside(name))
            raise SettingsError(f"{source}: {name} is a section, not {given(value)}; it holds {inside}")


def _from_file(names: Names, path: Path, below: tuple[Path, ...]) -> list[Assignment]:
    if path.resolve() in below:
        raise SettingsError(f"{path}: its 'base' leads back to itself; break the circle")
    values = read_yaml(path)
    base = values.pop("base", None)
    if base is None:
        return list(flatten(names, values, "", str(path)))
    if not isinstance(base, str):
        raise SettingsError(f"{path}: base takes the name of one YAML file, but {given(base)} was given")
    first = _from_file(names, path.parent / base, (*below, path.resolve()))
    return [*first, *flatten(names, values, "", str(path))]


def _from_override(names: Names, text: str) -> Assignment:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SettingsError(f"{COMMAND_LINE}: {text!r} is not key=value, such as seed=1")
    leaf = names.leaf(name)
    if leaf is None:
        return next(flatten(names, {name: value}, "", COMMAND_LINE))  # raises: unknown, or a section
    _, hint = leaf
    if hint in (str, str | None):
        # Text is taken as it stands: YAML would turn 007 into 7 and cut 'clip #2.mp4' short.
        null = hint is not str and value in ("", "null", "~")
        return name, None if null else escape(value), COMMAND_LINE
    try:
        parsed = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={value}"]), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise SettingsError(f"{COMMAND_LINE}: {name} takes {type_text(hint)}, not {value!r}") from error
    return name, cast(dict[str, Any], parsed)["value"], COMMAND_LINE
