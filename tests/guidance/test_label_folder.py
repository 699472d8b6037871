from pathlib import Path

import pytest

from photovst.errors import MediaError
from photovst.guidance.label_folder import mask_pictures


def _folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def _names(folder: Path) -> list[str]:
    return [file.name for file in mask_pictures(folder)]


def test_natural_order_and_pictures_only(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "m10.png", "m9.png", "m8.png", "labels.csv", ".m1.png", "notes.txt")
    assert _names(folder) == ["m8.png", "m9.png", "m10.png"]


@pytest.mark.parametrize(
    "names", [("00006.png",), ("a2_7.png", "a2_8.jpg"), ("sky1.png", "tree9.png"), ("a.png", "b2.png")]
)
def test_numbers_that_follow_each_other_or_that_do_not_count(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert _names(_folder(tmp_path, *names)) == list(names)


def test_the_first_number_left_out_is_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "00005.png", "00006.png", "00008.png", "00011.png")
    with pytest.raises(MediaError, match=r"^the mask folder .* lacks 00007\.png: 00008\.png follows 00006\.png; give"):
        mask_pictures(folder)


def test_other_text_around_numbers(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "shot2_9_mask.png", "shot2_12_mask.png")
    with pytest.raises(MediaError, match=r"lacks shot2_10_mask\.png: shot2_12_mask\.png follows shot2_9_mask\.png"):
        mask_pictures(folder)


@pytest.mark.parametrize("names", [("m1.png", "m1.jpg"), ("m1.png", "m01.png")])
def test_two_masks_of_one_number_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(MediaError, match=r"m0?1\.\w+ and m0?1\.\w+ are both number 1; keep one mask a frame$"):
        mask_pictures(_folder(tmp_path, *names))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"^the mask folder .* holds no pictures; put one a frame there$"):
        mask_pictures(_folder(tmp_path, "labels.csv"))
