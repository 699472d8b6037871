"""The terms of one frame at one size, with their targets: what a recipe of weights becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import SettingsError
from photovst.guidance.guides import Guides
from photovst.guidance.regions import StylePhoto
from photovst.losses.coherence import CoherenceTerm, FeatureDifferenceTerm
from photovst.losses.content import ContentTerm
from photovst.losses.objective import Encoder, Objective, Term
from photovst.losses.photorealism import PhotorealismTerm
from photovst.losses.smoothness import GamutTerm, SmoothnessTerm
from photovst.losses.structure import StructureTerm
from photovst.losses.style import Grams, LayerMasks, StyleTerm, layer_masks, region_grams
from photovst.losses.temporal import TemporalTerm
from photovst.ops.long_term import long_term_certainties
from photovst.ops.masks import resize_masks
from photovst.ops.resize import limit_long_side, resize
from photovst.ops.splat import fill_holes, splat
from photovst.optimize.neighbors import Neighbor
from photovst.types import Size, TermScale


@dataclass(frozen=True)
class Recipe:
    """Which terms count, how much, and how each is written.

    Args:
        weights: by term; only terms named here are built.
        scale: how style, content, photorealism and smoothness are normalized.
        style_layers: weight of each style layer; the mean of all layers when not given.
        content_layer: the layer that is held; the deepest when not given.
        epsilon: of the photorealism term.
        matting_form: of the photorealism term.
        photorealism_from: stage from which it counts, from 0.
        temporal_target: what the temporal term holds a frame to.
        temporal_loss: how distance from it counts.
        neighbors: how many frames away those are that it is held to, ascending.
        coherence: which of the terms without a certainty of flow.
        masks_of: region masks at the size of each layer.
        masked_gradient: see `masked_gram`.
        unreported: terms that are left out of the loss the optimizer is told, though not of its gradient.
    """

    weights: Mapping[str, float]
    scale: TermScale = "relative"
    style_layers: Mapping[str, float] | None = None
    content_layer: str | None = None
    epsilon: float = 1e-7
    matting_form: Literal["stencil", "free"] = "stencil"
    photorealism_from: int = 0
    temporal_target: Literal["transform", "output"] = "transform"
    temporal_loss: Literal["mse", "smooth_l1"] = "mse"
    neighbors: tuple[int, ...] = (1,)
    coherence: Literal["mse", "enhanced", "flow", "difference"] = "enhanced"
    masks_of: Callable[[Tensor, Mapping[str, Tensor]], LayerMasks] = layer_masks
    masked_gradient: bool = True
    unreported: frozenset[str] = frozenset()


class FrameTerms:
    """Builds the objective of a frame.

    Args:
        recipe: which terms, and how.
        encoder: turns a picture into features.
        photos: the photographs that the regions take their style from.
        sources: which of them each region takes it from; all from the first when not given.
        weights: factor on the style of each region; 1 when not given.
    """

    def __init__(
        self,
        recipe: Recipe,
        encoder: Encoder,
        photos: Sequence[StylePhoto],
        sources: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        self.recipe, self.encoder = recipe, encoder
        count = photos[0].masks.shape[1]
        self._photos, self._sources = tuple(photos), tuple(sources or [0] * count)
        self._weights = photos[0].image.new_tensor(weights or [1.0] * count)
        self._targets: dict[int, Grams] = {}

    @torch.no_grad()
    def objective(
        self,
        guides: Guides,
        frame: Float[Tensor, "1 3 h w"],
        long_side: int,
        stage: int = 0,
        neighbors: Mapping[int, Neighbor] | None = None,
    ) -> Objective:
        """The objective of a frame at a working size.

        Args:
            guides: of the frame.
            frame: the frame, resized.
            long_side: the working size.
            stage: number of the schedule's entry, from 0.
            neighbors: stylized frames by distance, nearest first; none for the first of a shot.
        """
        recipe, size = self.recipe, (frame.shape[-2], frame.shape[-1])
        weights, terms = recipe.weights, dict[str, Term]()
        features = self.encoder(frame) if weights.keys() & {"content", "style", "feature_coherence"} else {}
        self._check_layers(features, size)
        if "content" in weights:
            terms["content"] = ContentTerm(features, recipe.content_layer, recipe.scale)
        if "style" in weights:
            terms["style"] = self._style_term(guides, features, size, long_side)
        if "structure" in weights:
            terms["structure"] = StructureTerm(frame)
        if "photorealism" in weights and stage >= recipe.photorealism_from:
            terms["photorealism"] = PhotorealismTerm(
                frame, recipe.epsilon, form=recipe.matting_form, scale=recipe.scale
            )
        if "smoothness" in weights:
            terms["smoothness"] = SmoothnessTerm(recipe.scale)
        if "gamut" in weights:
            terms["gamut"] = GamutTerm()
        held = {j: neighbor for j, neighbor in (neighbors or {}).items() if j in recipe.neighbors}
        if "temporal" in weights and held:
            terms["temporal"] = self._temporal(frame, list(held.values()))
        if neighbors and 1 in neighbors:
            terms |= self._coherence(frame, features, neighbors[1])
        return Objective(self.encoder, terms, {name: weights[name] for name in terms}, recipe.unreported)

    @torch.no_grad()
    def style_distance(self, guides: Guides, picture: Float[Tensor, "1 3 h w"], long_side: int) -> float:
        """The style term of a picture of a frame, as `objective` has it at this working size."""
        features = self.encoder(picture)
        term = self._style_term(guides, features, (picture.shape[-2], picture.shape[-1]), long_side)
        return float(term(picture, features))

    def _style_term(self, guides: Guides, features: Mapping[str, Tensor], size: Size, long_side: int) -> StyleTerm:
        recipe = self.recipe
        masks = recipe.masks_of(resize_masks(guides.masks, size), features)
        layers, gradient = recipe.style_layers, recipe.masked_gradient
        return StyleTerm(self._style(long_side), masks, recipe.scale, layers, gradient, self._weights)

    def _temporal(self, frame: Tensor, neighbors: Sequence[Neighbor]) -> TemporalTerm:
        size = (frame.shape[-2], frame.shape[-1])
        certainties = long_term_certainties([neighbor.flow.certainty_to_previous for neighbor in neighbors])
        transform = self.recipe.temporal_target == "transform"
        targets = [
            neighbor.carried.lift(frame) if transform else resize(neighbor.warped, size) for neighbor in neighbors
        ]
        references = [(w, resize(c, size)) for w, c in zip(targets, certainties, strict=True)]
        return TemporalTerm(references, self.recipe.temporal_loss, scale=self.recipe.scale)

    def _coherence(self, frame: Tensor, features: Mapping[str, Tensor], previous: Neighbor) -> dict[str, Term]:
        """The terms that compare a frame with the one before it as it stands."""
        recipe, size = self.recipe, (frame.shape[-2], frame.shape[-1])
        terms: dict[str, Term] = {}
        if not recipe.weights.keys() & {"coherence", "feature_coherence"}:
            return terms
        output, content = resize(previous.output, size), resize(previous.stylized.frame, size)
        if "coherence" in recipe.weights:
            prediction = None
            if recipe.coherence == "flow":
                prediction = resize(fill_holes(*splat(previous.output, previous.flow.to_next)), size)
            terms["coherence"] = CoherenceTerm(recipe.coherence, output, content, frame, prediction)
        if "feature_coherence" in recipe.weights:
            terms["feature_coherence"] = FeatureDifferenceTerm(self.encoder(output), self.encoder(content), features)
        return terms

    def _check_layers(self, features: Mapping[str, Tensor], size: Size) -> None:
        """Refuse a frame too small for its content layer, or for every style layer; it does without some of these."""
        recipe, what = self.recipe, f"a frame of {size[1]}x{size[0]} pixels is too small for"
        layer = recipe.content_layer
        if "content" in recipe.weights and layer is not None and layer not in features:
            raise SettingsError(f"{what} layer {layer}; raise schedule.scales, or set objective.content.layer")
        layers = recipe.style_layers
        if "style" in recipe.weights and layers is not None and not layers.keys() & features.keys():
            raise SettingsError(
                f"{what} layers {', '.join(layers)}; raise schedule.scales, or set objective.style.layers"
            )

    def _style(self, long_side: int) -> Grams:
        """The photographs' statistics at a working size; their own size where that is smaller."""
        if long_side not in self._targets:
            of_photos = [self._photo_style(photo, long_side) for photo in self._photos]
            shared = [name for name in of_photos[0] if all(name in grams for grams in of_photos)]
            self._targets[long_side] = {
                name: torch.stack([of_photos[source][name][k] for k, source in enumerate(self._sources)])
                for name in shared
            }
        return self._targets[long_side]

    def _photo_style(self, photo: StylePhoto, long_side: int) -> Grams:
        size = limit_long_side((photo.image.shape[-2], photo.image.shape[-1]), long_side)
        features = self.encoder(resize(photo.image, size))
        masks = self.recipe.masks_of(resize_masks(photo.masks, size), features)
        return region_grams(features, masks, self.recipe.scale)
