"""Optical flow by RAFT [Teed2020] at any size: its frames filled up as the network wants them, its flow cut back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from photovst.guidance.gray_flow import check_pair

_MULTIPLE, _SMALLEST_SIDE = 8, 128


@dataclass(frozen=True, eq=False)
class Raft:
    """RAFT's flow, on color.

    Its correlations of all pairs take memory by the square of the pixels: 0.07 GB at 640x360, 5.6 GB at 1920x1080.

    Args:
        network: of `photovst.models.raft`, on the device that computes.
        weights: names them, such as ``raft_small 01064c6d``.
        updates: how often the flow is updated; as trained.
    """

    network: nn.Module
    weights: str
    updates: int = 12

    @property
    def name(self) -> str:
        """Method, weights, parameters, kind of device (its rounding differs from another's) and version."""
        return f"{self.weights} {self.updates} {self._device.type}, 1"

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    @torch.no_grad()
    def __call__(self, first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Flow from ``first`` to ``second`` (RGB in [0, 1]), in pixels, on the grid of ``first``.

        Raises:
            MediaError: the frames differ in size, or hold values that are not numbers.
        """
        check_pair(first, second)
        batch, _, height, width = first.shape
        if batch == 0:
            return first.new_zeros(0, 2, height, width)
        flows = self.network(self._prepared(first), self._prepared(second), num_flow_updates=self.updates)
        flow: Tensor = flows[-1][..., :height, :width]
        return flow.contiguous().to(first)

    def _prepared(self, frames: Tensor) -> Tensor:
        """Frames in [-1, 1], filled up to the right and below with their last pixels: what is there does not move."""
        height, width = frames.shape[-2:]
        more = (0, _filled(width) - width, 0, _filled(height) - height)
        scaled = 2 * frames.to(self._device, torch.float32).clamp(0, 1) - 1
        return functional.pad(scaled, more, mode="replicate")


def _filled(side: int) -> int:
    return max(_SMALLEST_SIDE, -(-side // _MULTIPLE) * _MULTIPLE)
