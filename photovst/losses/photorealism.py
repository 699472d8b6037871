"""Photorealism: the matting Laplacian's energy [Levin2008, Luan2017]."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from photovst.ops.matting import matting_energy, matting_statistics


class PhotorealismTerm:
    """How far the picture is from a locally affine recoloring of the frame, per pixel.

    Args:
        frame: the frame as it was, RGB in [0, 1].
        epsilon: ridge of the color fit in each 3x3 window; larger forgives less where the frame is flat.
    """

    def __init__(self, frame: Float[Tensor, "1 3 h w"], epsilon: float = 1e-7) -> None:
        self.statistics = matting_statistics(frame, epsilon)
        self.pixels = frame.shape[-1] * frame.shape[-2]

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """``sum_c V_c^T M V_c / N``; zero for any locally affine recoloring. The features are not used."""
        return matting_energy(image, self.statistics) / self.pixels
