"""What turns settings into a network of any style and its styles, photographs or saved ones; see build.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from photovst.build_optimizer import build_prior
from photovst.config import Settings, StylerKind
from photovst.errors import MediaError, SettingsError, WeightsError
from photovst.feedforward.predicted_grids import PredictedGrids
from photovst.feedforward.style_weights import StyleWeights
from photovst.feedforward.with_style import WithStyle, painterly_vectors
from photovst.guidance.region_finder import Photo
from photovst.guidance.regions import Regions
from photovst.media.tensors import to_frame
from photovst.models.arbitrary import Arbitrary
from photovst.models.network_files import TrainedNetwork, is_network, is_saved_style, load_network, network_kind
from photovst.models.networks import CONDITIONED
from photovst.models.photographic import Photographic
from photovst.models.style_files import load_style
from photovst.network_settings import MAIN, TIME, asks_for_prediction
from photovst.style_pictures import read_style
from photovst.trained import PHOTOGRAPHIC

SMALLEST = 32
"""The shortest side in pixels of a photograph that a network can see a style in."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """The photographic network of a run, and what it is told.

    Args:
        network: on the run's device.
        weights: of the styles, over time.
        saved: vectors of those that are saved styles.
        photos: those that are photographs, but for the main one.
        content: share of a frame's own style.
        steadiness: share of the earlier frame's grid.
    """

    network: Photographic
    weights: StyleWeights
    saved: Mapping[str, Tensor]
    photos: Mapping[str, Photo]
    content: float
    steadiness: float

    @property
    def whole(self) -> bool:
        """Whether no style knows of regions, so that none need be found."""
        return all(name in self.saved for name in self.weights.names)

    @torch.no_grad()
    def grids(self, settings: Settings, regions: Regions, still: bool = False) -> PredictedGrids:
        """What predicts the grids of a shot with these regions; the photographs are looked at once."""
        vectors = [self._vectors(name, regions) for name in self.weights.names]
        # What is to be left as it is has no weight; one above 1 is for the optimizer.
        shown = torch.tensor(regions.weights or [1.0] * len(regions.names)).clamp(max=1)
        own = 1 - (1 - self.content) * shown.to(vectors[0])
        prior = build_prior(settings, still)
        return PredictedGrids(self.network, torch.stack(vectors), self.weights, own, prior, self.steadiness)

    def _vectors(self, name: str, regions: Regions) -> Tensor:
        if name in self.saved:
            return self.saved[name].expand(len(regions.names), -1)
        if name != MAIN:
            photo = regions.blended[list(self.photos).index(name)]
            return self.network.style_vectors(photo.image, photo.masks)[0]
        of_photos = [self.network.style_vectors(photo.image, photo.masks)[0] for photo in regions.photos]
        return torch.stack([of_photos[source][k] for k, source in enumerate(regions.sources)])


def network_path(settings: Settings) -> Path:
    """The network of any style of a run: the one named, or the one that comes with photovst."""
    return PHOTOGRAPHIC if settings.predicted.network is None else Path(settings.predicted.network)


def style_weights(settings: Settings) -> StyleWeights:
    """How styles are blended; all of the main one where nothing is said."""
    chosen = settings.predicted
    frames = [(each[TIME], {name: share for name, share in each.items() if name != TIME}) for each in chosen.keyframes]
    return StyleWeights.of(frames or [(0.0, chosen.weights or {MAIN: 1.0})])


def style_paths(settings: Settings) -> dict[str, str]:
    """The photographs and saved styles that have a share in the blend, by name."""
    paths = {MAIN: settings.style, **settings.predicted.styles}
    return {name: paths[name] for name in style_weights(settings).names}


def predicts_pictures(settings: Settings) -> bool:
    """Whether a run has a painterly network of any style, which gives pictures, not color transforms.

    Raises:
        WeightsError: the network's file is absent, or no network.
    """
    return settings.styler is StylerKind.predicted and network_kind(network_path(settings)) == "arbitrary"


def check_style(settings: Settings) -> None:
    """Refuse a style that the styler cannot take.

    Raises:
        SettingsError: it is a saved style, and frames are optimized; or a network of one style, and another network is
            to predict; or a region's own style is a saved one.
        WeightsError: it is neither picture, network nor saved style, or absent.
    """
    if settings.styler is StylerKind.predicted and is_network(settings.style):
        network_kind(settings.style)  # absent or damaged ones are told of as such
        raise SettingsError(
            f"styler=predicted takes a photograph or a saved style, but {settings.style} is a network; leave the styler"
            " out, or, if it is a network of any style, give it as predicted.network"
        )
    if settings.styler is StylerKind.optimized and is_saved_style(settings.style):
        raise SettingsError(
            f"{settings.style} is a saved style, which only a network understands; set styler=predicted, or give the"
            " photograph"
        )
    if not is_network(settings.style) and not predicts_pictures(settings):
        for region, path in settings.segmentation.styles.items():
            if is_saved_style(path):
                raise SettingsError(
                    f"segmentation.styles.{region} takes a photograph, but {path} is a saved style, which knows nothing"
                    " of regions; give the photograph"
                )


def build_any_style(path: Path) -> TrainedNetwork:
    """A network of any style, on the CPU.

    Raises:
        WeightsError: its file is absent, not what it should be, or of one style only.
    """
    network = load_network(path)
    if network.kind not in CONDITIONED:
        raise WeightsError(
            f"{path} is a network of one style (kind {network.kind}), but one of any style is asked for; give that,"
            " or this one in the photograph's place, without styler=predicted"
        )
    return network


def build_predictor(settings: Settings, device: torch.device) -> Predictor | None:
    """The photographic network and its styles; None where a run asks for none.

    Raises:
        WeightsError: network or saved style are absent, not what they should be, or do not belong together.
        SettingsError: the network gives pictures, but color transforms are asked for.
        MediaError: a photograph cannot be read, or is too small.
    """
    if not asks_for_prediction(settings):
        return None
    network = build_any_style(network_path(settings))
    module = network.module
    if not isinstance(module, Photographic):
        raise SettingsError(
            f"schedule.start=predicted starts from color transforms, but {network_path(settings)} is a network of kind"
            f" {network.kind}, which gives pictures; give a photographic one as predicted.network"
        )
    weights, saved, photos = style_weights(settings), {}, {}
    for name, path in style_paths(settings).items():
        if is_saved_style(path):
            saved[name] = load_style(path, network).vector.to(device)
        elif name != MAIN:
            photos[name] = Photo(Path(path).name, _photograph(name, path, device))
        else:
            _photograph(name, path, device)  # read for its size: a run reads the main one in any case
    chosen = settings.predicted
    return Predictor(module.to(device), weights, saved, photos, chosen.content, chosen.steadiness)


@dataclass(frozen=True, eq=False)
class Painter:
    """A painterly network of a run and its styles.

    Args:
        module: told the style of the start, where that moves.
        vectors: of the styles, in the order of the weights.
        weights: of the styles, over time.
    """

    module: WithStyle
    vectors: Tensor
    weights: StyleWeights

    def at(self, time: float) -> Tensor:
        """The style vector at a time in seconds."""
        return torch.tensor(self.weights.at(time)) @ self.vectors


@torch.inference_mode(False)
@torch.no_grad()
def build_painter(settings: Settings) -> Painter:
    """The painterly network, told its styles, on the CPU.

    Raises:
        WeightsError: network or saved style are absent, not what they should be, or do not belong together.
        MediaError: a photograph cannot be read, or is too small.
    """
    network = build_any_style(network_path(settings))
    module = network.module
    assert isinstance(module, Arbitrary)  # whoever asks knows
    weights = style_weights(settings)
    vectors = torch.stack([style_vector(network, name, path) for name, path in style_paths(settings).items()])
    first = torch.tensor(weights.at(0.0)) @ vectors
    return Painter(WithStyle(module, first, settings.predicted.content), vectors, weights)


@torch.no_grad()
def style_vector(network: TrainedNetwork, name: str, path: str) -> Tensor:
    """What a network of any style says of the whole of a photograph; of a saved style, what it said.

    Args:
        network: on the CPU.
        name: of the style, for errors.
        path: of the photograph or the saved style.

    Raises:
        MediaError: the photograph cannot be read, or is too small.
        WeightsError: the saved style is of another network, or a network stands in the photograph's place that has no
            picture.
    """
    if is_saved_style(path):
        return load_style(path, network).vector
    photo = _photograph(name, path, torch.device("cpu"))
    if isinstance(network.module, Arbitrary):
        return painterly_vectors(network.module, photo)[0, 0]
    assert isinstance(network.module, Photographic)
    return network.module.style_vectors(photo)[0, 0]


def _photograph(name: str, path: str, device: torch.device) -> Tensor:
    where = "" if name == MAIN else f"predicted.styles.{name}: "
    try:
        photo = to_frame(read_style(path), device)
    except (MediaError, WeightsError) as error:
        raise type(error)(f"{where}{error}") from error
    if min(photo.shape[-2:]) < SMALLEST:
        raise MediaError(
            f"{where}{path} is {photo.shape[-1]}x{photo.shape[-2]} pixels, but to see a style a network needs at least"
            f" {SMALLEST} a side; give a larger picture"
        )
    return photo
