"""The coverage table of a run: which region of the clip takes its style from what, and why; on the terminal, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from photovst.guidance.matching import Coverage
from photovst.storage import write_atomic

HEADINGS = ("in the picture", "clip", "photograph", "takes its style from", "why")

NAME = "coverage.csv"


def coverage_rows(rows: Iterable[Coverage]) -> list[tuple[str, ...]]:
    """The rows as text, largest in the clip first."""
    ordered = sorted(rows, key=lambda row: (-row.clip, -row.photo))
    return [(row.name, f"{row.clip:.1%}", f"{row.photo:.1%}", row.mapped_to, row.why) for row in ordered]


def write_coverage(folder: Path, shots: Sequence[tuple[int, Sequence[Coverage]]]) -> Path:
    """Write ``coverage.csv``: a row for everything found in clip or photograph, shot by shot, and return its path.

    Args:
        folder: where.
        shots: first frame of each, and what became of its classes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("first_frame", "name", "area_in_clip", "area_in_photograph", "mapped_to", "region", "why"))
    for first, rows in shots:
        for row in rows:
            areas = (f"{row.clip:.6f}", f"{row.photo:.6f}")
            writer.writerow((first, row.name, *areas, row.mapped_to, row.region or "", row.why))
    path = folder / NAME
    write_atomic(path, text.getvalue().encode(errors="surrogateescape"))
    return path
