"""The objective: one encoding of the picture, every term on it, a named breakdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

Encoder = Callable[[Tensor], dict[str, Tensor]]
"""``encoder(frame) -> features by layer``, finest layer first."""


class Term(Protocol):
    """A term owns its targets, holds no weight and returns an unweighted scalar."""

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The unweighted value for a picture and its features."""
        ...


@dataclass(frozen=True)
class Breakdown:
    """Unweighted values by term, their weights, the weighted total that is minimized, and what is told of it."""

    values: dict[str, Tensor]
    weights: dict[str, float]
    total: Tensor
    reported: Tensor

    def numbers(self) -> dict[str, float]:
        """The unweighted values and the total as plain numbers, for records."""
        return {name: value.item() for name, value in self.values.items()} | {"total": self.total.item()}


class Objective:
    """The weighted sum of the terms that have a weight.

    Args:
        encoder: turns a picture into features, once per evaluation.
        terms: by name.
        weights: by the same names; all above 0, since a term without weight is not built.
        unreported: terms left out of the loss the optimizer is told, though not of its gradient, as in the released
            program of [Luan2017].
    """

    def __init__(
        self,
        encoder: Encoder,
        terms: Mapping[str, Term],
        weights: Mapping[str, float],
        unreported: frozenset[str] = frozenset(),
    ) -> None:
        if set(terms) != set(weights) or not terms:
            raise ValueError(
                f"terms {sorted(terms)} and weights {sorted(weights)} must have the same names, one or more"
            )
        self.encoder = encoder
        self.terms = dict(terms)
        self.weights = dict(weights)
        self.unreported = unreported

    def __call__(self, image: Float[Tensor, "1 3 h w"]) -> Breakdown:
        """Evaluate every term on one encoding of the picture."""
        features = self.encoder(image)
        values = {name: term(image, features) for name, term in self.terms.items()}
        weighted = {name: self.weights[name] * value for name, value in values.items()}
        total = sum(weighted.values(), start=image.new_zeros(()))
        reported = total
        if self.unreported & values.keys():
            told = (value.detach() for name, value in weighted.items() if name not in self.unreported)
            reported = sum(told, start=image.new_zeros(()))
        return Breakdown(values, self.weights, total, reported)
