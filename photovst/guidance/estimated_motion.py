"""Motion computed from the frames themselves, through the cache of guides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.guidance.cache import GuideCache
from photovst.guidance.flow import FlowEstimator, FlowPair, flow_pair
from photovst.storage import Arrays


@dataclass(frozen=True)
class EstimatedMotion:
    """Flow both ways with its certainty, of any two frames, in either order of time.

    Flow is rounded to half floats and certainty to bytes with or without a cache, so that both give the same result.

    Args:
        estimator: what computes flow.
        cache: where it is kept; None computes it each time.
        certainty: kind of certainty, see `forward_backward_certainty`.
    """

    estimator: FlowEstimator
    cache: GuideCache | None = None
    certainty: Literal["paper", "coded"] = "coded"

    def between(
        self, previous: Float[Tensor, "1 3 h w"], current: Float[Tensor, "1 3 h w"], indices: tuple[int, int]
    ) -> FlowPair:
        """Motion between two frames, RGB in [0, 1]; their numbers have no say in it.

        Raises:
            MediaError: the frames differ in size, or hold values that are not numbers.
            SettingsError: the kind of certainty is unknown.
        """

        def compute() -> Arrays:
            pair = flow_pair(self.estimator, previous, current, self.certainty)
            return {
                "to_previous": _to_halves(pair.to_previous),
                "to_next": _to_halves(pair.to_next),
                "certainty_to_previous": _to_bytes(pair.certainty_to_previous),
                "certainty_to_next": _to_bytes(pair.certainty_to_next),
            }

        kind = f"{self.estimator.name}, {self.certainty}, 1"
        arrays = compute() if self.cache is None else self.cache.get(kind, (previous, current), compute)
        return FlowPair(
            torch.from_numpy(arrays["to_previous"]).to(current),
            torch.from_numpy(arrays["certainty_to_previous"]).to(current) / 255,
            torch.from_numpy(arrays["to_next"]).to(current),
            torch.from_numpy(arrays["certainty_to_next"]).to(current) / 255,
        )


def _to_halves(flow: Tensor) -> NDArray[np.float16]:
    longest = float(np.finfo(np.float16).max)
    return flow.clamp(-longest, longest).cpu().numpy().astype(np.float16)


def _to_bytes(certainty: Tensor) -> NDArray[np.uint8]:
    return (certainty * 255).round().cpu().numpy().astype(np.uint8)
