from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photovst.errors import MediaError
from photovst.guidance.color_masks import COLORS
from photovst.guidance.label_masks import LabelMasks
from photovst.media.label_legend import Entry, Legend, write_legend


def _columns(path: Path, *ids: int) -> Path:
    """Columns of ids in gray, each ten pixels wide."""
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.repeat(np.array([ids], np.uint8), 10, axis=1).repeat(20, axis=0)).save(path)
    return path


def test_one_order_of_classes_for_clip_and_photograph(tmp_path: Path) -> None:
    _columns(tmp_path / "clip" / "0.png", 22, 3)
    _columns(tmp_path / "clip" / "1.png", 3, 5)
    masks = LabelMasks.open(tmp_path / "clip", _columns(tmp_path / "photo.png", 3, 1, 5))
    assert masks.classes == ("sky", "tree", "water", "wall")
    expected = torch.zeros(1, 4, 20, 20)
    expected[:, 2, :, :10] = 1
    expected[:, 0, :, 10:] = 1
    assert torch.equal(masks.frame(0, (20, 20)), expected)
    assert torch.equal(masks.frame(1, (20, 20))[0, :, 0, ::10], torch.tensor([[1.0, 0], [0, 1], [0, 0], [0, 0]]))
    assert torch.equal(masks.photo()[0, :, 0, ::10], torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]))
    torch.testing.assert_close(masks.frame(0, (7, 33)).sum(dim=1), torch.ones(1, 7, 33))
    with pytest.raises(MediaError, match=r"^there are 2 masks but the clip has a frame 2; give one a frame, or one"):
        masks.frame(2, (20, 20))


def test_each_side_has_the_legend_of_its_own_folder(tmp_path: Path) -> None:
    content, style = _columns(tmp_path / "clip" / "a.png", 1, 2), _columns(tmp_path / "photo" / "a.png", 1, 2)
    write_legend(content.parent, Legend((Entry(1, "oak", (1, 1, 1)), Entry(2, "moon", (2, 2, 2)))))
    write_legend(style.parent, Legend((Entry(1, "moon", (1, 1, 1)), Entry(2, "lake", (2, 2, 2)))))
    masks = LabelMasks.open(content, style)
    assert masks.classes == ("oak", "moon", "lake")
    assert torch.equal(masks.photo()[0, :, 0, ::10], torch.tensor([[0.0, 0], [1, 0], [0, 1]]))
    assert torch.equal(masks.frame(99, (20, 20))[0, :, 0, ::10], torch.tensor([[1.0, 0], [0, 1], [0, 0]]))


def test_without_a_mask_the_photograph_is_whole(tmp_path: Path) -> None:
    masks = LabelMasks.open(_columns(tmp_path / "a" / "a.png", 3, 5), None)
    assert masks.classes == ("sky", "tree")
    assert masks.photo() is None
    assert masks.check_sizes((20, 20), (1, 1)) == []


def test_a_clip_of_an_object_that_leaves(tmp_path: Path) -> None:
    for index, columns in enumerate([(0, 0), (0, 255), (0, 0)]):
        _columns(tmp_path / "masks" / f"{index:05d}.png", *columns)
    masks = LabelMasks.open(tmp_path / "masks", None)
    assert masks.classes == ("background", "object")
    assert masks.frame(0, (20, 20))[:, 0].min() == 1
    assert torch.equal(masks.frame(1, (20, 20))[0, :, 0, ::10], torch.eye(2))
    _columns(tmp_path / "masks" / "00003.png", 0, 100)
    with pytest.raises(MediaError, match=r"00003\.png is neither of an object nor of ids: it or one beside it"):
        LabelMasks.open(tmp_path / "masks", None)


def test_sizes_of_clip_and_photograph(tmp_path: Path) -> None:
    masks = LabelMasks.open(_columns(tmp_path / "clip.png", 3, 5), _columns(tmp_path / "photo.png", 3))
    assert len(masks.check_sizes((21, 20), (20, 11))) == 2
    with pytest.raises(MediaError, match=r"photo\.png is 10x20, but its picture 10x40; give one of the picture's size"):
        masks.check_sizes((20, 20), (40, 10))


def test_a_folder_is_no_mask_of_a_photograph(tmp_path: Path) -> None:
    path = _columns(tmp_path / "clip.png", 3, 5)
    with pytest.raises(MediaError, match=r"^the photograph's mask .* is a folder; give one picture$"):
        LabelMasks.open(path, tmp_path)


@pytest.mark.parametrize("pair", ["05", "11"])
def test_published_nine_color_masks(shared: Path, pair: str) -> None:
    folder = shared / "data" / "luan_pairs" / pair
    masks = LabelMasks.open(folder / "content_mask.png", folder / "style_mask.png")
    assert 2 <= len(masks.classes) <= 9
    assert set(masks.classes) <= set(COLORS)
    for planes in (masks.frame(0, (60, 90)), masks.photo()):
        torch.testing.assert_close(planes.sum(dim=1), torch.ones_like(planes[:, 0]))


def test_published_object_masks(shared: Path) -> None:
    masks = LabelMasks.open(shared / "data" / "davis" / "car-shadow" / "object_masks", None)
    assert masks.classes == ("background", "object")
    assert len(masks.content.files) == 40
    with Image.open(masks.content.files[7]) as picture:
        truth = np.asarray(picture) == 255
    assert masks.frame(7, truth.shape)[0, 1].mean().item() == pytest.approx(truth.mean())
    assert masks.check_sizes((480, 854), (1, 1)) == []


@pytest.mark.parametrize("clip", ["horsejump-high", "kite-surf", "motocross-jump"])
def test_each_clips_first_and_last_object_mask(shared: Path, clip: str) -> None:
    files = sorted((shared / "data" / "davis" / clip / "object_masks").iterdir())
    for file in (files[0], files[-1]):
        assert LabelMasks.open(file, None).classes == ("background", "object")


def test_published_annotations(shared: Path) -> None:
    folder = shared / "data" / "ade20k_samples" / "annotations"
    masks = LabelMasks.open(folder / "ADE_val_00000001.png", folder / "ADE_val_00000002.png")
    assert masks.classes == ("other", "wall", "building", "sky", "tree", "road", "grass", "plant", "earth")
    with Image.open(folder / "ADE_val_00000001.png") as picture:
        truth = np.asarray(picture)
    areas = masks.frame(0, truth.shape)[0].mean(dim=(1, 2)).tolist()
    assert areas == pytest.approx([(truth == number).mean() for number in (0, 1, 2, 3, 5, 7, 10, 18, 14)])
