"""Training a network on one style, or on many: content, style and steadiness [Johnson2016, Gao2018, Ghiasi2017]."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from photovst.losses.objective import Breakdown, Encoder
from photovst.training.batch import Batch
from photovst.training.drawn import Drawn, WithFeatures, WithVectors

BatchTerm = Callable[[Drawn], Tensor]
"""``term(drawn) -> unweighted scalar``."""


class StyleTask:
    """A network and the weighted sum of its terms; a `Task`.

    Args:
        network: gives outputs and more by ``with_features``.
        encoder: of the terms that compare features; None where none does.
        terms: by name.
        weights: by the same names, all above 0.
        many: whether the network is one of any style, and each sample has its own.

    Raises:
        ValueError: the names differ, or there are none.
    """

    def __init__(
        self,
        network: nn.Module,
        encoder: Encoder | None,
        terms: Mapping[str, BatchTerm],
        weights: Mapping[str, float],
        many: bool = False,
    ) -> None:
        if set(terms) != set(weights) or not terms:
            raise ValueError(f"terms {sorted(terms)} and weights {sorted(weights)} must have the same names")
        self.network, self.many = network, many
        self.module: nn.Module = WithVectors(network) if many else WithFeatures(network)
        self.encoder, self.terms, self.weights = encoder, dict(terms), dict(weights)

    def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
        """The terms of a batch. Style and content are judged on the last two frames of each sample."""
        samples, times = batch.frames.shape[:2]
        outputs, inner = module(batch.frames.flatten(0, 1), *self._more(batch))
        outputs = outputs.unflatten(0, (samples, times))
        frames, results = batch.frames[:, -2:].flatten(0, 1), outputs[:, -2:].flatten(0, 1)
        original: Mapping[str, Tensor] = {}
        features: Mapping[str, Tensor] = {}
        style: Mapping[str, Tensor] = {}
        if self.encoder is not None:
            with torch.no_grad():
                original = self.encoder(frames)
                style = {} if batch.style is None else self.encoder(batch.style)
            features = self.encoder(results)
        drawn = Drawn(batch, outputs, inner, frames, results, original, features, style)
        values = {name: term(drawn).float() for name, term in self.terms.items()}
        total = sum((self.weights[name] * value for name, value in values.items()), start=frames.new_zeros(()))
        return Breakdown(values, self.weights, total, total)

    def _more(self, batch: Batch) -> tuple[Tensor | None, ...]:
        """What the network is called with besides frames."""
        if not self.many:
            return ()
        masks = None if batch.masks is None else batch.masks.flatten(0, 1)
        return batch.style, masks, batch.style_masks
