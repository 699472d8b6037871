"""The published pairs of [Luan2017] on disk: contents, photographs, their masks and the published results.

Two layouts are known. That of the authors' repository, where FOLDER is its ``examples``:

    input/in5.png  style/tar5.png  segmentation/in5.png  segmentation/tar5.png  final_results/best5_t_1000.png

and a folder a pair, by its number:

    05/content.png  05/style.png  05/content_mask.png  05/style_mask.png  05/luan_result.png
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photovst.errors import MediaError, SettingsError


@dataclass(frozen=True)
class Pair:
    """One pair; ``published`` is None where their result is not there."""

    number: int
    content: Path
    style: Path
    content_mask: Path
    style_mask: Path
    published: Path | None

    @property
    def name(self) -> str:
        """The number in two digits, as results are named."""
        return f"{self.number:02d}"


def find_pairs(folder: Path) -> list[Pair]:
    """Every pair of a folder in either layout, by number.

    Raises:
        MediaError: the folder is absent, holds no pair, or a pair lacks a picture.
    """
    if not folder.is_dir():
        raise MediaError(f"pairs={folder} is no folder; give the 'examples' of the published repository")
    pairs = sorted([*_repository(folder), *_folders(folder)], key=lambda pair: pair.number)
    if not pairs:
        raise MediaError(
            f"pairs={folder} holds no pairs, neither input/inN.png with style/tarN.png and segmentation/, nor"
            " N/content.png with style.png, content_mask.png and style_mask.png"
        )
    for pair in pairs:
        for path in (pair.content, pair.style, pair.content_mask, pair.style_mask):
            if not path.is_file():
                raise MediaError(f"pair {pair.number} of {folder} lacks {path.relative_to(folder)}; add it")
    return pairs


def choose_pairs(pairs: list[Pair], wanted: str) -> list[Pair]:
    """The pairs named by ``all``, a number, or numbers with commas, in the order of the folder.

    Raises:
        SettingsError: it is none of these, or a pair is not there.
    """
    if wanted.strip() == "all":
        return pairs
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", wanted):
        raise SettingsError(f"pair={wanted} is no pair; give a number, numbers with commas, or all")
    numbers = {int(number) for number in wanted.split(",")}
    chosen = [pair for pair in pairs if pair.number in numbers]
    if absent := numbers - {pair.number for pair in chosen}:
        there = ", ".join(str(pair.number) for pair in pairs)
        raise SettingsError(f"pair={wanted}: there is no pair {min(absent)}; there are {there}")
    return chosen


def _repository(folder: Path) -> Iterator[Pair]:
    for content in (folder / "input").glob("in*.png"):
        if found := re.fullmatch(r"in(\d+)", content.stem):
            number = found[1]
            masks, style = folder / "segmentation", folder / "style" / f"tar{number}.png"
            result = folder / "final_results" / f"best{number}_t_1000.png"
            published = result if result.is_file() else None
            yield Pair(int(number), content, style, masks / f"in{number}.png", masks / f"tar{number}.png", published)


def _folders(folder: Path) -> Iterator[Pair]:
    for place in folder.iterdir():
        if place.name.isdecimal() and (place / "content.png").is_file():
            masks, result = (place / "content_mask.png", place / "style_mask.png"), place / "luan_result.png"
            published = result if result.is_file() else None
            yield Pair(int(place.name), place / "content.png", place / "style.png", *masks, published)
