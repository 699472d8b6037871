"""Pictures in a page: PNG or JPEG, and no larger than they may be."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from photovst.report.pictures import data_uri, fitted


def noise(side: int) -> bytes:
    coded = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(coded, "PNG")
    return coded.getvalue()


def test_an_address_holds_the_bytes() -> None:
    data = noise(4)
    kind, _, text = data_uri(data).partition(",")
    assert (kind, base64.b64decode(text)) == ("data:image/png;base64", data)
    assert data_uri(b"\xff\xd8\xff\xe0").startswith("data:image/jpeg;base64,")


def test_pictures_must_be_png_or_jpeg() -> None:
    with pytest.raises(ValueError, match="PNG or JPEG bytes, but these begin with b'GIF8'"):
        data_uri(b"GIF89a")


@pytest.mark.parametrize("most", [60_000, 8_000, 1_500])
def test_a_large_picture_is_made_to_fit(most: int) -> None:
    small = fitted(noise(200), most)
    assert len(small) <= most
    with Image.open(io.BytesIO(small)) as picture:
        assert picture.format == "JPEG"
        assert picture.width == picture.height > 4


def test_a_small_picture_stays_as_it_is() -> None:
    data = noise(20)
    assert fitted(data, len(data)) is data


def test_what_can_be_no_smaller_is_as_small_as_can_be() -> None:
    with Image.open(io.BytesIO(fitted(noise(50), 10))) as picture:
        assert picture.size == (1, 1)
