"""What is measured of one clip: a figure a protocol, and the values a frame that some of them are means of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ClipFigures:
    """What is measured of one clip; NaN where there is nothing to measure, as in a clip too short for a protocol.

    ``style`` is `style_gram` by judge; ``e_warp_short`` and ``e_warp_long`` are `e_warp` of frames 1 and 10 apart;
    ``e_warp_detail`` is of the short ones; ``ssim_edge`` has the content's largest gradient for range;
    ``ssim_adjacent`` is NaN where frames are smaller than its patches; ``matting_energy`` is that of the content's
    Laplacian, a pixel. ``color`` (RGB), ``sharpness`` and the lists that end in ``_at`` have a value a frame: of it and
    the frame before for ``stability_at``, ``warp_at`` and ``adjacent_at``.
    """

    frames: int
    style: dict[str, float]
    e_stab: float
    e_warp_short: float
    e_warp_long: float
    e_warp_detail: float
    ssim_content: float
    ssim_edge: float
    ssim_adjacent: float
    matting_energy: float
    histogram: float
    lpips: float
    flow_coverage: float
    sharpness: list[float]
    color: list[tuple[float, float, float]]
    stability_at: list[float]
    warp_at: list[float]
    adjacent_at: list[float]
    content_at: list[float]
    edge_at: list[float]

    @property
    def sharpness_kept(self) -> float:
        """Sharpness of the last tenth of the clip over that of the first: below 1 the clip fades."""
        part = max(1, self.frames // 10)
        start, end = sum(self.sharpness[:part]), sum(self.sharpness[-part:])
        return end / start if start > 0 else math.nan


def mean(values: Iterable[float]) -> float:
    """The mean of the values that are numbers; NaN when there are none."""
    numbers = [value for value in values if not math.isnan(value)]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def recorded_flicker(records: Iterable[Mapping[str, Any]]) -> float:
    """Mean `mask_flicker` of a run's frames that have one; NaN where none has, as under a single region."""
    return mean(record["mask_flicker"] for record in records if record.get("mask_flicker") is not None)


def spread(count: int, most: int) -> list[int]:
    """At most so many indices of ``count``, evenly spread from the first to the last.

    >>> spread(24, 5), spread(3, 5), spread(9, 1)
    ([0, 6, 12, 17, 23], [0, 1, 2], [0])
    """
    if count <= most:
        return list(range(count))
    return [int(i * (count - 1) / max(most - 1, 1) + 0.5) for i in range(most)]
