"""The contact sheet and the plots of a comparison, drawn by matplotlib without its global state."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from photovst.judges.figures import ClipFigures, spread
from photovst.media.clip import open_clip
from photovst.media.records import Picture, as_depth
from photovst.media.tensors import resized
from photovst.types import Size

COLUMNS = 5
"""Frames of each clip on the contact sheet."""

CELL = 300
"""Width of a picture on the contact sheet, in pixels."""

CROP = 4
"""A crop is so many times smaller than the frame, along each side."""

GAP, LABEL, LABEL_LETTERS, HEADING, DPI = 6, 150, 16, 26, 100
PANELS = (
    "sharpness (variance of the Laplacian of luma)",
    *(f"mean {channel}, less that of frame 0" for channel in ("red", "green", "blue")),
)


def contact_sheet(clips: Mapping[str, str], photo: Picture, count: int) -> Picture:
    """A row a clip: frames spread over it, and an enlarged crop of the first and the last; the photograph above.

    Args:
        clips: path by name; the first is the input, which says where the crop is: where it has most detail.
        photo: the photograph.
        count: frames in each clip.

    Raises:
        MediaError: a clip cannot be read.
    """
    chosen = spread(count, COLUMNS)
    frames = {name: frames_at(path, chosen) for name, path in clips.items()}
    first = next(iter(frames.values()))
    cell = (max(1, round(CELL * first[0].shape[0] / first[0].shape[1])), CELL)
    top, left = busiest(first[len(first) // 2])
    rows = {}
    for name, shown in frames.items():
        crops = [_crop(frame, top, left) for frame in (shown[0], shown[-1])]
        rows[name] = [resized(picture, cell) for picture in (*shown, *crops)]
    headings = [f"frame {index}" for index in chosen]
    headings += [f"frame {index}, {CROP}x" for index in (chosen[0], chosen[-1])]
    # The photograph fills a cell as far as its shape allows.
    height, width = photo.shape[:2]
    scale = min(cell[0] / height, cell[1] / width)
    small = resized(as_depth(photo, np.uint8), (max(1, round(height * scale)), max(1, round(width * scale))))
    return _drawn(rows, headings, small, cell)


def frames_at(path: str, indices: Sequence[int]) -> list[Picture]:
    """Those frames of a clip, in 8 bits."""
    wanted = frozenset(indices)
    return [as_depth(frame.image, np.uint8) for frame in open_clip(path) if frame.index in wanted]


def busiest(picture: Picture) -> tuple[float, float]:
    """Top and left, as shares of the sides, of the crop whose luma has the most variance of its Laplacian."""
    edges = cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    steps = [place / (2 * CROP) for place in range(2 * CROP - 1)]
    return max(((top, left) for top in steps for left in steps), key=lambda at: float(_crop(edges, *at).var()))


def _crop(picture: Picture, top: float, left: float) -> Picture:
    height, width = picture.shape[:2]
    y, x = int(top * height), int(left * width)
    return picture[y : y + max(1, height // CROP), x : x + max(1, width // CROP)]


def _drawn(rows: Mapping[str, Sequence[Picture]], headings: Sequence[str], photo: Picture, cell: Size) -> Picture:
    """All of it on white; pictures are put down pixel by pixel, never resampled."""
    begin = 2 * GAP + photo.shape[0] + HEADING
    width = LABEL + len(headings) * (cell[1] + GAP)
    height = begin + len(rows) * (cell[0] + GAP)
    sheet = np.full((height, width, 3), 255, np.uint8)
    sheet[GAP : GAP + photo.shape[0], LABEL : LABEL + photo.shape[1]] = photo
    for r, pictures in enumerate(rows.values()):
        for c, picture in enumerate(pictures):
            y, x = begin + r * (cell[0] + GAP), LABEL + c * (cell[1] + GAP)
            sheet[y : y + cell[0], x : x + cell[1]] = picture
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    figure.figimage(sheet, 0, 0, origin="upper")

    def write(x: float, y: float, text: str, across: str) -> None:
        figure.text(x / width, 1 - y / height, text, ha=across, va="center", fontsize=10, parse_math=False)

    write(LABEL - 8, GAP + photo.shape[0] / 2, "photograph", "right")
    for c, heading in enumerate(headings):
        write(LABEL + c * (cell[1] + GAP) + cell[1] / 2, begin - HEADING / 2, heading, "center")
    for r, name in enumerate(rows):
        wrapped = "\n".join(textwrap.wrap(name, LABEL_LETTERS)) or name
        write(LABEL - 8, begin + r * (cell[0] + GAP) + cell[0] / 2, wrapped, "right")
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn: Picture = np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
    return drawn


def plots(figures: Mapping[str, ClipFigures]) -> bytes:
    """Sharpness of each frame, and how far its mean color went from the first frame's, as a PNG.

    A line a clip, the first of them, the input, in black. Departures of color have one scale, so that what drifts or
    flickers is seen as what it is beside the rest.
    """
    figure = Figure(figsize=(11, 6.5), dpi=DPI, layout="constrained")
    axes = list(figure.subplots(2, 2, sharex=True).flat)
    for channel, axis in enumerate(axes):
        axis.set_title(PANELS[channel], fontsize=10)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes[2:]:
        axis.set_xlabel("frame")
        axis.sharey(axes[1])
    for (name, clip), color in zip(figures.items(), _colors(len(figures)), strict=True):
        colors = np.array(clip.color)
        lines = [clip.sharpness, *(colors - colors[0]).T]
        for axis, values in zip(axes, lines, strict=True):
            # A single frame has no line to be drawn.
            axis.plot(values, label=_label(name), color=color, linewidth=1.6, marker="o" if clip.frames == 1 else "")
    axes[0].set_ylim(bottom=0)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False)
    buffer = io.BytesIO()
    # Without the program's name and version: the same figures give the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _colors(count: int) -> list[tuple[float, ...]]:
    """Black for the input, then a color a member: ten that are told apart easily, or as many as it takes."""
    members = count - 1
    few = colormaps["tab10"]
    colors = [few(k) for k in range(members)] if members <= 10 else colormaps["turbo"](np.linspace(0, 1, members))
    return [(0.0, 0.0, 0.0, 1.0), *map(tuple, colors)]


def _label(name: str) -> str:
    """A name as a label: matplotlib leaves out those that begin with '_' and reads '$' as mathematics."""
    text = name.replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text
