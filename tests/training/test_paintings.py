from pathlib import Path

import numpy as np
import pytest

from photovst.errors import SettingsError
from photovst.training.array_store import ArrayStore
from photovst.training.paintings import Paintings


def test_each_is_another_and_always_the_same(tmp_path: Path) -> None:
    made = Paintings(ArrayStore(tmp_path / "a"), 3, size=(48, 64))
    again = Paintings(ArrayStore(tmp_path / "b"), 3, size=(48, 64))
    pictures = [made.read(index)[0] for index in range(3)]
    assert len(made) == 3
    assert all(picture.shape == (48, 64, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[2], again.read(2)[0])


def test_one_that_was_painted_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Paintings(ArrayStore(tmp_path), 1, size=(48, 48)).read(0)[0]
    monkeypatch.setattr("photovst.training.paintings.painting", None)
    np.testing.assert_array_equal(Paintings(ArrayStore(tmp_path), 1, size=(48, 48)).read(0)[0], first)


def test_there_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="0 paintings"):
        Paintings(ArrayStore(tmp_path), 0)
