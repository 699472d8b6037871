"""Numbered samples that each have a style picture of their own, and regions that both have, where these are asked for.

Which picture goes with which clip is drawn by the sample's number, as everything else is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from photovst.errors import SettingsError
from photovst.guidance.joint import JointRegions
from photovst.ops.resize import resize
from photovst.ops.transport import color_moments, transport
from photovst.training.augmentation import Augmentation
from photovst.training.batch import Sample
from photovst.training.mixture import Mixture, drawn
from photovst.training.still_pictures import StillPictures
from photovst.types import Size

RIDGE = 5e-3
"""Of the transport to a picture's colors, see `transport`."""

_OWN_CHANCE = 7
"""So that the style of a sample is drawn apart from its frames: these are the same whatever the styles."""


@dataclass(frozen=True)
class ManyStyles:
    """Samples with styles.

    Args:
        samples: frames of clips.
        styles: where style pictures come from.
        weights: how often each is drawn, to the others.
        size: of the style pictures, ``(height, width)``.
        regions: the most that a clip and its style share, see `JointRegions`; 0 makes none. Each sample has a number of
            its own from 1 on, and empty regions up to the most.
        own: share of the samples whose style is their own frame, so that networks learn to leave that as it is.
        relit: share of those whose style is another view of their own frame in the light of a style picture: see
            `relit`. Pairs that match, whose style can be reached, as a person chooses them and chance does not.
        augmentation: of the style pictures.

    Raises:
        SettingsError: there is no style, or a number is out of range.
    """

    samples: Mixture
    styles: tuple[StillPictures, ...]
    weights: tuple[float, ...]
    size: Size
    regions: int = 0
    own: float = 0.0
    relit: float = 0.0
    augmentation: Augmentation = field(default_factory=lambda: Augmentation((1.0, 2.0)))

    def __post_init__(self) -> None:
        if not self.styles or len(self.styles) != len(self.weights) or min(self.weights) <= 0:
            raise SettingsError(
                f"{len(self.styles)} sources of styles with the weights {list(self.weights)}: give one or more, each"
                " with a weight above 0"
            )
        if self.regions < 0 or min(self.own, self.relit) < 0 or self.own + self.relit > 1:
            raise SettingsError(
                f"{self.regions} regions, {self.own} of the samples in their own style and {self.relit} in their own"
                " relit: give 0 regions or more, and shares from 0 to 1 together"
            )

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, always the same.

        Raises:
            MediaError: a file cannot be read.
        """
        sample = self.samples[index]
        rng = np.random.default_rng((self.samples.seed, index, _OWN_CHANCE))
        style = self._style(rng, sample)
        count = int(rng.integers(1, self.regions + 1)) if self.regions else 0
        if not count:
            return replace(sample, style=style)
        masks, style_masks = _regions(sample.frames, style, count, self.regions)
        return replace(sample, style=style, masks=masks, style_masks=style_masks)

    def _style(self, rng: np.random.Generator, sample: Sample) -> Tensor:
        chance = rng.random()
        if chance < self.own:
            return resize(sample.frames[-1:], self.size)[0]
        source = self.styles[drawn(rng, self.weights)]
        picture, _ = source.read(int(rng.integers(len(source))))
        style = self.augmentation.view(rng, (picture.shape[0], picture.shape[1]), self.size).frame(picture)
        return relit(rng, sample.frames[-1], style) if chance < self.own + self.relit else style


def relit(
    rng: np.random.Generator, frame: Float[Tensor, "3 h w"], light: Float[Tensor, "3 hs ws"]
) -> Float[Tensor, "3 hs ws"]:
    """Another view of a frame, in colors like those of a picture, darker or lighter, with more contrast or less.

    Args:
        rng: where all chance comes from.
        frame: RGB in [0, 1].
        light: the picture.
    """
    height, width = frame.shape[-2:]
    rows, columns = (round(side * rng.uniform(0.6, 1.0)) for side in (height, width))
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    view = frame[:, top : top + rows, left : left + columns]
    view = resize(view.flip(2)[None] if rng.random() < 0.5 else view[None], (light.shape[-2], light.shape[-1]))
    moments = [color_moments(each, torch.ones_like(each[:, :1])) for each in (view, light[None])]
    matrix = transport(*moments[0], *moments[1], ridge=RIDGE)[0, 0]
    colors = (torch.einsum("ij,jhw->ihw", matrix[:, :3], view[0]) + matrix[:, 3, None, None]).clamp(0, 1)
    # A curve from black to white, of any bend: what no linear map of colors does.
    gamma, bend = float(np.exp(rng.normal(0, 0.3))), float(rng.uniform(-0.5, 0.8))
    curved = colors**gamma
    return torch.lerp(curved, curved.square() * (3 - 2 * curved), bend).clamp(0, 1)


def _regions(frames: Tensor, style: Tensor, count: int, most: int) -> tuple[Tensor, Tensor]:
    """Regions that the last frame and the style share, in all frames and in the style; empty ones up to the most."""
    if count == 1:
        return _filled(torch.ones_like(frames[:, :1]), most), _filled(torch.ones_like(style[None, :1]), most)[0]
    found = JointRegions.fit([frames[-1:]], style[None], count, count)
    masks = torch.cat([found.probabilities(frame[None]) for frame in frames])
    at_size = resize(masks, (frames.shape[-2], frames.shape[-1]))
    of_style = resize(found.photo_masks, (style.shape[-2], style.shape[-1]))
    return _filled(at_size, most), _filled(of_style, most)[0]


def _filled(masks: Tensor, most: int) -> Tensor:
    return F.pad(masks, (0, 0, 0, 0, 0, most - masks.shape[1]))
