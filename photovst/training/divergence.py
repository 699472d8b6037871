"""When a training has left the road: a loss or gradient that is no number, or losses far above what they were."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Mapping
from typing import Any

from photovst.training.plan import Bounds

SKIPS = 40
"""Updates the scaler of float16 may skip in a row; it has halved its scale as often, and is far below 1 by then."""


class Watch:
    """Looks at every step's figures, in order.

    Args:
        bounds: what counts as diverged.
        scaled: gradients are scaled for float16: one that overflows lowers the scale and is no divergence.
    """

    def __init__(self, bounds: Bounds, scaled: bool = False) -> None:
        self._bounds, self._scaled = bounds, scaled
        self._totals: deque[float] = deque(maxlen=bounds.window)
        self._high = self._skipped = 0

    @property
    def in_doubt(self) -> bool:
        """Whether the last step may be the first ones of a divergence: no time for a checkpoint."""
        return self._high > 0 or self._skipped > 1

    @property
    def doubtful_steps(self) -> int:
        """How many of the last steps may belong to a divergence."""
        return max(self._high, self._skipped)

    def see(self, values: Mapping[str, float], gradient: float) -> str | None:
        """What is wrong after a step, or None.

        Args:
            values: the unweighted terms and ``total``.
            gradient: norm of the gradient.
        """
        for name, value in values.items():
            if not math.isfinite(value):
                return f"{name} is {value}"
        if not math.isfinite(gradient):
            self._skipped += 1
            if not self._scaled:
                return f"the gradient's norm is {gradient}, with a total of {values['total']:.4g}"
            if self._skipped > SKIPS:
                return f"the gradient's norm is {gradient} for {self._skipped} steps, whatever float16 is scaled by"
        else:
            self._skipped = 0
        return self._far_above(values["total"])

    def _far_above(self, total: float) -> str | None:
        median = statistics.median(self._totals) if len(self._totals) >= self._bounds.patience else math.inf
        self._high = self._high + 1 if total > self._bounds.ratio * median > 0 else 0
        self._totals.append(total)
        if self._high < self._bounds.patience:
            return None
        return (
            f"total is {total:.4g}, {total / median:.0f} times its running median of {median:.4g},"
            f" and has been far above it for {self._high} steps"
        )

    def state(self) -> dict[str, Any]:
        """What a resumed training needs to judge as this one would."""
        return {"totals": list(self._totals), "high": self._high, "skipped": self._skipped}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up a former :meth:`state`."""
        self._totals = deque(state["totals"], maxlen=self._bounds.window)
        self._high, self._skipped = state["high"], state["skipped"]
