"""What the report shows of a run, gathered while its frames pass by: a few frames, their regions, areas."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from photovst.config import Settings
from photovst.coverage import HEADINGS, coverage_rows, write_coverage
from photovst.guidance.matching import Coverage
from photovst.guidance.regions import Regions
from photovst.media.previews import jpeg
from photovst.media.records import Picture as Pixels
from photovst.media.tensors import resized, to_picture
from photovst.ops.resize import limit_long_side, resize
from photovst.progress import Progress
from photovst.report.page import write_report
from photovst.shown import LONG_SIDE, CoverageRow, Shown, ShownFrame, ShownPhoto, clip_name, spread, write_shown


class Highlights:
    """A few frames of a run.

    Args:
        count: frames in the clip.
    """

    def __init__(self, count: int) -> None:
        self.wanted = spread(count)
        """The frames to be shown: spread over the clip, unless somebody has better ones."""
        self._frames: list[ShownFrame] = []
        self._latest: tuple[int, Pixels, Pixels, Tensor | None] | None = None
        self._shots: list[tuple[int, tuple[str, ...], tuple[Coverage, ...]]] = []
        self._photos: list[ShownPhoto] = []
        self._mapping: dict[str, str] = {}

    def begin_shot(self, first: int, regions: Regions, progress: Progress) -> None:
        """A shot begins, with these regions; they are told of where they are not those of the shot before."""
        mapping = {row.name: row.mapped_to for row in regions.coverage}
        if mapping != self._mapping:
            title = "regions" if first == 0 else f"regions from frame {first} on"
            progress.table(title, HEADINGS, coverage_rows(regions.coverage))
        self._mapping = mapping
        if not self._shots:
            self._photos = _photos(regions)
        # Not the regions themselves: they hold the photograph's masks, and a film has a thousand shots.
        self._shots.append((first, regions.names, regions.coverage))

    def look(self, index: int, content: Pixels, result: Pixels, masks: Tensor | None = None) -> None:
        """Keep the frame if it is one of those to be shown; ``masks`` are its regions, where there are any."""
        self._latest = index, content, result, masks
        if index in self.wanted:
            self._keep(index, content, result, masks)

    def _keep(self, index: int, content: Pixels, result: Pixels, masks: Tensor | None) -> None:
        regions = None if masks is None else _jpeg(overlay(content, masks))
        self._frames.append(ShownFrame(index, _jpeg(content), _jpeg(result), regions))

    def write(self, folder: Path, settings: Settings, output: Path, photo: Tensor, progress: Progress) -> Path:
        """Write the run's pictures, its coverage and its report.

        The last frame is shown in any case: the number of frames may have been an estimate.
        """
        if self._latest and (not self._frames or self._frames[-1].frame != self._latest[0]):
            self._keep(*self._latest)
        several = len(self._shots) > 1
        rows = tuple(
            CoverageRow(
                f"{row.name} (from frame {first})" if several else row.name,
                row.clip,
                row.photo,
                row.mapped_to,
                row.why,
                None if row.region is None else _hex(colors(len(names))[names.index(row.region)]),
            )
            for first, names, coverage in self._shots
            for row in sorted(coverage, key=lambda row: -row.clip)
        )
        if self._shots:
            write_coverage(folder, [(first, coverage) for first, _, coverage in self._shots])
        manner = "light" if self._shots else "style"
        shown = Shown(
            title=f"{clip_name(settings.content)} in the {manner} of {Path(settings.style).name}",
            frames=tuple(self._frames),
            style=ShownPhoto(Path(settings.style).name, _jpeg(to_picture(photo))),
            style_regions=tuple(self._photos),
            coverage=rows,
            # Some are told of before the run has a log.
            warnings=tuple(progress.warnings),
            seconds=progress.seconds,
        )
        write_shown(folder, shown)
        return write_report(folder, output)


def _photos(regions: Regions) -> list[ShownPhoto]:
    """The photographs with their regions."""
    pictures = []
    for place, photo in enumerate(regions.photos):
        # A region has its color where it takes its style from: not in photographs that it does not look at.
        here = photo.masks.new_tensor([float(source == place) for source in regions.sources])
        shown = overlay(to_picture(photo.image), photo.masks * here[:, None, None])
        caption = f"Regions of {photo.name}" if place else "Regions of the photograph"
        pictures.append(ShownPhoto(caption, _jpeg(shown)))
    return pictures


def colors(count: int) -> list[tuple[int, int, int]]:
    """One color a region, evenly spread over the hues, 8-bit RGB."""
    spread = [colorsys.hsv_to_rgb(k / count, 0.75, 0.95) for k in range(count)]
    return [(round(r * 255), round(g * 255), round(b * 255)) for r, g, b in spread]


def _hex(color: tuple[int, int, int]) -> str:
    return f"#{bytes(color).hex()}"


def overlay(picture: Pixels, masks: Tensor, palette: Sequence[tuple[int, int, int]] | None = None) -> Pixels:
    """A picture with its regions in color over it, `colors` when not given, at the size pictures have in the report."""
    small = _small(picture)
    planes = resize(masks.cpu(), small.shape[:2])[0].numpy()
    shades = np.array(palette or colors(len(planes)), dtype=np.float32)
    tint: NDArray[np.float32] = np.tensordot(planes.transpose(1, 2, 0), shades, axes=1)
    mixed = 0.5 * small.astype(np.float32) + 0.5 * tint
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _small(picture: Pixels) -> Pixels:
    if picture.dtype != np.uint8:
        picture = (picture >> 8).astype(np.uint8)
    return resized(picture, limit_long_side((picture.shape[0], picture.shape[1]), LONG_SIDE))


def _jpeg(picture: Pixels) -> bytes:
    return jpeg(_small(picture))
