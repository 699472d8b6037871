"""One mask picture of each kind, against PIL's and OpenCV's own writing of it."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photovst.errors import MediaError
from photovst.guidance.color_masks import COLORS
from photovst.guidance.label_files import read_labels, shows_object
from photovst.media.label_legend import Entry, Legend
from photovst.media.label_values import write_labels

LEGEND = Legend((Entry(3, "sky", (6, 230, 230)), Entry(5, "oak", (4, 200, 3)), Entry(200, "pond", (9, 7, 230))))
IDS = np.repeat(np.repeat([[3, 5, 5], [200, 200, 5]], 20, axis=0), 20, axis=1)


def _save(path: Path, values: NDArray[np.integer], dtype: type = np.uint8) -> Path:
    Image.fromarray(np.asarray(values, dtype)).save(path)
    return path


def _stored(path: Path) -> tuple[str, NDArray[np.uint8]]:
    with Image.open(path) as picture:
        return picture.mode, np.asarray(picture)


def _shown(path: Path) -> NDArray[np.uint8]:
    """As a program that knows nothing of ids sees it."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def _names(path: Path, legend: Legend | None = None) -> NDArray[np.str_]:
    picture = read_labels(path, legend)
    return np.array(picture.names)[picture.labels]


def _expected(names: dict[int, str], ids: NDArray[np.integer] = IDS) -> NDArray[np.str_]:
    return np.vectorize(names.get)(ids)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ids_in_gray(tmp_path: Path, dtype: type) -> None:
    path = _save(tmp_path / "a.png", IDS, dtype)
    np.testing.assert_array_equal(_names(path, LEGEND), _expected({3: "sky", 5: "oak", 200: "pond"}))
    of_ade20k = _save(tmp_path / "b.png", np.where(IDS == 200, 150, np.where(IDS == 5, 0, IDS)), dtype)
    np.testing.assert_array_equal(_names(of_ade20k), _expected({3: "sky", 5: "other", 200: "flag"}))
    picture = read_labels(of_ade20k, None)
    assert (picture.names, picture.ids) == (("other", "sky", "flag"), (0, 3, 150))
    np.testing.assert_array_equal(picture.plane("sky"), IDS == 3)
    np.testing.assert_array_equal(picture.plane("sea"), np.zeros(IDS.shape))
    assert picture.plane("sky").dtype == np.float32


