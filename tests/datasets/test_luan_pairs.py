from pathlib import Path

import pytest

from photovst.datasets.luan_pairs import choose_pairs, find_pairs
from photovst.errors import MediaError, SettingsError


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _repository(folder: Path, *numbers: int) -> None:
    for n in numbers:
        _touch(folder / "input" / f"in{n}.png", folder / "style" / f"tar{n}.png")
        _touch(folder / "segmentation" / f"in{n}.png", folder / "segmentation" / f"tar{n}.png")


def _folders(folder: Path, *numbers: int) -> None:
    for n in numbers:
        names = ("content", "style", "content_mask", "style_mask", "luan_result")
        _touch(*(folder / f"{n:02d}" / f"{name}.png" for name in names))


def test_the_repositorys_layout_by_number(tmp_path: Path) -> None:
    _repository(tmp_path, 10, 2, 1)
    _touch(tmp_path / "final_results" / "best2_t_1000.png", tmp_path / "input" / "notes.png")
    pairs = find_pairs(tmp_path)
    assert [pair.number for pair in pairs] == [1, 2, 10]
    assert pairs[0].name == "01"
    assert [pair.published for pair in pairs] == [None, tmp_path / "final_results" / "best2_t_1000.png", None]
    assert pairs[2].style_mask == tmp_path / "segmentation" / "tar10.png"


def test_a_folder_a_pair(tmp_path: Path) -> None:
    _folders(tmp_path, 5, 11)
    _touch(tmp_path / "notes" / "content.png")
    pairs = find_pairs(tmp_path)
    assert [pair.number for pair in pairs] == [5, 11]
    assert pairs[0].content == tmp_path / "05" / "content.png"
    assert pairs[0].published == tmp_path / "05" / "luan_result.png"


def test_pairs_are_chosen_by_number(tmp_path: Path) -> None:
    _folders(tmp_path, 2, 5, 11)
    pairs = find_pairs(tmp_path)
    for wanted, numbers in (("all", [2, 5, 11]), ("5", [5]), ("05", [5]), (" 11, 2", [2, 11])):
        assert [pair.number for pair in choose_pairs(pairs, wanted)] == numbers
    for wanted, message in (
        ("7", r"^pair=7: there is no pair 7; there are 2, 5, 11$"),
        ("5,8", r"^pair=5,8: there is no pair 8"),
        ("five", r"^pair=five is no pair; give a number, numbers with commas, or all$"),
        ("5,", r"^pair=5, is no pair"),
    ):
        with pytest.raises(SettingsError, match=message):
            choose_pairs(pairs, wanted)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"none is no folder; give the 'examples' of the published repository$"):
        find_pairs(tmp_path / "none")
    with pytest.raises(MediaError, match=r"holds no pairs, neither input/inN\.png with .* nor N/content\.png with"):
        find_pairs(tmp_path)
    _repository(tmp_path, 3)
    (tmp_path / "segmentation" / "tar3.png").unlink()
    with pytest.raises(MediaError, match=r"^pair 3 of .* lacks segmentation/tar3\.png; add it$"):
        find_pairs(tmp_path)
