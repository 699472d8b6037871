"""A trained network computed by ONNX Runtime on the CPU."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.errors import NumericalError
from photovst.feedforward.conversion import largest_difference, onnx_call
from photovst.types import Size

CHECKED_AT: Size = (48, 80)


class OnnxNetwork:
    """``network(frames) -> frames``, float32 RGB in [0, 1].

    Args:
        module: the network itself, which the model is held against.
        model: the same as ONNX.
        shape: what the model is for, where it is for one number of frames and one size.

    Raises:
        SettingsError: ONNX Runtime is not installed.
        WeightsError: the model gives something else than the network.
    """

    def __init__(self, module: nn.Module, model: bytes, shape: tuple[int, Size] | None = None) -> None:
        self._call = onnx_call(model, torch.get_num_threads())
        largest_difference(module, self._call, [shape or (1, CHECKED_AT)])

    def prepare(self, batch: int, size: Size, device: torch.device) -> None:
        """Nothing is left to prepare."""

    def __call__(
        self, frames: Float[Tensor, "b 3 h w"], vectors: Float[Tensor, "b vector"] | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """The frames, restyled.

        Raises:
            NumericalError: what comes out is no number.
            ValueError: there are style vectors; the model has its style.
        """
        if vectors is not None:
            raise ValueError("a converted network has one style; give no vectors")
        result = self._call(frames)
        if not bool(result.isfinite().all()):
            raise NumericalError("the network gives what is no number in ONNX Runtime; train it again")
        return result
