"""Optical flow by Dense Inverse Search [Kroeger2016].

Preset and scale were chosen by mean end-point error (pixels, MPI-Sintel [Butler2012] alley_1, cave_2, market_5, clean /
final) and time a flow on one thread:

    width  preset, finest scale   clean  final   ms
      320  fast, 2                 3.18   2.90    1
      320  medium, 1               3.23   2.42    4
      320  medium, 0               3.10   2.22   17
      640  fast, 2                 6.01   4.92    3
      640  medium, 1               6.06   4.47   17
      640  medium, 0               5.49   3.80   70
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import SettingsError
from photovst.guidance.gray_flow import Gray, flow_of_gray

_SMALLEST_SIDE = 16
"""Smaller pictures are filled up to this: DIS refuses those under 12 pixels and crashes on some thin ones."""


@dataclass(frozen=True)
class Dis:
    """Dense Inverse Search, OpenCV's preset 'medium', on 8-bit luma. It does not depend on the number of threads.

    Args:
        finest_scale: where the search stops; each step up halves the detail and takes a quarter of the time.

    Raises:
        SettingsError: the scale is below 0 or above 3.
    """

    finest_scale: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.finest_scale <= 3:
            raise SettingsError(f"the finest scale of DIS flow is {self.finest_scale}; give 0 (full detail) to 3")

    @property
    def name(self) -> str:
        """Method, parameters and version."""
        return f"dis medium {self.finest_scale}, 1"

    def __call__(self, first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Flow from ``first`` to ``second`` (RGB in [0, 1]), in pixels, on the grid of ``first``.

        Raises:
            MediaError: the frames differ in size, or hold values that are not numbers.
        """
        engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        engine.setFinestScale(self.finest_scale)

        def method(a: Gray, b: Gray) -> NDArray[np.float32]:
            return np.asarray(engine.calc(a, b, np.empty(0, np.float32)), np.float32)  # no flow to start from

        return flow_of_gray(first, second, method, _SMALLEST_SIDE << self.finest_scale)
