"""Joint regions: soft regions shared by a clip and a photograph, found without any trained weights.

Each pixel is described by its height in the frame, how busy its surroundings are, how bright and what color it is, all
relative to its own picture, so that "the bright calm part at the top" means the same in a night clip and a day photo.
k-means on both together names the regions; a guided filter snaps them to edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from torch import Tensor

from photovst.ops.color import rec601_luma
from photovst.ops.guided_filter import guided_filter
from photovst.ops.masks import normalize_masks
from photovst.ops.resize import fit_long_side, resize

SIZE = 240
"""Longer side regions are computed at, in pixels; every blur below is in pixels of this size."""

WEIGHTS = (2.0, 1.2, 0.5, 0.15, 0.15)
"""How much height, texture, brightness and the two chromas count."""

SMALLEST = 0.03
"""A region below this share of the clip or of the photograph is not a region: fewer are looked for instead."""

RANK_RANGE, EDGE_RADIUS, EDGE_EPSILON, SAMPLES = 1.7, 12, 1e-3, 20_000

Planes = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Scale:
    """How a picture's raw measures become relative ones: quantiles for ranks, mean and deviation for colors.

    Fitted once on a whole shot: a scale that followed every frame would make regions wander with what comes into view.
    """

    quantiles: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, pictures: Sequence[Planes]) -> _Scale:
        values = np.concatenate([planes.reshape(4, -1) for planes in pictures], axis=1)
        quantiles = np.quantile(values[:2], np.linspace(0, 1, 257), axis=1).T.astype(np.float32)
        return cls(quantiles, values[2:].mean(axis=1), values[2:].std(axis=1) + 1e-3)

    def features(self, planes: Planes) -> NDArray[np.float32]:
        height, width = planes.shape[1:]
        y = np.broadcast_to(np.linspace(-1, 1, height, dtype=np.float32)[:, None], (height, width))
        ranks = np.linspace(-RANK_RANGE, RANK_RANGE, self.quantiles.shape[1])
        ranked = [np.interp(planes[i], self.quantiles[i], ranks) for i in range(2)]
        colors = [(planes[2 + i] - self.mean[i]) / self.deviation[i] for i in range(2)]
        stacked = np.stack([y, *ranked, *colors]).reshape(5, -1).T
        features: NDArray[np.float32] = (stacked * np.array(WEIGHTS)).astype(np.float32)
        return features


@dataclass(frozen=True, eq=False)
class JointRegions:
    """Regions of one shot and its photograph.

    ``centers`` is ``(K, 5)`` in feature space, ``photo_masks`` the photograph's regions at ``SIZE``.
    """

    centers: NDArray[np.float32]
    photo_masks: Float[Tensor, "1 k h w"]
    _clip: _Scale

    @classmethod
    def fit(
        cls,
        frames: Sequence[Float[Tensor, "1 3 _h _w"]],
        photo: Float[Tensor, "1 3 _hp _wp"],
        regions: int,
        seed: int = 0,
    ) -> JointRegions:
        """Find at most ``regions`` regions that both the frames of a shot and the photograph have.

        Args:
            frames: a few frames of the shot, RGB in [0, 1].
            photo: the photograph.
            regions: how many to look for.
            seed: of k-means.
        """
        clip_planes = [_planes(_small(frame)) for frame in frames]
        small_photo = _small(photo)
        photo_planes = _planes(small_photo)
        clip, own = _Scale.of(clip_planes), _Scale.of([photo_planes])
        clip_features = np.concatenate([clip.features(planes) for planes in clip_planes])
        photo_features = own.features(photo_planes)
        random = np.random.default_rng(seed)
        both = np.concatenate([_sample(clip_features, random), _sample(photo_features, random)])
        for count in range(regions, 0, -1):
            centers, _ = kmeans2(both, count, iter=50, minit="++", rng=np.random.default_rng(seed))
            # From top to bottom, so that a region keeps its name and color from shot to shot.
            centers = centers[np.argsort(centers[:, 0])].astype(np.float32)
            shares = [
                np.bincount(_nearest(features, centers), minlength=count) / len(features)
                for features in (clip_features, photo_features)
            ]
            if count == 1 or min(share.min() for share in shares) >= SMALLEST:
                break
        return cls(centers, _memberships(photo_features, centers, small_photo), clip)

    def masks(self, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 k h w"]:
        """The regions of a frame of the shot, soft, at the frame's size."""
        small = _small(frame)
        masks = _memberships(self._clip.features(_planes(small)), self.centers, small)
        return normalize_masks(resize(masks, (frame.shape[-2], frame.shape[-1])).clamp_min(0)).to(frame)


def _small(frame: Tensor) -> Tensor:
    height, width = fit_long_side((frame.shape[-2], frame.shape[-1]), SIZE)
    return resize(frame.detach().float().cpu(), (max(height, 2), max(width, 2)))  # a gradient needs two pixels


def _planes(small: Tensor) -> Planes:
    """Texture energy (log), brightness and two chromas, ``(4, H, W)``."""
    red, green, blue = small[0].numpy()
    luma = rec601_luma(small)[0, 0].numpy()
    down, across = np.gradient(luma)
    texture = np.log(1e-3 + cv2.GaussianBlur(np.hypot(down, across), (0, 0), 4))
    chroma = ((red - green) * 0.5, blue * 0.5 - (red + green) * 0.25)
    smooth = [cv2.GaussianBlur(plane, (0, 0), 3) for plane in (luma, *chroma)]
    return np.stack([texture, *smooth]).astype(np.float32)


def _sample(features: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    return features[random.choice(len(features), SAMPLES)]


def _distances(features: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    distances: NDArray[np.float32] = np.square(features[:, None] - centers[None]).sum(axis=2)
    return distances


def _nearest(features: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.intp]:
    nearest: NDArray[np.intp] = _distances(features, centers).argmin(axis=1)
    return nearest


def _memberships(features: NDArray[np.float32], centers: NDArray[np.float32], small: Tensor) -> Tensor:
    """exp(-squared distance), snapped to the edges of the picture, summing to 1."""
    memberships = torch.softmax(-torch.from_numpy(_distances(features, centers)), dim=1)
    masks = memberships.T.reshape(1, len(centers), *small.shape[-2:]).contiguous()
    edges = guided_filter(rec601_luma(small), masks, EDGE_RADIUS, EDGE_EPSILON)
    return normalize_masks(edges.clamp_min(0))
