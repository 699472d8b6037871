"""The picture that a style is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media.synthetic import pattern
from random_networks import write_any_style, write_network

from photovst.errors import MediaError, WeightsError
from photovst.media.images import write_image
from photovst.style_pictures import read_style


def test_a_picture_and_a_network(tmp_path: Path) -> None:
    picture = pattern(3)
    write_image(tmp_path / "photo.png", picture)
    network = write_network(tmp_path / "net.safetensors", style=picture)
    assert np.array_equal(read_style(tmp_path / "photo.png"), picture)
    assert np.array_equal(read_style(network), picture)


def test_a_speck_is_refused(tmp_path: Path) -> None:
    for size in ((8, 40), (40, 15)):
        write_image(tmp_path / "photo.png", np.zeros((*size, 3), np.uint8))
        with pytest.raises(MediaError, match=f"is {size[1]}x{size[0]} pixels; the shorter side needs at least 16"):
            read_style(tmp_path / "photo.png")
    with pytest.raises(WeightsError, match="does not exist"):
        read_style(tmp_path / "absent.safetensors")


def test_a_network_of_any_style_stands_for_none(tmp_path: Path) -> None:
    network = write_any_style(tmp_path / "any.safetensors")
    with pytest.raises(WeightsError, match=r"any style.*give the photograph as style.*predicted.network=.*any"):
        read_style(network)
