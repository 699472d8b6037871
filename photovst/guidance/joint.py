"""Joint regions: soft regions shared by a clip and a photograph, found without any trained weights.

Each pixel is described by its height in the frame, how busy its surroundings are, how bright and what color it is, all
relative to its own picture, so that "the bright calm part at the top" means the same in a night clip and a day photo.
These are evened out within edges [Min2014], so that a tower is as high as the town it stands in and a region keeps
together. k-means on both pictures together names the regions; how many there are is what separates them best
[Rousseeuw1987] while either picture has them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import SettingsError
from photovst.ops.color import rec601_luma
from photovst.ops.global_smoother import global_smoother
from photovst.ops.resize import fit_long_side, resize

SIZE = 240
"""Longer side regions are computed at, in pixels; every blur below is in pixels of this size."""

WEIGHTS = (2.0, 1.5, 0.5, 0.4, 0.4)
"""How much height, texture, brightness and the two chromas count."""

SOFTNESS = 0.4
"""Squared distance at which a region's claim on a pixel falls to 1/e of a region's that is right there."""

SMALLEST = 0.03
"""A region below this share of the clip or of the photograph is not a region of both."""

STRENGTH, CONTRAST = 1e4, 0.015
"""Of the global smoother."""

LEAST_DEVIATION = np.array([[0.1], [0.01], [0.01], [0.01]], np.float32)
"""What texture, brightness and chromas are divided by at least, so that a flat picture's noise stays noise."""

FARTHEST, RESTARTS, SAMPLES, JUDGED = 2.5, 4, 4_000, 1_000

Planes = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Scale:
    """Mean and deviation, ``(4, 1)``, by which a picture's raw measures become relative ones.

    Fitted once on a whole shot: a scale that followed every frame would make regions wander with what comes into view.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, pictures: Sequence[Tensor]) -> _Scale:
        values = np.concatenate([_planes(small).reshape(4, -1) for small in pictures], axis=1)
        return cls(values.mean(axis=1, keepdims=True), np.maximum(values.std(axis=1, keepdims=True), LEAST_DEVIATION))

    def features(self, small: Tensor) -> NDArray[np.float32]:
        """What is known of each pixel of a small picture, ``(H W, 5)``."""
        height, width = small.shape[-2:]
        relative = (_planes(small).reshape(4, -1) - self.mean) / self.deviation
        y = np.repeat(np.linspace(-1, 1, height, dtype=np.float32), width)
        stacked = np.stack([y, *relative.clip(-FARTHEST, FARTHEST)]).reshape(5, height, width)
        guide = np.stack([cv2.GaussianBlur(plane, (0, 0), 1) for plane in small[0].numpy()])
        even = global_smoother(guide, stacked, STRENGTH, CONTRAST)
        features: NDArray[np.float32] = even.reshape(5, -1).T * np.array(WEIGHTS, np.float32)
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
        low: int,
        high: int,
        seed: int = 0,
    ) -> JointRegions:
        """Find regions that both the frames of a shot and the photograph have.

        Args:
            frames: a few frames of the shot, RGB in [0, 1].
            photo: the photograph.
            low: the fewest regions; there are fewer only where a picture lacks one of so many.
            high: the most regions.
            seed: of k-means.

        Raises:
            SettingsError: ``low`` is below 1 or above ``high``.
        """
        if not 1 <= low <= high:
            raise SettingsError(f"{low} to {high} regions were asked for; give at least 1, and no more low than high")
        smalls, small_photo = [_small(frame) for frame in frames], _small(photo)
        clip, own = _Scale.of(smalls), _Scale.of([small_photo])
        features = (np.concatenate([clip.features(small) for small in smalls]), own.features(small_photo))
        centers = _choose(features, low, high, seed)
        return cls(centers, _memberships(features[1], centers, small_photo), clip)

    @property
    def classes(self) -> tuple[str, ...]:
        """The regions from top to bottom."""
        return region_names(len(self.centers))

    def probabilities(self, frame: Float[Tensor, "1 3 _h _w"]) -> Float[Tensor, "1 k h w"]:
        """The regions of a frame of the shot, soft, at `SIZE`, on the frame's device."""
        small = _small(frame)
        return _memberships(self._clip.features(small), self.centers, small).to(frame)

    def of_photo(self, photo: Float[Tensor, "1 3 _h _w"]) -> Float[Tensor, "1 k h w"]:
        """The same for any photograph, which is relative to itself."""
        small = _small(photo)
        return _memberships(_Scale.of([small]).features(small), self.centers, small).to(photo)


