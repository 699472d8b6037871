"""How much neighbouring frames look alike in the same places: protocol ``ssim_adjacent`` [Wang2004]."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.metrics.fidelity import WINDOW_RADIUS, ssim


def ssim_adjacent(
    frame: Float[Tensor, "b c h w"], previous: Float[Tensor, "b c h w"], side: int = 100
) -> Float[Tensor, " b"]:
    """Mean SSIM of the patches of two neighbouring frames that lie in the same place, of each pair.

    Nothing is warped, so motion lowers it as flicker does: read it against the input clip's own figure. Patches do
    not overlap; they lie in the middle of the frame, whose rest, less than a patch at each edge, is left out. No
    window of SSIM reaches from one patch into another. A figure of a clip is the mean over its pairs.

    Args:
        frame: RGB in [0, 1].
        previous: The frame before it.
        side: Of a patch, in pixels.

    Raises:
        SettingsError: a patch is smaller than a window of SSIM.
        MediaError: the frames differ in size or are smaller than a patch.
    """
    if side < 2 * WINDOW_RADIUS + 1:
        raise SettingsError(f"a patch of {side} pixels is smaller than SSIM's window; give {2 * WINDOW_RADIUS + 1}")
    if frame.shape != previous.shape:
        raise MediaError(f"the frames to compare are {tuple(frame.shape)} and {tuple(previous.shape)}; resize one")
    height, width = frame.shape[-2:]
    if min(height, width) < side:
        raise MediaError(f"a frame of {height}x{width} is smaller than a patch of {side}; give larger frames")
    figures = ssim(_patches(frame, side), _patches(previous, side))
    return figures.view(frame.shape[0], -1).mean(dim=1)


def _patches(frame: Tensor, side: int) -> Tensor:
    """``(b patches, c, side, side)``, those of the first frame first."""
    batch, channels, height, width = frame.shape
    top, left = height % side // 2, width % side // 2
    rows, columns = height // side, width // side
    whole = frame[..., top : top + rows * side, left : left + columns * side]
    split = whole.reshape(batch, channels, rows, side, columns, side)
    return split.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, side, side)
