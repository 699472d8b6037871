"""What the optimizer moves: the seam between the solver and the kinds of picture it can solve for."""

from __future__ import annotations

from typing import Protocol, Self

from jaxtyping import Float
from torch import Tensor

from photovst.storage import Arrays


class Fit(Protocol):
    """A parametrization bound to one frame at one size, while it is optimized."""

    @property
    def variables(self) -> list[Tensor]:
        """Leaf tensors for the optimizer."""
        ...

    @property
    def roughness_weight(self) -> float:
        """Weight of the roughness in the loss."""
        ...

    def render(self) -> Float[Tensor, "1 3 h w"]:
        """The picture for the current variables, differentiable; colors may leave [0, 1]."""
        ...

    def evaluate(self) -> tuple[Float[Tensor, "1 3 h w"], Float[Tensor, ""]]:
        """The same picture and the parametrization's own regularizer, unweighted; one graph leads to both."""
        ...

    def result(self) -> Parametrization:
        """The result for the current variables."""
        ...


class Parametrization(Protocol):
    """A result that can be optimized on a frame, stored, carried to the next frame, and shown at any size."""

    def fit(self, frame: Float[Tensor, "1 3 h w"], masks: Float[Tensor, "1 k _h _w"]) -> Fit:
        """Begin to optimize from here, on this frame at this size; ``masks`` are its regions, at any size."""
        ...

    def lift(self, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """The result on the frame at any size, in [0, 1]."""
        ...

    def propagated(self, flow_to_previous: Float[Tensor, "1 2 h w"]) -> Self:
        """The result carried from the previous frame to the current one along the flow."""
        ...

    def transferred(self, frame: Float[Tensor, "1 3 h w"]) -> Self:
        """A result of another frame of the same size: its color transforms at each place, applied to that frame."""
        ...

    def blended(self, other: Self, share: float | Float[Tensor, "1 1 _h _w"]) -> Self:
        """The result a share of the way from this one to another; a share of its own a place where a map is given."""
        ...

    def state(self) -> Arrays:
        """Arrays that hold the result, in the form the next frame starts from."""
        ...

    def restored(self, arrays: Arrays) -> Self:
        """The result such arrays hold; ``restored(state())`` is what a resumed run continues with."""
        ...
