"""The fast global smoother: weighted least squares smoothing that stops at the edges of a guide [Min2014]."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from photovst.errors import MediaError, SettingsError


def global_smoother(
    guide: Float[np.ndarray, "g h w"],
    image: Float[np.ndarray, "c h w"],
    strength: float,
    contrast: float,
    iterations: int = 3,
) -> NDArray[np.float32]:
    """``image``, ``(C, H, W)``, smoothed within what the guide's edges enclose, however far that is.

    Solves ``(1 + strength L) u = image`` along rows and columns in turn, where the graph Laplacian L weighs two
    neighbors by ``exp(-|difference of guide| / contrast)``. Each plane keeps its mean. A window, as the guided
    filter's, would leave a large region uneven; this does not.

    Args:
        guide: any number of planes, values of about [0, 1]; differences are Euclidean over planes.
        image: what is smoothed.
        strength: a plane without edges is smoothed about as many pixels far as the root of this; 0 is not at all.
        contrast: a step of the guide many times this stops the smoothing.
        iterations: of rows and columns; more leave fewer streaks.

    Raises:
        SettingsError: strength is negative, contrast not positive, or iterations below 1.
        MediaError: guide and image differ in size.
    """
    if strength < 0 or not contrast > 0 or iterations < 1:
        raise SettingsError(
            f"the global smoother's strength, contrast and iterations are {strength}, {contrast} and {iterations};"
            " give at least 0, more than 0 and at least 1"
        )
    if guide.shape[1:] != image.shape[1:]:
        raise MediaError(f"the guide is {guide.shape[1:]}, the image {image.shape[1:]}; give both the same size")
    exact = guide.astype(np.float64)
    across, down = (np.exp(-np.linalg.norm(np.diff(exact, axis=axis), axis=0) / contrast) for axis in (2, 1))
    # Along the first axis, which is solved along, the other last: each step then works on whole rows of numbers.
    across, down = np.ascontiguousarray(across.T), np.ascontiguousarray(down)
    smoothed = image.astype(np.float64).transpose(2, 0, 1)
    for t in range(iterations):
        # Falling strengths, whose sum is the one asked for: early passes reach far, late ones remove their streaks.
        share = 1.5 * 4.0 ** (iterations - 1 - t) / (4.0**iterations - 1) * strength
        smoothed = _along(across, smoothed, share).transpose(2, 1, 0)
        smoothed = _along(down, smoothed, share).transpose(2, 1, 0)
    return np.ascontiguousarray(smoothed.transpose(1, 2, 0), np.float32)


def _along(weights: NDArray[np.float64], planes: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """The tridiagonal systems along the first axis of ``(n, C, lines)``, all lines at once; weights ``(n - 1, lines)``.

    Factored as ``L D L^T`` from the first unknown to the last; positive definite, so no pivoting is needed.
    """
    links = strength * weights
    solved = np.ascontiguousarray(planes)
    if solved is planes:
        solved = planes.copy()
    pivots = np.ones((len(planes), planes.shape[2]))
    pivots[:-1] += links
    pivots[1:] += links
    factors = np.empty_like(links)
    for i in range(len(links)):
        np.divide(links[i], pivots[i], out=factors[i])
        pivots[i + 1] -= factors[i] * links[i]
        solved[i + 1] += factors[i] * solved[i]
    solved /= pivots[:, None]
    for i in reversed(range(len(links))):
        solved[i] += factors[i] * solved[i + 1]
    return solved
