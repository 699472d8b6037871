"""Steadiness of a clip and of its content, pair by pair along the content's motion."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from photovst.guidance.flow import FlowPair
from photovst.judges.figures import mean
from photovst.judges.frames import Earlier, Moment
from photovst.metrics.flow_coverage import flow_coverage
from photovst.metrics.ssim_adjacent import ssim_adjacent
from photovst.metrics.temporal import e_warp_detail, local_detail, stability_error, warp_error
from photovst.ops.warp import warp

PATCH = 100
"""Side of the patches of `ssim_adjacent`, in pixels."""

Values = list[list[float]]
"""Of each frame: a value of the content and, where a result is judged, one of that."""


class Steadiness:
    """Gathers errors along the motion between neighboring frames and frames ten apart, inside shots.

    Args:
        count: 1 where the content alone is judged, 2 where a result is beside it.
    """

    def __init__(self, count: int) -> None:
        self._nothing = [math.nan] * count
        self.stability: Values = []
        self.warp: Values = []
        self.far: Values = []
        self.alike: Values = []
        self.detail: Values = []
        self.coverage: list[float] = []

    def add(self, moment: Moment) -> None:
        """Measure a frame."""
        shown = moment.shown
        self.detail.append(local_detail(shown).tolist())
        if moment.before is not None and min(shown.shape[-2:]) >= PATCH:
            self.alike.append(ssim_adjacent(shown, moment.before, PATCH).tolist())
        else:
            self.alike.append(self._nothing)
        if moment.near is not None:
            self.stability.append(_stability(shown, moment.near))
            self.warp.append(_warp(shown, moment.near))
            self.coverage.append(float(flow_coverage(moment.near.pair.certainty_to_next)))
        else:
            self.stability.append(self._nothing)
            self.warp.append(self._nothing)
        if moment.far is not None:
            self.far.append(_warp(shown, moment.far))

    def e_stab(self, which: int) -> float:
        """Of the content (0) or the clip (-1); see `photovst.metrics.temporal.e_stab`."""
        return math.sqrt(mean(column(self.stability, which)))

    def e_warp_detail(self, which: int) -> float:
        """Of the content (0), where it is 1, or the clip (-1)."""
        parts = [mean(column(values, place)) for place in (which, 0) for values in (self.warp, self.detail)]
        return float(e_warp_detail(*(torch.tensor(part, dtype=torch.float64) for part in parts)))


def column(values: Values, which: int) -> list[float]:
    """The values of the content (0) or of the clip (-1)."""
    return [each[which] for each in values]


def error_map(moment: Moment) -> Tensor:
    """Where the clip does not follow its motion: root of the mean square over channels, weighted by certainty.

    ``(h, w)``, of the values that `stability_error` sums up; the moment's ``near`` is there.
    """
    assert moment.near is not None
    frame, other, flow, certainty = _along(moment.shown[-1:], moment.near, moment.near.shown[-1:])
    difference = frame - warp(other, flow)
    return (certainty * difference.square()).mean(dim=1)[0].sqrt()


def _stability(shown: Tensor, earlier: Earlier) -> list[float]:
    return stability_error(*_along(shown, earlier, earlier.shown)).tolist()


def _along(shown: Tensor, earlier: Earlier, former: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Frame, other frame, flow and certainty; where no flow back is known, the earlier frame is held to the later."""
    pair = earlier.pair
    if earlier.has_back:
        return shown, former, *_for_each(pair.to_previous, pair.certainty_to_previous, len(shown))
    return former, shown, *_for_each(pair.to_next, pair.certainty_to_next, len(shown))


def _warp(shown: Tensor, earlier: Earlier) -> list[float]:
    pair: FlowPair = earlier.pair
    return warp_error(earlier.shown, shown, *_for_each(pair.to_next, pair.certainty_to_next, len(shown))).tolist()


def _for_each(flow: Tensor, certainty: Tensor, count: int) -> tuple[Tensor, Tensor]:
    return flow.expand(count, -1, -1, -1), certainty.expand(count, -1, -1, -1)
