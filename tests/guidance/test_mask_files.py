from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from photovst.errors import MediaError
from photovst.guidance.color_masks import COLORS
from photovst.guidance.label_files import clean
from photovst.guidance.mask_files import MaskFiles
from photovst.media.images import write_image
from photovst.media.scenes import Look, photograph


def _paint(path: Path, columns: Sequence[str], dtype: type = np.uint8) -> Path:
    """Columns of colors, each ten pixels wide."""
    row = np.repeat([COLORS[name] for name in columns], 10, axis=0)
    picture = np.broadcast_to(row, (20, *row.shape)).astype(np.uint8)
    write_image(path, picture.astype(np.uint16) << 8 if dtype is np.uint16 else np.ascontiguousarray(picture))
    return path


def test_one_picture_serves_every_frame(tmp_path: Path) -> None:
    content = _paint(tmp_path / "clip.png", ["blue", "green", "green"])
    style = _paint(tmp_path / "photo.png", ["green", "blue"])
    files = MaskFiles.open(content, style)
    assert files.names == ("blue", "green")
    assert files.orphans == ()
    masks = files.masks(0, (20, 30))
    assert masks.shape == (1, 2, 20, 30)
    assert (masks[0, 0, :, :10] == 1).all()
    assert (masks[0, 1, :, 10:] == 1).all()
    assert torch.equal(masks.sum(dim=1), torch.ones(1, 20, 30))
    assert torch.equal(files.masks(12345, (20, 30)), masks)
    assert files.photo_masks.shape == (1, 2, 20, 20)
    assert (files.photo_masks[0, 1, :, :10] == 1).all()


@pytest.mark.parametrize("size", [(7, 11), (20, 30), (33, 64)])
def test_masks_sum_to_one_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    path = _paint(tmp_path / "a.png", ["red", "white", "purple"])
    masks = MaskFiles.open(path, path).masks(0, size)
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(1, *size))


def test_one_a_frame_in_the_order_of_a_clips_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    for index in range(12):
        _paint(folder / f"mask{index}.png", ["blue"] * index + ["green"] * (12 - index))
    (folder / "notes.txt").write_text("painted by hand")
    (folder / ".hidden.png").write_bytes(b"")
    files = MaskFiles.open(folder, _paint(tmp_path / "photo.png", ["blue", "green"]))
    for index in range(12):  # 2 before 10
        assert files.masks(index, (20, 120))[0, 0].mean().item() == pytest.approx(index / 12)
    with pytest.raises(MediaError, match="there are 12 masks but the clip has a frame 12; give one a frame, or one"):
        files.masks(12, (20, 120))


def test_a_region_the_photograph_lacks_takes_the_whole_of_it(tmp_path: Path) -> None:
    content = _paint(tmp_path / "clip.png", ["blue", "red", "yellow"])
    files = MaskFiles.open(content, _paint(tmp_path / "photo.png", ["blue", "green"]))
    assert files.names == ("blue", "red", "yellow")
    assert files.orphans == ("red", "yellow")
    assert torch.equal(files.photo_masks[0, 1:], torch.ones(2, 20, 20))
    assert files.photo_masks[0, 0].mean() == 0.5


def test_as_published_such_a_region_has_no_look(tmp_path: Path) -> None:
    content = _paint(tmp_path / "clip.png", ["blue", "red"])
    files = MaskFiles.open(content, _paint(tmp_path / "photo.png", ["blue", "green"]), orphans_take_all=False)
    assert files.orphans == ("red",)
    assert torch.equal(files.photo_masks[0, 1], torch.zeros(20, 20))


def test_masks_have_the_size_of_their_pictures(tmp_path: Path) -> None:
    content, style = _paint(tmp_path / "clip.png", ["blue", "red"]), _paint(tmp_path / "photo.png", ["blue"])
    files = MaskFiles.open(content, style)
    assert files.check_sizes((20, 20), (20, 10)) == []
    notices = files.check_sizes((21, 20), (20, 9))
    assert [notice.split("png is ")[1] for notice in notices] == [
        "20x20, but its picture 20x21; it is resized",
        "10x20, but its picture 9x20; it is resized",
    ]
    with pytest.raises(MediaError, match=r"^the mask .*clip\.png is 20x20, but its picture 40x30; give one of the pic"):
        files.check_sizes((30, 40), (20, 10))
    with pytest.raises(MediaError, match=r"^the mask .*photo\.png is 10x20, but its picture 10x22; give one"):
        files.check_sizes((20, 20), (22, 10))


def test_a_region_only_the_photograph_has_is_left_out(tmp_path: Path) -> None:
    content = _paint(tmp_path / "clip.png", ["blue"])
    files = MaskFiles.open(content, _paint(tmp_path / "photo.png", ["blue", "green"]))
    assert files.names == ("blue",)
    assert files.orphans == ()


def test_specks_join_their_surroundings(tmp_path: Path) -> None:
    labels = np.zeros((40, 40), np.int64)
    labels[:, 20:] = 1
    labels[10, 10:13] = 5  # 3 of 1600 pixels
    labels[30:36, 30:36] = 7  # 36, above one in a hundred
    cleaned = clean(labels)
    assert set(np.unique(cleaned)) == {0, 1, 7}
    assert (cleaned[:, :20] == 0).all()
    np.testing.assert_array_equal(cleaned[:, 20:], labels[:, 20:])


def test_sixteen_bits_and_jpeg_are_read_too(tmp_path: Path) -> None:
    style = _paint(tmp_path / "photo.jpg", ["blue", "green"])
    deep = _paint(tmp_path / "deep.png", ["grey", "blue"], np.uint16)
    files = MaskFiles.open(deep, style)
    assert files.names == ("blue", "grey")
    assert files.orphans == ("grey",)
    assert files.photo_masks[0, 0].mean().item() == pytest.approx(0.5, abs=0.05)


def test_a_photograph_is_no_mask(tmp_path: Path) -> None:
    good = _paint(tmp_path / "a.png", ["blue"])
    write_image(tmp_path / "photo.png", photograph(Look.day, 1, (40, 60)))
    with pytest.raises(
        MediaError, match=r"photo\.png is not painted in the nine colors \(blue, green, .*: only \d+% of"
    ):
        MaskFiles.open(good, tmp_path / "photo.png")
    with pytest.raises(MediaError, match="not painted in the nine colors"):
        MaskFiles.open(tmp_path / "photo.png", good)


def test_errors(tmp_path: Path) -> None:
    good = _paint(tmp_path / "a.png", ["blue"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MediaError, match=r"the mask folder .*empty holds no pictures; put one a frame there"):
        MaskFiles.open(empty, good)
    (empty / "notes.txt").write_text("nothing")
    with pytest.raises(MediaError, match="holds no pictures"):
        MaskFiles.open(empty, good)
    with pytest.raises(MediaError, match=r"none\.png does not exist"):
        MaskFiles.open(tmp_path / "none.png", good)
    with pytest.raises(MediaError, match=r"notes\.txt is not a picture"):
        MaskFiles.open(good, empty / "notes.txt")