def test_ids_above_a_byte_with_a_legend(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", np.where(IDS == 3, 40000, 7), np.uint16)
    legend = Legend((Entry(7, "low", (0, 0, 0)), Entry(40000, "high", (1, 1, 1))))
    np.testing.assert_array_equal(_names(path, legend), np.where(IDS == 3, "high", "low"))


def test_a_palettes_indices_are_ids_whatever_its_colors(tmp_path: Path) -> None:
    picture = Image.fromarray(np.where(IDS == 200, 13, IDS).astype(np.uint8))
    picture.putpalette(np.random.default_rng(0).integers(1, 255, (256, 3), np.uint8).tobytes())
    picture.save(tmp_path / "a.png")
    assert _stored(tmp_path / "a.png")[0] == "P"
    np.testing.assert_array_equal(_names(tmp_path / "a.png"), _expected({3: "sky", 5: "tree", 200: "person"}))


def test_two_ids_of_one_name_are_one_class(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", IDS)
    legend = Legend((Entry(3, "sky", (1, 1, 1)), Entry(5, "land", (2, 2, 2)), Entry(200, "land", (3, 3, 3))))
    np.testing.assert_array_equal(read_labels(path, legend).plane("land"), IDS != 3)


def test_what_is_written_is_read_again_by_us_and_by_others(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.png", IDS, LEGEND)
    np.testing.assert_array_equal(_names(tmp_path / "a.png", LEGEND), _expected(LEGEND.names))
    mode, values = _stored(tmp_path / "a.png")
    assert mode == "P"
    np.testing.assert_array_equal(values, IDS)
    shown = _shown(tmp_path / "a.png")
    assert tuple(shown[0, 0]) == (6, 230, 230)
    assert tuple(shown[-1, 0]) == (9, 7, 230)
    write_labels(tmp_path / "b.png", IDS.astype(np.uint16), LEGEND)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_edited_by_hand_and_saved_in_color(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.png", IDS, LEGEND)
    shown = _shown(tmp_path / "a.png").copy()
    shown[:5, :50] = (9, 7, 230)  # pond over sky and oak
    shown[10, 18:22] = [(6, 220, 180), (5, 210, 120), (5, 205, 60), (4, 201, 20)]  # a soft brush between sky and oak
    expected = IDS.copy()
    expected[:5, :50] = 200
    Image.fromarray(shown).save(tmp_path / "a.png")
    found = _names(tmp_path / "a.png", LEGEND)
    np.testing.assert_array_equal(np.delete(found, 10, 0), np.delete(_expected(LEGEND.names, expected), 10, 0))
    assert set(found[10, 18:22]) == {"sky", "oak"}


def test_a_mixed_color_is_no_third_class(tmp_path: Path) -> None:
    legend = Legend(
        (Entry(1, "dark", (0, 0, 0)), Entry(2, "mean", (100, 100, 100)), Entry(3, "light", (220, 220, 220)))
    )
    shown = np.zeros((20, 40, 3), np.uint8)
    shown[:, 20:] = 220
    shown[:, 20] = 140  # nearer to the mean than to either, and the mean is not there
    Image.fromarray(shown).save(tmp_path / "a.png")
    assert set(_names(tmp_path / "a.png", legend).reshape(-1)) == {"dark", "light"}


def test_a_program_that_sorts_the_palette_anew_changes_nothing(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.png", IDS, LEGEND)
    sorted_anew = Image.fromarray(_shown(tmp_path / "a.png")).quantize(8, dither=Image.Dither.NONE)
    assert sorted_anew.mode == "P"
    assert not np.array_equal(np.asarray(sorted_anew), IDS)
    sorted_anew.save(tmp_path / "b.png")
    np.testing.assert_array_equal(_names(tmp_path / "b.png", LEGEND), _expected(LEGEND.names))


def test_nine_colors_in_color_and_in_a_palette(tmp_path: Path) -> None:
    names = {3: "blue", 5: "grey", 200: "black"}
    shown = Image.fromarray(
        np.array([COLORS[name] for name in names.values()], np.uint8)[np.searchsorted([3, 5, 200], IDS)]
    )
    shown.save(tmp_path / "a.png")
    shown.quantize(8, dither=Image.Dither.NONE).save(tmp_path / "b.png")
    for path in (tmp_path / "a.png", tmp_path / "b.png"):
        np.testing.assert_array_equal(_names(path), _expected(names))


def test_a_palette_that_begins_with_black_is_no_nine_color_picture(tmp_path: Path) -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[:2, :5] = 4
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128])
    picture.save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png", None).names == ("other", "floor")


@pytest.mark.parametrize("bits", [1, 8])
def test_an_object_in_black_and_white(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(IDS == 3).convert("1" if bits == 1 else "L").save(path)
    assert shows_object(path)
    np.testing.assert_array_equal(_names(path), np.where(IDS == 3, "object", "background"))
    assert read_labels(path, None).share is None


def test_a_frame_without_the_object_is_background(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", np.zeros((4, 5)))
    assert not shows_object(path)
    assert read_labels(path, None, objects=True).names == ("background",)
    assert read_labels(path, None).names == ("other",)


def test_an_objects_soft_border_stays_soft(tmp_path: Path) -> None:
    row = np.concatenate([np.zeros(20), [51, 102, 204], np.full(20, 255)])
    picture = read_labels(_save(tmp_path / "a.png", np.tile(row, (9, 1))), None)
    np.testing.assert_allclose(picture.plane("object"), np.tile(row / 255, (9, 1)), atol=1e-6)
    np.testing.assert_allclose(picture.plane("background"), 1 - picture.plane("object"), atol=1e-6)


@pytest.mark.parametrize("width", [3, 12])
def test_ids_with_a_white_border_are_no_object(tmp_path: Path, width: int) -> None:
    labels = np.zeros((60, 60))
    labels[10:50, 10:50] = 255
    labels[10 + width : 50 - width, 10 + width : 50 - width] = 7
    share = (labels == 7).mean()
    with pytest.raises(MediaError, match="is neither of an object nor of ids: it or one beside it holds") as caught:
        read_labels(_save(tmp_path / "a.png", labels), None)
    assert f"level 7 ({share:.2%} of its pixels) lies more than 4 pixels from a border" in str(caught.value)


def test_with_a_legend_white_is_an_id(tmp_path: Path) -> None:
    legend = Legend((Entry(0, "ground", (0, 0, 0)), Entry(255, "snow", (255, 255, 255))))
    path = _save(tmp_path / "a.png", np.where(IDS == 3, 255, 0))
    np.testing.assert_array_equal(_names(path, legend), np.where(IDS == 3, "snow", "ground"))


def test_an_id_without_a_name_is_refused(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", np.where(IDS == 200, 151, IDS))
    line = f"the mask {path} holds id 151 (33.33% of its pixels), which ADE20K has not (0 to 150); repaint it, or put a"
    with pytest.raises(MediaError, match=f"^{re.escape(line)} labels.csv with names beside it$"):
        read_labels(path, None)
    line = f"the mask {path} holds id 151 (33.33% of its pixels), which labels.csv beside it has not; add it there, or"
    with pytest.raises(MediaError, match=f"^{re.escape(line)} repaint it$"):
        read_labels(path, LEGEND)


def test_other_colors_than_the_legends_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9, 3), (200, 30, 30), np.uint8)).save(tmp_path / "a.png")
    line = r"is not painted in the colors of labels\.csv beside it: only 0% of its pixels are near one$"
    with pytest.raises(MediaError, match=line):
        read_labels(tmp_path / "a.png", LEGEND)


def test_gray_that_compression_changed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.jpg is JPEG in gray, which changes ids; save it as PNG$"):
        read_labels(_save(tmp_path / "a.jpg", IDS), None)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.png: id 4 is not in the legend; add it there$"):
        write_labels(tmp_path / "a.png", IDS + 1, LEGEND)
    with pytest.raises(MediaError, match=r"a\.png: id 300 does not fit an indexed picture; use ids from 0 to 255$"):
        write_labels(tmp_path / "a.png", np.full((3, 3), 300), Legend((Entry(300, "far", (0, 0, 0)),)))
    with pytest.raises(MediaError, match=r"a\.jpg: labels are \(H, W\) and go into a \.png, got \(40, 60\)$"):
        write_labels(tmp_path / "a.jpg", IDS, LEGEND)
    with pytest.raises(MediaError, match=r"^cannot write .*a\.png: .*; free space or choose another place$"):
        write_labels(tmp_path / "absent" / "a.png", IDS, LEGEND)
    assert list(tmp_path.iterdir()) == []
