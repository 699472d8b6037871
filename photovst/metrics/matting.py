"""How much of the output is no recoloring of the content: protocol ``matting_energy`` [Levin2008, Luan2017]."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.ops import matting
from photovst.ops.matting import MattingStatistics, matting_statistics


def matting_energy(
    output: Float[Tensor, "b 3 h w"], content: Float[Tensor, "b 3 h w"] | MattingStatistics
) -> Float[Tensor, ""]:
    """``sum_c V_c^T M V_c / N``, mean over frames; 0 is a locally affine recoloring of the content.

    M is the matting Laplacian of the content, V_c a channel of the output, N the pixels of a frame. It grows with the
    square of the output's contrast. The content's own figure is about 0: it explains itself.

    Args:
        output: RGB in [0, 1].
        content: The frame that was recolored, RGB in [0, 1]; or its `matting_statistics`, where several outputs of the
            same frame are judged.

    Raises:
        MediaError: the frames differ in size or are smaller than a window.
    """
    statistics = content if isinstance(content, MattingStatistics) else matting_statistics(content)
    frames, _, height, width = output.shape
    return matting.matting_energy(output, statistics) / (frames * height * width)
