"""Saving what a network of any style says of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from photovst.build_predicted import build_any_style, style_vector
from photovst.errors import SettingsError
from photovst.media.publish import check_new_file
from photovst.media.records import Picture, as_depth
from photovst.media.tensors import resized
from photovst.models.network_files import SUFFIX
from photovst.models.style_files import SavedStyle, save_style, weights_sha256
from photovst.network_settings import MAIN
from photovst.ops.resize import limit_long_side
from photovst.style_pictures import read_style
from photovst.trained import PHOTOGRAPHIC

PICTURE_SIDE = 512
"""Longer side of the picture that a saved style carries, in pixels."""


def save_blend(
    photos: Sequence[str],
    shares: Sequence[float],
    output: Path,
    network: Path | None = None,
    *,
    overwrite: bool = False,
) -> str:
    """Save the blend of photographs as a style; gives a line of what came out.

    Args:
        photos: paths of photographs or saved styles; the picture of the first stands for the blend.
        shares: of each; they sum to 1.
        output: ends in ``.safetensors``.
        network: of any style; the one that comes with photovst where it is not given.
        overwrite: replace what is there.

    Raises:
        SettingsError: the suffix is another, or the place is the network's own.
        MediaError: a photograph cannot be read, or the file cannot be written or is there already.
        WeightsError: the network or a saved style is absent, damaged, or they do not belong together.
    """
    if output.suffix.lower() != SUFFIX:
        raise SettingsError(f"{output} is no name for a saved style; give it the suffix {SUFFIX}")
    check_new_file(output, "the style", overwrite=overwrite)
    made_by = network or PHOTOGRAPHIC
    if output.exists() and made_by.exists() and output.samefile(made_by):
        raise SettingsError(f"{output} is the network itself, which the style would replace; choose another name")
    trained = build_any_style(made_by)
    vectors = torch.stack([style_vector(trained, MAIN, path) for path in photos])
    blend = torch.tensor(shares, dtype=vectors.dtype) @ vectors
    made_of: dict[str, float] = {}
    for path, share in zip(photos, shares, strict=True):
        made_of[Path(path).name] = made_of.get(Path(path).name, 0.0) + share
    saved = SavedStyle(blend, _small(read_style(photos[0])), trained.kind, weights_sha256(trained), made_of)
    save_style(output, saved)
    told = ", ".join(f"{name} {share:g}" for name, share in made_of.items())
    return f"{output}: {len(blend)} numbers for a network of kind {trained.kind}, made of {told}"


def _small(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return resized(as_depth(picture, np.uint8), limit_long_side((height, width), PICTURE_SIDE))
