"""Optical flow by polynomial expansion [Farneback2003].

Window and iterations were chosen among 96 settings by mean end-point error (pixels, MPI-Sintel alley_1, cave_2,
market_5, clean / final) and time a flow on one thread; windows are weighted evenly, polynomials span 5 pixels:

    width  window  iterations  clean  final   ms
      320      13           4   2.74   2.96    9
      320      19           2   2.59   2.78    5
      320      19           4   2.55   2.80    8
      320      27           4   2.69   2.74    8
      640      13           4   5.65   6.51   35
      640      19           2   5.31   6.12   23
      640      19           4   5.29   6.17   35
      640      27           4   5.41   6.09   35
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.guidance.gray_flow import Gray, flow_of_gray

WINDOW = 19
"""Pixels over which motion is taken as one."""

ITERATIONS = 4
"""Of a level of the pyramid."""

_LEVELS = 8
"""OpenCV stops earlier, where a level would have fewer than 32 pixels a side."""

_SMALLEST_SIDE = 16


class Farneback:
    """Farnebäck's flow on 8-bit luma.

    OpenCV takes the last row and column for outside, so that where nothing moves a border may by some hundredths of a
    pixel, and a picture thinner than the window by some tenths. Filling pictures up does not help: it costs accuracy.
    """

    name = f"farneback {WINDOW} {ITERATIONS}, 1"

    def __call__(self, first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Flow from ``first`` to ``second`` (RGB in [0, 1]), in pixels, on the grid of ``first``.

        Raises:
            MediaError: the frames differ in size, or hold values that are not numbers.
        """
        return flow_of_gray(first, second, _flow, _SMALLEST_SIDE)


def _flow(first: Gray, second: Gray) -> NDArray[np.float32]:
    flow = cv2.calcOpticalFlowFarneback(
        first,
        second,
        np.empty(0, np.float32),
        pyr_scale=0.5,
        levels=_LEVELS,
        winsize=WINDOW,
        iterations=ITERATIONS,
        poly_n=5,
        poly_sigma=1.1,
        flags=0,
    )
    return np.asarray(flow, np.float32)
