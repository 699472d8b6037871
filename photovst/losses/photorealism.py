"""Photorealism: the matting Laplacian's energy [Levin2008, Luan2017]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from photovst.errors import SettingsError, did_you_mean
from photovst.ops.matting import matting_energy, matting_statistics
from photovst.ops.matting_stencil import MattingStencil, matting_stencil, stencil_energy
from photovst.types import TermScale

FORMS = ("stencil", "free")


class PhotorealismTerm:
    """How far the picture is from a locally affine recoloring of the frame.

    Args:
        frame: the frame as it was, RGB in [0, 1].
        epsilon: ridge of the color fit in each 3x3 window; larger forgives less where the frame is flat.
        form: "stencil" keeps the Laplacian's entries, 12 planes of the frame's size: the fastest an iteration. "free"
            keeps 9 planes and computes residuals: several times slower an iteration, less memory, and in float32 never
            negative. The value is the same.
        scale: ``relative`` gives the mean over pixels; ``paper`` and ``coded`` the sum, as in [Luan2017].

    Raises:
        SettingsError: epsilon is not positive, or no such form.
        MediaError: the frame is smaller than a window.
    """

    def __init__(
        self,
        frame: Float[Tensor, "1 3 h w"],
        epsilon: float = 1e-7,
        *,
        form: Literal["stencil", "free"] = "stencil",
        scale: TermScale = "relative",
    ) -> None:
        if form not in FORMS:
            raise SettingsError(f"the matting form is {form!r}; {did_you_mean(form, FORMS)}")
        self.laplacian = matting_stencil(frame, epsilon) if form == "stencil" else matting_statistics(frame, epsilon)
        self.divisor = frame.shape[-1] * frame.shape[-2] if scale == "relative" else 1

    def __call__(self, image: Float[Tensor, "1 3 h w"], features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """``sum_c V_c^T M V_c``, over N on the relative scale; zero for any locally affine recoloring.

        The features are not used.

        Raises:
            MediaError: the image does not have the frame's size.
        """
        if isinstance(self.laplacian, MattingStencil):
            return stencil_energy(image, self.laplacian) / self.divisor
        return matting_energy(image, self.laplacian) / self.divisor
