"""The table of a comparison: a row a clip, the input first, a column a protocol."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from photovst.judges.figures import ClipFigures, recorded_flicker
from photovst.run import total_iterations, total_seconds

COLUMNS = (
    "e_stab",
    "e_warp 1",
    "e_warp 10",
    "e_warp_detail",
    "ssim_content",
    "ssim_edge",
    "sharpness end/start",
    "mask_flicker",
    "iterations",
    "s",
)


@dataclass(frozen=True)
class Row:
    """One clip: its name, its figures, and the frame records of the run that made it, if one did."""

    name: str
    figures: ClipFigures
    records: tuple[Mapping[str, Any], ...] = ()

    @property
    def iterations(self) -> int:
        """Of all frames."""
        return total_iterations(self.records)

    @property
    def seconds(self) -> float:
        """Spent on all frames, over all sessions."""
        return total_seconds(self.records)

    @property
    def mask_flicker(self) -> float:
        """Mean over the frames that have one; NaN where none has, as under a single region."""
        return recorded_flicker(self.records)

    def record(self) -> dict[str, Any]:
        """The row as plain values."""
        figures = {**dataclasses.asdict(self.figures), "sharpness_kept": self.figures.sharpness_kept}
        made = {"iterations": self.iterations, "seconds": self.seconds, "mask_flicker": self.mask_flicker}
        made = made if self.records else {}
        return {"name": self.name, **figures, **made}


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown; '-' where there is nothing, as a judge that a member was optimized with.

    The first row is the input, which is the floor; a judge that measured nothing but it has no column.
    """
    judges = [name for name in rows[0].figures.style if any(name in row.figures.style for row in rows[1:])]
    heads = ("member", *(f"style ({name})" for name in judges), *COLUMNS)
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    lines += ["| " + " | ".join(_cells(row, judges)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row, judges: Sequence[str]) -> list[str]:
    figures = row.figures
    name = row.name.replace("|", "\\|")
    return [
        name,
        *(_text(figures.style.get(judge, math.nan), ".4f") for judge in judges),
        _text(figures.e_stab, ".4f"),
        _text(figures.e_warp_short, ".2e"),
        _text(figures.e_warp_long, ".2e"),
        _text(figures.e_warp_detail, ".3f"),
        _text(figures.ssim_content, ".3f"),
        _text(figures.ssim_edge, ".3f"),
        _text(figures.sharpness_kept, ".3f"),
        _text(row.mask_flicker, ".4f"),
        str(row.iterations) if row.records else "-",
        f"{row.seconds:.1f}" if row.records else "-",
    ]


def _text(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "-"
