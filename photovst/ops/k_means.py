"""k-means: points split among centers by nearness [Lloyd1982], from a start spread out at random [Arthur2007]."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from photovst.errors import SettingsError


def k_means(
    points: Float[np.ndarray, "n d"], count: int, iterations: int, random: np.random.Generator
) -> NDArray[np.float32] | None:
    """The centers of so many clusters, ``(count, d)``; None where one of them has no points.

    Args:
        points: what is split.
        count: of clusters.
        iterations: at most; it ends where no point changes its cluster any more.
        random: picks the points that centers start at, each far from those before it.

    Raises:
        SettingsError: ``count`` or ``iterations`` is below 1.
    """
    if count < 1 or iterations < 1:
        raise SettingsError(f"k-means got {count} clusters and {iterations} iterations; give at least 1 of each")
    start = _spread_out(points, count, random)
    if start is None:
        return None
    centers: NDArray[np.float32] = start
    sums, former = points.astype(np.float64), None
    for _ in range(iterations):
        labels = nearest(points, centers)
        if former is not None and np.array_equal(labels, former):
            break
        members = (labels == np.arange(count)[:, None]).astype(np.float64)
        sizes = members.sum(axis=1, keepdims=True)
        if not sizes.all():
            return None
        centers, former = (members @ sums / sizes).astype(np.float32), labels
    return centers


def nearest(points: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "k d"]) -> NDArray[np.intp]:
    """The index of the center nearest to each point, ``(n,)``; the lower one of two that are as near."""
    # The points' own squares are the same for every center.
    distances = np.square(centers).sum(axis=1)[:, None] - 2 * (centers @ points.T)
    least, labels = distances[0], np.zeros(len(points), np.intp)
    for index, distance in enumerate(distances[1:], start=1):
        np.putmask(labels, distance < least, index)
        least = np.minimum(distance, least)
    return labels


def _spread_out(points: NDArray[np.floating], count: int, random: np.random.Generator) -> NDArray[np.float32] | None:
    """Points to start at, each drawn by its squared distance to those before it; None where there are not as many."""
    exact = points.astype(np.float64)
    chosen = [int(random.integers(len(points)))]
    least = np.full(len(points), np.inf)
    for _ in range(1, count):
        least = np.minimum(least, np.square(exact - exact[chosen[-1]]).sum(axis=1))
        total = least.sum()
        if total == 0:
            return None
        shares = (least / total).cumsum()
        # The last share may end a rounding short of 1.
        chosen.append(min(int(np.searchsorted(shares, random.uniform())), len(points) - 1))
    return points[chosen].astype(np.float32)
