"""Optical flow by DeepFlow [Weinzaepfel2013], OpenCV's form of it: the variational part, without DeepMatching."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float
from torch import Tensor

from photovst.errors import SettingsError
from photovst.guidance.gray_flow import flow_of_gray

_SMALLEST_SIDE = 16


class DeepFlow:
    """DeepFlow on 8-bit luma; it needs OpenCV's contributed modules.

    Raises:
        SettingsError: they are not installed.
    """

    name = "deepflow, 1"

    def __init__(self) -> None:
        _engine()  # what is missing is told of at once, not at the second frame

    def __call__(self, first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Flow from ``first`` to ``second`` (RGB in [0, 1]), in pixels, on the grid of ``first``.

        Raises:
            MediaError: the frames differ in size, or hold values that are not numbers.
        """
        return flow_of_gray(first, second, lambda a, b: np.asarray(_engine().calc(a, b, None)), _SMALLEST_SIDE)


def _engine() -> Any:
    contributed = getattr(cv2, "optflow", None)
    if contributed is None:
        raise SettingsError(
            "flow.method=deepflow needs OpenCV's contributed modules, which are not installed; run 'pip uninstall -y"
            " opencv-python-headless' and 'pip install opencv-contrib-python-headless' (both bring cv2: keep one), or"
            " choose flow.method=dis"
        )
    return contributed.createOptFlow_DeepFlow()
