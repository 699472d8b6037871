from pathlib import Path

import numpy as np
import pytest

from photovst.datasets import flying_chairs
from photovst.errors import MediaError
from photovst.media.images import read_image

from .trees import touch


def _tree(root: Path, *numbers: int) -> None:
    for n in numbers:
        touch(*(root / "data" / f"{n:05d}_{part}" for part in ("img1.ppm", "img2.ppm", "flow.flo")))


def test_pairs_by_number_and_split(tmp_path: Path) -> None:
    _tree(tmp_path, 1, 2, 4)
    touch(tmp_path / "data" / "README.txt")
    found = flying_chairs.find(tmp_path)
    assert [each.name for each in found] == ["00001", "00002", "00004"]
    data = tmp_path / "data"
    last = found[2]
    assert (last.first, last.second) == (data / "00004_img1.ppm", data / "00004_img2.ppm")
    assert (last.flow, last.flow_back, last.occlusion) == (data / "00004_flow.flo", None, None)
    # Line n is of pair n, also where some pairs are not there.
    (tmp_path / "FlyingChairs_train_val.txt").write_text("1\n2\n2\n1\n1\n")
    assert [each.name for each in flying_chairs.find(tmp_path, "training")] == ["00001", "00004"]
    assert [each.name for each in flying_chairs.find(tmp_path, "validation")] == ["00002"]


def test_its_pictures_can_be_read(tmp_path: Path) -> None:
    _tree(tmp_path, 1)
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    (tmp_path / "data" / "00001_img1.ppm").write_bytes(b"P6\n4 3\n255\n" + pixels.tobytes())
    np.testing.assert_array_equal(read_image(flying_chairs.find(tmp_path)[0].first), pixels)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"is not laid out as FlyingChairs: data/00001_img1\.ppm, .* was looked for"):
        flying_chairs.find(tmp_path)
    _tree(tmp_path, 1, 2)
    with pytest.raises(MediaError, match=r"cannot read .*FlyingChairs_train_val\.txt: No such file or directory; it"):
        flying_chairs.find(tmp_path, "training")
    split = tmp_path / "FlyingChairs_train_val.txt"
    split.write_text("1\n")
    with pytest.raises(MediaError, match=r"tells of 1 pairs but there are pairs up to 2; get it again$"):
        flying_chairs.find(tmp_path, "training")
    split.write_text("1\n<html>\n")
    with pytest.raises(MediaError, match=r"says '<html>' of pair 2; 1 is training, 2 validation"):
        flying_chairs.find(tmp_path, "training")
    (tmp_path / "data" / "00002_flow.flo").unlink()
    with pytest.raises(MediaError, match=r"^pair 2 of FlyingChairs lacks .*data/00002_flow\.flo; unpack it again$"):
        flying_chairs.find(tmp_path)
