"""The style term of trainings on many styles: each sample is held to the Gram matrices of its own [Ghiasi2017]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import SettingsError
from photovst.ops.grams import fitted_grams
from photovst.training.drawn import Drawn


class PairedStyle:
    """Squared Frobenius distance of Gram matrices to the sample's style picture's, relative to its, region by region.

    The same scale as `BatchStyle`: 0 is the picture's style, about 1 none of it.

    Args:
        layers: which count; all when not given.
        softening: distance ``c`` beyond which a pair counts less and less: ``c log(1 + d / c)``; 0 counts all alike. A
            clip by day and a photograph by night, say, differ by many times what is left of others; if all count alike,
            networks learn to do a little for these and less than they could for all others.
    """

    def __init__(self, layers: Sequence[str] | None = None, softening: float = 0.0) -> None:
        self.layers, self.softening = layers, softening

    def __call__(self, drawn: Drawn) -> Float[Tensor, ""]:
        """The mean over layers and pictures, each region by its share of the picture.

        Raises:
            SettingsError: pictures are too small for every layer.
        """
        batch, results = drawn.batch, drawn.results
        assert batch.style is not None  # the task's data has one a sample
        times = len(results) // len(batch.style)
        if batch.masks is None or batch.style_masks is None:
            masks, style_masks = results.new_ones(len(results), 1, 1, 1), results.new_ones(len(batch.style), 1, 1, 1)
        else:
            masks, style_masks = batch.masks[:, -times:].flatten(0, 1), batch.style_masks
        layers = [name for name in self.layers or drawn.style if name in drawn.style and name in drawn.features]
        if not layers:
            raise SettingsError("the frames trained on are too small for every layer of the style; raise data.size")
        shares = masks.mean(dim=(2, 3))
        distances = results.new_zeros(len(results), dtype=torch.float32)
        for name in layers:
            with torch.no_grad():
                wanted = fitted_grams(drawn.style[name], style_masks).repeat_interleave(times, dim=0)
            distance = (fitted_grams(drawn.features[name], masks) - wanted).square().sum(dim=(2, 3))
            size = wanted.square().sum(dim=(2, 3)).clamp_min(1e-12)
            distances = distances + (shares * distance / size).sum(dim=1) / len(layers)
        if self.softening:
            distances = self.softening * (distances / self.softening).log1p()
        return distances.mean()
