"""Terms of training that look at single pictures: content, style, structure and the like, over a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.losses.photorealism import PhotorealismTerm
from photovst.losses.smoothness import total_variation
from photovst.losses.structure import StructureTerm
from photovst.ops.grams import fitted_grams
from photovst.optimize.grid_prior import GridPrior, RegionLinks
from photovst.training.drawn import Drawn

Groups = Sequence[Sequence[int]]
"""Labels of each region; those of no group make up one more, which takes the style of the whole photograph."""


class BatchContent:
    """Squared distance of a layer's features to the frame's own, over the squared norm of these [Johnson2016].

    Args:
        layer: which.
    """

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def __call__(self, drawn: Drawn) -> Float[Tensor, ""]:
        """0 keeps the content, 1 has lost it; the mean over pictures."""
        target = drawn.original[self.layer].detach().float()
        distance = (drawn.features[self.layer].float() - target).square().sum(dim=(1, 2, 3))
        return (distance / target.square().sum(dim=(1, 2, 3)).clamp_min(1e-12)).mean()


class BatchStyle:
    """Squared Frobenius distance of Gram matrices to the photograph's, relative to its, region by region.

    The relative scale of `photovst.losses.style.StyleTerm`: 0 is the photograph's style, about 1 none of it.

    Args:
        features: of the style image, by layer.
        layers: which count; all when not given.
        labels: of the style image, where regions exchange style only with their like.
        groups: labels of each region; none takes pictures whole.

    Raises:
        ValueError: groups without labels.
    """

    def __init__(
        self,
        features: Mapping[str, Tensor],
        layers: Sequence[str] | None = None,
        labels: Tensor | None = None,
        groups: Groups = (),
    ) -> None:
        if groups and labels is None:
            raise ValueError("regions of training need the labels of the style image")
        self.groups = groups
        any_layer = next(iter(features.values()))
        masks = any_layer.new_ones(1, 1, 1, 1) if labels is None else _masks(labels, groups)
        self.targets = {name: fitted_grams(features[name], masks)[0] for name in (layers or features)}
        if groups:
            whole = {name: fitted_grams(features[name], any_layer.new_ones(1, 1, 1, 1))[0] for name in self.targets}
            self.targets = {name: torch.cat([grams[:-1], whole[name]]) for name, grams in self.targets.items()}

    def __call__(self, drawn: Drawn) -> Float[Tensor, ""]:
        """The mean over layers and pictures, each region by its share of the picture."""
        results = drawn.results
        masks = results.new_ones(len(results), 1, 1, 1)
        if self.groups:
            masks = _masks(drawn.batch.labels[:, -2:].flatten(0, 1), self.groups).to(results)
        shares = masks.mean(dim=(2, 3))
        total = results.new_zeros((), dtype=torch.float32)
        for name, target in self.targets.items():
            if name not in drawn.features:
                continue  # a frame too small for a deep layer
            distance = (fitted_grams(drawn.features[name], masks) - target).square().sum(dim=(2, 3))
            total = total + (shares * distance / target.square().sum(dim=(1, 2)).clamp_min(1e-12)).sum(dim=1).mean()
        return total / len(self.targets)


def variation(drawn: Drawn) -> Float[Tensor, ""]:
    """Total variation of the results."""
    return total_variation(drawn.results)


def gamut(drawn: Drawn) -> Float[Tensor, ""]:
    """Mean squared distance of colors to [0, 1]."""
    return (drawn.results - drawn.results.clamp(0, 1)).square().mean()


def structure(drawn: Drawn) -> Float[Tensor, ""]:
    """One minus the local correlation of luma with the frame's own, see `StructureTerm`."""
    return _each(drawn, lambda frame, result: StructureTerm(frame)(result, {}))


class BatchPhotorealism:
    """The matting Laplacian's energy over the number of pixels, see `PhotorealismTerm` [Luan2017].

    Args:
        epsilon: ridge of the color fit.
    """

    def __init__(self, epsilon: float = 1e-4) -> None:
        self.epsilon = epsilon

    def __call__(self, drawn: Drawn) -> Float[Tensor, ""]:
        """0 for any locally affine recoloring of the frame."""
        return _each(drawn, lambda frame, result: PhotorealismTerm(frame, self.epsilon, form="free")(result, {}))


class GridSmoothness:
    """What a grid of color transforms is expected to be, see `GridPrior`, over the grids of a batch.

    Args:
        prior: its weights but that of the whole.
    """

    def __init__(self, prior: GridPrior) -> None:
        self.prior = prior

    def __call__(self, drawn: Drawn) -> Float[Tensor, ""]:
        """0 for one transform everywhere that keeps contrasts. Regions are told apart where the batch has such."""
        rows, columns = drawn.inner.shape[2:4]
        masks = drawn.batch.masks
        if masks is None:
            alike = RegionLinks(drawn.inner.new_ones(rows - 1, columns), drawn.inner.new_ones(rows, columns - 1))
            links = [alike] * len(drawn.inner)
        else:
            links = [RegionLinks.of(each[None], rows, columns) for each in masks.flatten(0, 1)]
        return torch.stack([self.prior.roughness(*each) for each in zip(drawn.inner, links, strict=True)]).mean()


def _each(drawn: Drawn, term: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    pairs = zip(drawn.frames.unbind(), drawn.results.unbind(), strict=True)
    return torch.stack([term(frame[None], result[None]) for frame, result in pairs]).mean()


def _masks(labels: Tensor, groups: Groups) -> Float[Tensor, "b k h w"]:
    """Masks ``(b, k, h, w)`` of each group, and last of what is in none."""
    masks = [torch.isin(labels, labels.new_tensor(list(group))) for group in groups]
    masks.append(~torch.stack(masks).any(dim=0) if masks else torch.ones_like(labels, dtype=torch.bool))
    return torch.stack(masks, dim=1).float()
