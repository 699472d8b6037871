from pathlib import Path

import pytest

from photovst.datasets import davis
from photovst.errors import MediaError
from photovst.media.clip import open_clip

from .trees import touch


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The published layout: bear with all masks, a test clip with one, and a clip without."""
    for name, masks in (("bear", 3), ("aerobatics", 1), ("surf", 0)):
        touch(*(tmp_path / "JPEGImages" / "480p" / name / f"{n:05d}.jpg" for n in range(3)))
        touch(*(tmp_path / "Annotations" / "480p" / name / f"{n:05d}.png" for n in range(masks)))
    touch(tmp_path / "JPEGImages" / "480p" / ".DS_Store", tmp_path / "JPEGImages" / "Full-Resolution" / "x" / "y")
    sets = tmp_path / "ImageSets"
    touch(sets / "2017" / "train.txt", sets / "480p" / "train.txt")
    (sets / "2017" / "train.txt").write_text("surf\nbear\n\n")
    lines = (f"/JPEGImages/480p/bear/{n:05d}.jpg /Annotations/480p/bear/{n:05d}.png\n" for n in range(3))
    (sets / "480p" / "train.txt").write_text("".join(lines))
    return tmp_path


def test_the_published_layout(root: Path) -> None:
    found = davis.find(root)
    assert [each.name for each in found] == ["aerobatics", "bear", "surf"]
    assert [each.note for each in found] == ["masks for 1 of 3 frames", "", "masks for 0 of 3 frames"]
    assert found[1].frames == root / "JPEGImages" / "480p" / "bear"
    assert [each.masks for each in found] == [
        root / "Annotations" / "480p" / "aerobatics",
        root / "Annotations" / "480p" / "bear",
        None,
    ]


def test_image_sets_of_both_years(root: Path) -> None:
    assert [each.name for each in davis.find(root, image_set="2017/train")] == ["surf", "bear"]
    assert [each.name for each in davis.find(root, image_set="480p/train")] == ["bear"]


def test_a_folder_a_clip(shared: Path) -> None:
    found = davis.find(shared / "data" / "davis")
    assert [each.name for each in found] == ["car-shadow", "horsejump-high", "kite-surf", "motocross-jump"]
    assert {each.note for each in found} == {""}
    assert all(each.masks is not None and len(list(each.masks.iterdir())) >= 40 for each in found)
    assert open_clip(found[0].frames).info.size == (480, 854)


def test_errors(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(MediaError, match=r"is not laid out as DAVIS: neither JPEGImages/480p/NAME/00000\.jpg, or"):
        davis.find(empty)
    with pytest.raises(MediaError, match=r"is no folder; give that of DAVIS"):
        davis.find(empty / "none")
    with pytest.raises(MediaError, match=r"JPEGImages has no folder tiny; choose one of: 480p, Full-Resolution$"):
        davis.find(root, "tiny")
    with pytest.raises(MediaError, match=r"cannot read .*2017/vall\.txt: No such file or directory; image sets"):
        davis.find(root, image_set="2017/vall")
    (root / "ImageSets" / "2017" / "train.txt").write_text("bear\ndog\n")
    with pytest.raises(MediaError, match=r"train\.txt names the clip dog, whose frames are not there; unpack DAVIS"):
        davis.find(root, image_set="2017/train")
    (root / "ImageSets" / "2017" / "train.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MediaError, match=r"train\.txt is not a text file"):
        davis.find(root, image_set="2017/train")
    touch(root / "JPEGImages" / "480p" / "bear" / "00001.png")
    with pytest.raises(MediaError, match=r"00001\.jpg and 00001\.png have the same number; remove one of them$"):
        davis.find(root)
    (root / "JPEGImages" / "480p" / "bear" / "00001.png").unlink()
    (root / "JPEGImages" / "480p" / "bear" / "00001.jpg").unlink()
    with pytest.raises(MediaError, match=r"bear lacks the frame after 00000\.jpg; unpack DAVIS again$"):
        davis.find(root)
