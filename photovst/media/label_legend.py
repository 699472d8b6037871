"""Legends of label pictures: ``labels.csv`` beside them says what an id is called and which color it is shown in."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from photovst.errors import MediaError
from photovst.storage import write_atomic

LEGEND = "labels.csv"
"""Name of a folder's legend; its first line is ``id,name,color``, a color is ``#rrggbb``."""

LARGEST_ID = 65535
"""What a picture of 16 bits holds."""

Color = tuple[int, int, int]

_HEADER = ["id", "name", "color"]


@dataclass(frozen=True)
class Entry:
    """What one id of a label picture means.

    Args:
        id: the value of its pixels, 0 to 65535.
        name: of the class; several ids may share one.
        color: RGB, 0 to 255, in which it is shown.
    """

    id: int
    name: str
    color: Color


@dataclass(frozen=True)
class Legend:
    """Entries in the order of their ids.

    Raises:
        MediaError: there are none, an id or a color is given twice, one is out of range, or a name is empty.
    """

    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not self.entries:
            raise MediaError("a legend needs at least one line: id,name,color")
        ids: set[int] = set()
        colors: dict[Color, Entry] = {}
        for entry in self.entries:
            if not 0 <= entry.id <= LARGEST_ID:
                raise MediaError(f"id {entry.id} of a legend is out of range; give 0 to {LARGEST_ID}")
            if entry.id in ids:
                raise MediaError(f"id {entry.id} stands in a legend twice; give each id one line")
            if not entry.name or entry.name != entry.name.strip():
                raise MediaError(
                    f"id {entry.id} of a legend has the name {entry.name!r}; give it one, without spaces around"
                )
            if not all(0 <= level <= 255 for level in entry.color):
                raise MediaError(f"id {entry.id} of a legend has the color {entry.color}; give levels from 0 to 255")
            other = colors.setdefault(entry.color, entry)
            if other.name != entry.name:
                raise MediaError(
                    f"{other.name} and {entry.name} have one color in a legend, {_hex(entry.color)}; give each its own"
                )
            ids.add(entry.id)
        object.__setattr__(self, "entries", tuple(sorted(self.entries, key=lambda entry: entry.id)))

    @property
    def names(self) -> dict[int, str]:
        """Names by id."""
        return {entry.id: entry.name for entry in self.entries}


def read_legend(folder: Path) -> Legend | None:
    """The legend of a folder, or None where it has none.

    Raises:
        MediaError: it cannot be read, or a line is not ``id,name,color``.
    """
    path = folder / LEGEND
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"the legend {path} cannot be read ({error}); save it as text in UTF-8") from error
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    if not lines or [field.strip() for field in lines[0]] != _HEADER:
        given = ",".join(lines[0]) if lines else ""
        raise MediaError(f"the legend {path} begins with {given!r}; its first line must be 'id,name,color'")
    try:
        return Legend(tuple(_entry(line) for line in lines[1:]))
    except MediaError as error:
        raise MediaError(f"the legend {path}: {error}") from error


def write_legend(folder: Path, legend: Legend) -> Path:
    """Write a folder's legend, whole or not at all, and return its path.

    Raises:
        MediaError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows((entry.id, entry.name, _hex(entry.color)) for entry in legend.entries)
    path = folder / LEGEND
    try:
        write_atomic(path, text.getvalue().encode())
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror}; free space or choose another place") from error
    return path


def _entry(line: list[str]) -> Entry:
    fields = [field.strip() for field in line]
    if len(fields) != 3 or not fields[0].isdecimal() or not re.fullmatch(r"#[0-9a-fA-F]{6}", fields[2]):
        raise MediaError(f"the line {','.join(line)!r} is not 'id,name,color', such as '3,sky,#06e6e6'")
    red, green, blue = bytes.fromhex(fields[2][1:])
    return Entry(int(fields[0]), fields[1], (red, green, blue))


def _hex(color: Color) -> str:
    return "#" + bytes(color).hex()
