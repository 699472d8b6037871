"""The picture that a style is: a photograph, or the one that a trained network was trained for and carries along."""

from __future__ import annotations

from pathlib import Path

from photovst.errors import MediaError
from photovst.media.images import read_image
from photovst.media.records import SMALLEST_SIDE, Picture
from photovst.models.network_files import is_network, load_network


def read_style(path: str | Path) -> Picture:
    """A style as ``(H, W, 3)`` RGB, uint8 or uint16.

    Args:
        path: of a picture, or of a trained network (``.safetensors``), whose style image is taken.

    Raises:
        MediaError: the picture is absent, cannot be read, or is below the smallest size.
        WeightsError: the network is absent, or not what it should be.
    """
    picture = load_network(path).style if is_network(path) else read_image(path)
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MediaError(
            f"the style image of {path} is {width}x{height} pixels; the shorter side needs at least {SMALLEST_SIDE}"
        )
    return picture
