"""Sizes as people write them on the command line. Torch-free."""

from __future__ import annotations

import re

from photovst.errors import SettingsError
from photovst.types import Size


def parse_size(text: str) -> Size:
    """A size as people write it, width first.

    >>> parse_size("480x270")
    (270, 480)

    Raises:
        SettingsError: it is not one.
    """
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    if match is None:
        raise SettingsError(f"--size {text} is no size; give width x height, such as 480x270")
    return int(match[2]), int(match[1])
