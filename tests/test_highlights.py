"""What the report shows is gathered from the frames that pass by."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.guidance.matching import Coverage
from photovst.guidance.regions import Regions, StylePhoto, unrefined
from photovst.highlights import Highlights, colors, overlay
from photovst.progress import Progress
from photovst.settings_io import load_settings
from photovst.shown import LONG_SIDE, Shown, read_shown


class Quiet:
    """A display that shows nothing."""

    def show(self, event: dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


def _picture(shade: int, height: int = 20, width: int = 30) -> np.ndarray:
    return np.full((height, width, 3), shade, np.uint8)


def _halves(height: int, width: int) -> Tensor:
    left = torch.zeros(1, 1, height, width)
    left[..., : width // 2] = 1
    return torch.cat([left, 1 - left], dim=1)


PHOTO = torch.full((1, 3, 40, 50), 0.5)


def _regions(clip: float = 0.5, mapped_to: str = "ground") -> Regions:
    return Regions(
        ("sky", "ground"),
        (StylePhoto("photo.jpg", PHOTO, _halves(16, 24).flip(3)),),
        (0, 0),
        lambda index, frame: _halves(20, 30),
        unrefined,
        (
            Coverage("ground", 1 - clip, 0.5, mapped_to, "in both", "ground"),
            Coverage("sky", clip, 0.5, "sky", "in both", "sky"),
            Coverage("water", 0.0, 0.1, "nothing", "not in the clip", None, "photo"),
        ),
    )


def _gathered(count: int) -> Highlights:
    highlights = Highlights(count)
    highlights.begin_shot(0, _regions(), Progress(Quiet()))
    for index in range(count):
        highlights.look(index, _picture(index % 256), _picture(200), _halves(10, 15))
    return highlights


def _report(highlights: Highlights, folder: Path) -> Shown:
    """What is kept for the report."""
    settings = load_settings([], [], {"content": "a/clip.mp4", "style": "b/photo.jpg", "output": "out.mp4"})
    progress = Progress(Quiet())
    progress.warnings.append("look out")
    path = highlights.write(folder, settings, Path("out.mp4"), PHOTO, progress)
    assert path == folder / "report.html"
    shown = read_shown(folder)
    assert shown is not None
    return shown


def _decoded(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB))


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (10, [0, 3, 6, 9]), (301, [0, 100, 200, 300])],
)
def test_four_frames_are_kept_from_first_to_last(count: int, shown: list[int], tmp_path: Path) -> None:
    given = _report(_gathered(count), tmp_path)
    assert [frame.frame for frame in given.frames] == shown
    assert [photo.caption for photo in given.style_regions] == ["Regions of the photograph"]
    for index, frame in zip(shown, given.frames, strict=True):
        assert frame.content is not None
        assert frame.result is not None
        assert abs(int(_decoded(frame.content).mean()) - index % 256) <= 1
        assert abs(int(_decoded(frame.result).mean()) - 200) <= 1


def test_the_report_is_told_of_the_run(tmp_path: Path) -> None:
    given = _report(_gathered(2), tmp_path)
    assert given.title == "clip.mp4 in the light of photo.jpg"
    assert given.style is not None
    assert given.style.caption == "photo.jpg"
    assert _decoded(given.style.data).shape == (40, 50, 3)
    assert given.warnings == ("look out",)
    drawn = _decoded(given.style_regions[-1].data).mean(axis=0)  # the photograph's own regions: the other way round
    red, cyan = np.array(colors(2))
    np.testing.assert_allclose(drawn[[5, 45]], [(128 + cyan) / 2, (128 + red) / 2], atol=4)


def test_regions_are_listed_by_shot_with_their_areas(tmp_path: Path) -> None:
    highlights = _gathered(2)
    rows = _report(highlights, tmp_path).coverage
    assert [(row.name, row.clip, row.photo, row.mapped_to) for row in rows] == [
        ("ground", 0.5, 0.5, "ground"),
        ("sky", 0.5, 0.5, "sky"),
        ("water", 0.0, 0.1, "nothing"),
    ]
    red, cyan = ("#{:02x}{:02x}{:02x}".format(*color) for color in colors(2))
    assert [row.color for row in rows] == [cyan, red, None]
    highlights.begin_shot(1, _regions(0.75), Progress(Quiet()))
    rows = _report(highlights, tmp_path).coverage
    names = [*("ground", "sky", "water"), *("sky", "ground", "water")]  # the largest first
    assert [row.name for row in rows] == [
        f"{name} (from frame {first})" for name, first in zip(names, (0, 0, 0, 1, 1, 1), strict=True)
    ]
    assert [row.clip for row in rows] == [0.5, 0.5, 0.0, 0.75, 0.25, 0.0]


def test_coverage_is_written_and_told_where_the_mapping_is_new(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    progress = Progress(Quiet())
    progress.record_to(told.append)
    highlights = Highlights(3)
    for first, regions in enumerate((_regions(), _regions(0.6), _regions(0.6, "sky"))):
        highlights.begin_shot(first, regions, progress)
    assert [event["title"] for event in told] == ["regions", "regions from frame 2 on"]
    assert told[0]["rows"][0] == ["ground", "50.0%", "50.0%", "ground", "in both"]
    _report(highlights, tmp_path)
    lines = (tmp_path / "coverage.csv").read_text().splitlines()
    assert lines[0] == "first_frame,name,area_in_clip,area_in_photograph,mapped_to,region,why"
    assert lines[3] == "0,water,0.000000,0.100000,nothing,,not in the clip"
    assert len(lines) == 1 + 3 * 3


def test_the_whole_page_is_written(tmp_path: Path) -> None:
    settings = load_settings([], [], {"content": "clip.mp4", "style": "photo.jpg", "output": "out.mp4"})
    photo = torch.rand(1, 3, 40, 50)
    path = _gathered(5).write(tmp_path, settings, tmp_path / "out.mp4", photo, Progress(Quiet()))
    html = path.read_text()
    assert html.count("data:image/jpeg;base64,") == 4 * 2 + 4 + 1 + 1
    for color in colors(2):
        assert re.search("#{:02x}{:02x}{:02x}".format(*color), html)


def test_colors_are_apart_and_bright() -> None:
    for count in range(1, 10):
        palette = np.array(colors(count))
        assert palette.shape == (count, 3)
        assert (palette.max(axis=1) == 242).all()
        if count > 1:
            distances = np.linalg.norm(palette[:, None] - palette[None], axis=2)
            assert distances[~np.eye(count, dtype=bool)].min() > 50


def test_an_overlay_is_half_picture_half_region() -> None:
    drawn = overlay(_picture(100), _halves(20, 30))
    red, cyan = np.array(colors(2))
    np.testing.assert_allclose(drawn[:, :15], np.broadcast_to((100 + red) / 2, (20, 15, 3)), atol=1)
    np.testing.assert_allclose(drawn[:, 15:], np.broadcast_to((100 + cyan) / 2, (20, 15, 3)), atol=1)
    soft = overlay(_picture(0), torch.full((1, 2, 20, 30), 0.5))
    np.testing.assert_allclose(soft, np.broadcast_to((red + cyan) / 4, (20, 30, 3)), atol=1)


def test_masks_of_another_size_and_16_bits_are_brought_to_the_picture() -> None:
    drawn = overlay(_picture(100), _halves(10, 16))
    np.testing.assert_array_equal(drawn[:, :14], overlay(_picture(100), _halves(20, 30))[:, :14])
    deep = _picture(100).astype(np.uint16) * 257
    np.testing.assert_array_equal(overlay(deep, _halves(20, 30)), overlay(_picture(100), _halves(20, 30)))


def test_large_pictures_are_shown_small() -> None:
    drawn = overlay(_picture(100, 500, 1280), _halves(20, 30))
    assert drawn.shape == (250, LONG_SIDE, 3)
    assert drawn.dtype == np.uint8
