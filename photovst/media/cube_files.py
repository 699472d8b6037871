"""Color look-up tables as .cube files, which editors and FFmpeg read [AdobeCube2013].

A title, the number of points an axis, the colors that the first and last point stand for, then a line a point: red,
green and blue of what its color becomes, red changing fastest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from photovst.errors import MediaError
from photovst.storage import write_atomic

SIZES = range(2, 257)
"""Points an axis that the format allows."""

DIGITS = 6
"""After the point: finer than 16 bits."""


@dataclass(frozen=True, eq=False)
class Cube:
    """A table and its title.

    ``table`` is indexed by red, green and blue: entry ``[i, j, k]`` is what the color that lies
    ``(i, j, k) / (points - 1)`` of the way from ``domain[0]`` to ``domain[1]`` becomes.
    """

    table: Float32[np.ndarray, "points points points 3"]
    title: str = ""
    domain: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def write_cube(path: str | Path, cube: Cube) -> None:
    """Write a table as a .cube file, whole or not at all; quotes and line ends in the title become spaces.

    Raises:
        ValueError: the table has no cube's shape, or a value is no number.
        MediaError: the file cannot be written.
    """
    path, table = Path(path), cube.table
    points = len(table)
    if table.shape != (points, points, points, 3) or points not in SIZES:
        raise ValueError(f"a table of shape {table.shape} is no cube of {SIZES[0]} to {SIZES[-1]} points an axis")
    if not np.isfinite(table).all():
        raise ValueError("the table holds a value that is no number")
    title = "".join(" " if sign == '"' or not sign.isprintable() else sign for sign in cube.title)
    ascii_title = title.encode("ascii", "replace").decode()
    low, high = (" ".join(f"{value:g}" for value in end) for end in cube.domain)
    lines = [f'TITLE "{ascii_title}"', f"LUT_3D_SIZE {points}", f"DOMAIN_MIN {low}", f"DOMAIN_MAX {high}"]
    entries = table.transpose(2, 1, 0, 3).reshape(-1, 3).tolist()
    # Adding 0 makes a zero of what is rounded to a negative one.
    lines += [" ".join(f"{round(value, DIGITS) + 0.0:.{DIGITS}f}" for value in entry) for entry in entries]
    try:
        write_atomic(path, ("\n".join(lines) + "\n").encode("ascii"))
    except OSError as error:
        raise MediaError(f"cannot write {path} ({error.strerror}); choose another place") from error


def read_cube(path: str | Path) -> Cube:
    """The three-dimensional table of a .cube file.

    Raises:
        MediaError: the file is absent, holds no such table, or is damaged.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}); check the path") from error
    said: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0][0].isalpha() and words[0].lower() not in ("nan", "inf"):
            said[words[0]] = [line.strip().removeprefix(words[0]).strip()] if words[0] == "TITLE" else words[1:]
        else:
            rows.append(line)
    if "LUT_1D_SIZE" in said:
        raise MediaError(f"{path} holds one-dimensional tables; give a .cube file with LUT_3D_SIZE")
    points = _points(path, said.get("LUT_3D_SIZE", []))
    low, high = (_numbers(path, said.get(key, [default] * 3), 3) for key, default in _DOMAIN)
    if not all(a < b for a, b in zip(low, high, strict=True)):
        raise MediaError(f"{path}: DOMAIN_MAX is not above DOMAIN_MIN; export it again")
    if len(rows) != points**3:
        raise MediaError(f"{path} is damaged: {len(rows)} entries where LUT_3D_SIZE {points} needs {points**3}")
    values = np.array([_numbers(path, row.split(), 3) for row in rows], np.float32)
    table: NDArray[np.float32] = np.ascontiguousarray(values.reshape(points, points, points, 3).transpose(2, 1, 0, 3))
    title = said.get("TITLE", [""])[0].strip('"')
    return Cube(table, title, (tuple(low), tuple(high)))


_DOMAIN = (("DOMAIN_MIN", "0"), ("DOMAIN_MAX", "1"))


def _points(path: Path, words: list[str]) -> int:
    if len(words) != 1 or not words[0].isdecimal() or int(words[0]) not in SIZES:
        given = " ".join(words) or "absent"
        raise MediaError(
            f"{path} is no three-dimensional .cube file: LUT_3D_SIZE is {given}, not {SIZES[0]} to {SIZES[-1]}"
        )
    return int(words[0])


def _numbers(path: Path, words: list[str], count: int) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise MediaError(f"{path} is damaged: '{' '.join(words)[:60]}' is not {count} numbers; export it again")
    return numbers