def region_names(count: int) -> tuple[str, ...]:
    """What so many regions are called, from top to bottom."""
    return tuple(f"region {k + 1}" for k in range(count))


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


def _choose(features: tuple[Planes, Planes], low: int, high: int, seed: int) -> NDArray[np.float32]:
    """Centers of the count with the best silhouette, of those whose every region both pictures have."""
    random = np.random.default_rng(seed)
    both = np.concatenate([each[random.choice(len(each), SAMPLES)] for each in features])
    judged = np.concatenate([both[:JUDGED], both[-JUDGED:]])
    distances = _apart(judged)
    whole: NDArray[np.float32] = both.mean(axis=0, keepdims=True)
    distinct = len(set(map(bytes, (both.round(3) + 0))))  # -0 + 0 is 0
    best, found = -np.inf, whole
    for count in [*range(high, low - 1, -1), *range(low - 1, 1, -1)]:
        if count < low and found is not whole:
            break
        if not 1 < count <= distinct:
            continue
        centers = _clusters(both, count, seed)
        if any(_shares(each, centers).min() < SMALLEST for each in features):
            continue
        score = _silhouette(distances, _nearest(judged, centers))
        if score > best:
            best, found = score, centers
    return found


def _clusters(points: Planes, count: int, seed: int) -> NDArray[np.float32]:
    """The best of a few k-means, from top to bottom so that regions are named alike in every shot."""
    # OpenCV's generator is one for the thread.
    cv2.setRNGSeed(seed)
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 0.0)
    _, _, found = cv2.kmeans(points, count, np.empty(0, np.int32), until, RESTARTS, cv2.KMEANS_PP_CENTERS)
    return np.asarray(found[np.argsort(found[:, 0])], np.float32)


def _silhouette(distances: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """Mean over points of (nearest other cluster - own) / the larger, of mean distances; in [-1, 1] [Rousseeuw1987]."""
    names, labels = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        return -1.0
    points, sizes = np.arange(len(labels)), np.bincount(labels)
    sums = distances @ np.eye(len(names))[labels]
    own = sums[points, labels] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[points, labels] = np.inf
    other = means.min(axis=1)
    scores = np.where(sizes[labels] > 1, (other - own) / np.maximum(np.maximum(other, own), 1e-12), 0)
    return float(scores.mean())


def _apart(points: Planes) -> NDArray[np.float64]:
    """How far every two points are from each other, ``(n, n)``."""
    exact = points.astype(np.float64)
    squares = np.square(exact).sum(axis=1)
    products = exact @ exact.T
    products *= -2
    products += squares
    products += squares[:, None]
    apart: NDArray[np.float64] = np.sqrt(products.clip(0, out=products), out=products)
    np.fill_diagonal(apart, 0)  # which rounding leaves a little above
    return apart


def _distances(features: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    distances: NDArray[np.float32] = np.square(features[:, None] - centers[None]).sum(axis=2)
    return distances


def _nearest(features: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.intp]:
    # The points' own squares are the same for every center.
    nearest: NDArray[np.intp] = (np.square(centers).sum(axis=1) - 2 * (features @ centers.T)).argmin(axis=1)
    return nearest


def _shares(features: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.bincount(_nearest(features, centers), minlength=len(centers)) / len(features)


def _memberships(features: NDArray[np.float32], centers: NDArray[np.float32], small: Tensor) -> Tensor:
    """exp(-squared distance / softness), summing to 1."""
    memberships = torch.softmax(-torch.from_numpy(_distances(features, centers)) / SOFTNESS, dim=1)
    return memberships.T.reshape(1, len(centers), *small.shape[-2:]).contiguous()
