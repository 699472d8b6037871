"""What the report shows of a run, gathered while its frames pass by: a few frames, their regions, areas."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from photovst.build import Regions
from photovst.config import Settings
from photovst.media.images import encode_picture
from photovst.media.records import Picture as Pixels
from photovst.media.tensors import resized, to_picture
from photovst.ops.masks import areas
from photovst.ops.resize import limit_long_side, resize
from photovst.progress import Progress
from photovst.report import Coverage, Pair, Picture, write_report

SHOWN = 4
"""Frames in the report, spread over the clip."""

LONG_SIDE = 640


class Highlights:
    """A few frames of a run.

    Args:
        count: frames in the clip.
    """

    def __init__(self, count: int) -> None:
        last = max(count - 1, 0)
        self._wanted = {round(i * last / (SHOWN - 1)) for i in range(SHOWN)}
        self._pairs: list[Pair] = []
        self._overlays: list[Picture] = []
        self._regions: list[tuple[int, Regions, Tensor]] = []

    def begin_shot(self, first: int, regions: Regions, masks: Tensor) -> None:
        """A shot begins, with these regions; ``masks`` are those of its first frame."""
        self._regions.append((first, regions, areas(masks)[0]))

    def look(self, index: int, content: Pixels, result: Pixels, masks: Tensor) -> None:
        """Keep the frame if it is one of those to be shown."""
        if index not in self._wanted:
            return
        self._pairs.append(Pair(f"frame {index}", _jpeg(content), _jpeg(result)))
        self._overlays.append(Picture(f"regions of frame {index}", _jpeg(overlay(content, masks))))

    def write(self, folder: Path, settings: Settings, output: Path, photo: Tensor, progress: Progress) -> Path:
        """Write the run's report."""
        picture = to_picture(photo)
        overlays = [*self._overlays, Picture("regions of the photograph", _jpeg(self._photo(picture)))]
        several = len(self._regions) > 1
        coverage = [
            Coverage(
                f"{name} (from frame {first})" if several else name,
                float(share),
                float(photo_share),
                f"#{bytes(color).hex()}",
            )
            for first, regions, shares in self._regions
            for name, share, photo_share, color in zip(
                regions.names, shares, areas(regions.photo)[0], colors(len(regions.names)), strict=True
            )
        ]
        return write_report(
            folder,
            title=f"{Path(settings.content).name} in the light of {Path(settings.style).name}",
            result=output,
            style=Picture(Path(settings.style).name, _jpeg(picture)),
            pairs=self._pairs,
            overlays=overlays,
            coverage=coverage,
            seconds=progress.seconds,
            warnings=progress.warnings,
        )

    def _photo(self, picture: Pixels) -> Pixels:
        return overlay(picture, self._regions[0][1].photo)


def colors(count: int) -> list[tuple[int, int, int]]:
    """One color a region, evenly spread over the hues, 8-bit RGB."""
    spread = [colorsys.hsv_to_rgb(k / count, 0.75, 0.95) for k in range(count)]
    return [(round(r * 255), round(g * 255), round(b * 255)) for r, g, b in spread]


def overlay(picture: Pixels, masks: Tensor) -> Pixels:
    """A picture with its regions in color over it, at the size pictures have in the report."""
    small = _small(picture)
    planes = resize(masks.cpu(), small.shape[:2])[0].numpy()
    palette = np.array(colors(len(planes)), dtype=np.float32)
    tint: NDArray[np.float32] = np.tensordot(planes.transpose(1, 2, 0), palette, axes=1)
    mixed = 0.5 * small.astype(np.float32) + 0.5 * tint
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _small(picture: Pixels) -> Pixels:
    if picture.dtype != np.uint8:
        picture = (picture >> 8).astype(np.uint8)
    return resized(picture, limit_long_side((picture.shape[0], picture.shape[1]), LONG_SIDE))


def _jpeg(picture: Pixels) -> bytes:
    return encode_picture(Path("picture.jpg"), _small(picture), None)
