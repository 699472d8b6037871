"""A trained network computed by PyTorch, in the precision and memory layout that is asked for."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.errors import NumericalError, SettingsError
from photovst.models.grid_network import GridNetwork
from photovst.models.precision import InPrecision
from photovst.types import Size


class TorchNetwork:
    """``network(frames) -> frames``, float32 RGB in [0, 1].

    Args:
        module: the network, in evaluation mode; it is moved and cast.
        device: where it is computed.
        dtype: what convolutions are computed in. A grid network's transforms are applied in float32 in any case: they
            are what has to be exact, and they cost no multiplication of matrices.
        channels_last: keep channels together in memory.
        compile: compile it by PyTorch, for each shape of frames anew.
    """

    def __init__(
        self,
        module: nn.Module,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        *,
        channels_last: bool = False,
        compile: bool = False,
    ) -> None:
        self._dtype = dtype
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        module = module.to(device).to(memory_format=self._layout)  # type: ignore[call-overload]
        self._network: nn.Module = module if dtype is torch.float32 else _in_dtype(module, dtype)
        self._call = torch.compile(self._network, dynamic=False) if compile else self._network
        self._compiled = compile

    def prepare(self, batch: int, size: Size, device: torch.device) -> None:
        """Compile, and have libraries choose their algorithms, before anything is timed.

        Raises:
            SettingsError: PyTorch cannot compile here, most often for want of a C++ compiler.
        """
        if not self._compiled and device.type == "cpu":
            return  # nothing to be chosen
        try:
            self(torch.zeros(batch, 3, *size, device=device))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if not self._compiled:
                raise
            raise SettingsError(
                "feedforward.compile=true, but PyTorch cannot compile the network here"
                f" ({str(error).strip().splitlines()[0]}); install a C++ compiler, or leave it off"
            ) from error

    @torch.inference_mode()
    def __call__(
        self, frames: Float[Tensor, "b 3 h w"], vectors: Float[Tensor, "b vector"] | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """The frames, restyled; in the style of ``vectors``, for a network of any style.

        Raises:
            NumericalError: what comes out is no number, as where a value is too large for float16.
        """
        told = () if vectors is None else (vectors,)
        result: Tensor = self._call(frames.contiguous(memory_format=self._layout), *told)
        if not bool(result.isfinite().all()):
            name = str(self._dtype).removeprefix("torch.")
            raise NumericalError(
                f"the network gives what is no number in {name}; set feedforward.precision="
                + ("float32, or train it again" if self._dtype is torch.float32 else "float32")
            )
        return result


class _Cast(nn.Module):
    """A network whose weights and features are all of a lower precision."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network.to(dtype), dtype

    def forward(self, frames: Tensor, *told: Tensor) -> Tensor:
        result: Tensor = self.network(frames.to(self.dtype), *(each.to(self.dtype) for each in told))
        return result.float()


def _in_dtype(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    return InPrecision(module, dtype) if isinstance(module, GridNetwork) else _Cast(module, dtype)
