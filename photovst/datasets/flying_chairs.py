"""FlyingChairs [Dosovitskiy2015]: pairs of pictures with their flow, not clips. ROOT is FlyingChairs_release.

    ROOT/data/00001_img1.ppm  ROOT/data/00001_img2.ppm  ROOT/data/00001_flow.flo ...
    ROOT/FlyingChairs_train_val.txt            line n says of pair n: 1 is for training, 2 for validation

The file of the split is published beside the archive, not in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from photovst.datasets.folders import checked_root, numbered
from photovst.datasets.sequences import FlowSample
from photovst.errors import MediaError

NAME = "FlyingChairs"
SPLIT_FILE = "FlyingChairs_train_val.txt"

Split = Literal["training", "validation"]

_LAYOUT = "data/00001_img1.ppm, data/00001_img2.ppm and data/00001_flow.flo"
_MARKS: dict[str, Split] = {"1": "training", "2": "validation"}


def find(root: Path, split: Split | None = None) -> list[FlowSample]:
    """Every pair, or those of a split, by number.

    Raises:
        MediaError: the folder is absent or not laid out so, a pair is not whole, or the split cannot be told.
    """
    checked_root(root, NAME, _LAYOUT)
    data = root / "data"
    first, second = (numbered(data, rf"(\d{{5}})_img{k}\.ppm") for k in (1, 2))
    flow = numbered(data, r"(\d{5})_flow\.flo")
    numbers = sorted({*first, *second, *flow})
    if not numbers:
        raise MediaError(f"{root} is not laid out as {NAME}: {_LAYOUT} was looked for; give FlyingChairs_release")
    for number in numbers:
        for part, kind in ((first, "img1.ppm"), (second, "img2.ppm"), (flow, "flow.flo")):
            if number not in part:
                raise MediaError(f"pair {number} of {NAME} lacks {data / f'{number:05d}_{kind}'}; unpack it again")
    if split is not None:
        splits = _splits(root / SPLIT_FILE, numbers[-1])
        numbers = [number for number in numbers if splits[number - 1] == split]
    return [FlowSample(f"{number:05d}", NAME, first[number], second[number], flow[number]) for number in numbers]


def _splits(path: Path, needed: int) -> list[Split]:
    try:
        marks = path.read_text(encoding="utf-8", errors="replace").split()
    except OSError as error:
        raise MediaError(
            f"cannot read {path}: {error.strerror}; it tells the splits, get it from the dataset's page"
        ) from error
    wrong = next(((n, mark) for n, mark in enumerate(marks, 1) if mark not in _MARKS), None)
    if wrong is not None:
        raise MediaError(f"{path} says {wrong[1]!r} of pair {wrong[0]}; 1 is training, 2 validation; get it again")
    if len(marks) < needed:
        raise MediaError(f"{path} tells of {len(marks)} pairs but there are pairs up to {needed}; get it again")
    return [_MARKS[mark] for mark in marks]
