"""The picture that a style is: a photograph, or the one that a trained network or a saved style carries along."""

from __future__ import annotations

from pathlib import Path

from photovst.errors import MediaError, WeightsError
from photovst.media.images import read_image
from photovst.media.records import SMALLEST_SIDE, Picture
from photovst.models.network_files import is_network, is_saved_style, load_network
from photovst.models.style_files import load_style


def read_style(path: str | Path) -> Picture:
    """A style as ``(H, W, 3)`` RGB, uint8 or uint16.

    Args:
        path: of a picture, or of a trained network or a saved style (``.safetensors``), whose picture is taken.

    Raises:
        MediaError: the picture is absent, cannot be read, or is below the smallest size.
        WeightsError: the network or saved style is absent, not what it should be, or of any style: it has no picture.
    """
    picture: Picture | None
    if is_saved_style(path):
        picture = load_style(path).picture
    else:
        picture = load_network(path).style if is_network(path) else read_image(path)
    if picture is None:
        raise WeightsError(
            f"{path} is a network of any style, but a style is asked for; give the photograph as style, and the network"
            f" as styler=predicted predicted.network={path}"
        )
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MediaError(
            f"the style image of {path} is {width}x{height} pixels; the shorter side needs at least {SMALLEST_SIDE}"
        )
    return picture
