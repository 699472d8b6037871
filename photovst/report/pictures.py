"""Pictures and clips as parts of a page: as addresses that need no file, and small enough for many to fit."""

from __future__ import annotations

import base64
import io

from PIL import Image

from photovst.shown import picture_suffix

QUALITIES = (85, 70, 55, 40)
"""Of JPEG, one after the other until a picture is small enough."""


def data_uri(data: bytes) -> str:
    """PNG or JPEG bytes as an address that needs no file.

    Raises:
        ValueError: neither.
    """
    kind = {"png": "png", "jpg": "jpeg"}[picture_suffix(data)]
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def fitted(data: bytes, most: int) -> bytes:
    """A picture of at most ``most`` bytes: as it is where it fits, else as a JPEG, coarser and at last smaller."""
    if len(data) <= most:
        return data
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    while True:
        for quality in QUALITIES:
            coded = io.BytesIO()
            picture.save(coded, "JPEG", quality=quality)
            if coded.tell() <= most:
                return coded.getvalue()
        smaller = (max(1, picture.width * 2 // 3), max(1, picture.height * 2 // 3))
        if smaller == picture.size:
            return coded.getvalue()  # one pixel: a JPEG cannot be smaller
        picture = picture.resize(smaller, Image.Resampling.BOX)
