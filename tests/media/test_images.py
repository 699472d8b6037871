from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photovst.errors import MediaError
from photovst.media.images import picture_size, read_image, read_picture, write_image

from .synthetic import pattern


def png(pixels: np.ndarray, kind: int) -> bytes:
    """A PNG written by hand, from the specification; ``kind`` is its color type."""
    height, width = pixels.shape[:2]
    depth = 8 * pixels.dtype.itemsize
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw)),
        (b"IEND", b""),
    ]
    coded = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(coded)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The same JPEG with an EXIF orientation."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_png_of_every_kind_is_read_exactly(tmp_path: Path, dtype: type, kind: int, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (20, 31, channels), dtype=dtype)
    (tmp_path / "a.png").write_bytes(png(pixels, kind))
    image, alpha = read_picture(tmp_path / "a.png")
    colors = pixels[..., :3] if channels > 2 else np.repeat(pixels[..., :1], 3, 2)
    np.testing.assert_array_equal(image, colors)
    assert image.dtype == dtype
    if channels in (2, 4):
        np.testing.assert_array_equal(alpha, pixels[..., -1])
    else:
        assert alpha is None
    assert picture_size(tmp_path / "a.png") == (20, 31)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
def test_png_survives_writing(tmp_path: Path, dtype: type, alpha: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (20, 31, 4), dtype=dtype)
    write_image(tmp_path / "a.png", pixels[..., :3], pixels[..., 3] if alpha else None)
    image, kept = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(image, pixels[..., :3])
    if alpha:
        np.testing.assert_array_equal(kept, pixels[..., 3])
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (4, lambda x: x[::-1]),
        (5, lambda x: x.transpose(1, 0, 2)),
        (6, lambda x: np.rot90(x, -1)),
        (7, lambda x: x.transpose(1, 0, 2)[::-1, ::-1]),
        (8, lambda x: np.rot90(x)),
    ],
)
def test_exif_orientation_is_applied(
    tmp_path: Path, orientation: int, turn: Callable[[np.ndarray], np.ndarray]
) -> None:
    path = tmp_path / "a.jpg"
    write_image(path, pattern(0))
    assert picture_size(path) == (64, 96)
    plain = read_image(path)
    path.write_bytes(with_orientation(path.read_bytes(), orientation))
    np.testing.assert_array_equal(read_image(path), turn(plain))
    assert picture_size(path) == turn(plain).shape[:2]


def test_a_jpeg_for_print_is_read_in_rgb(tmp_path: Path) -> None:
    ramp = np.indices((32, 48)).sum(axis=0)[..., None] * np.array([3, 2, 1])
    Image.fromarray(ramp.astype(np.uint8)).convert("CMYK").save(tmp_path / "print.jpg", quality=98)
    picture = read_image(tmp_path / "print.jpg")
    assert picture.shape == (32, 48, 3)
    np.testing.assert_allclose(picture, ramp, atol=3)


def test_jpeg_is_close_and_has_8_bits(tmp_path: Path) -> None:
    deep = pattern(0).astype(np.uint16) * 257
    write_image(tmp_path / "a.jpg", deep)
    image = read_image(tmp_path / "a.jpg")
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - pattern(0)).mean() < 1.5


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("none.png", None, r"none\.png does not exist"),
        ("empty.png", b"", r"is empty \(0 bytes\)"),
        ("text.png", b"once upon a time", "is not a picture that can be read"),
        ("text.jpg", b"\xff\xd8\xff once upon a time", "is cut off"),
        ("cut.png", png(pattern(0), 2)[:900], "is cut off"),
        ("folder.png", "mkdir", "cannot be read"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, name: str, data: bytes | str | None, match: str) -> None:
    if isinstance(data, bytes):
        (tmp_path / name).write_bytes(data)
    elif data == "mkdir":
        (tmp_path / name).mkdir()
    with pytest.raises(MediaError, match=match) as caught:
        read_image(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_cut_off_jpeg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    write_image(path, pattern(0))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(MediaError, match="is cut off: the picture's end is missing"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "image", "alpha", "match"),
    [
        (
            "a.gif",
            pattern(0),
            None,
            r"cannot write a picture with suffix '\.gif'; use one of \.png, \.jpg, \.jpeg",
        ),
        ("a.png", pattern(0) / 255, None, r"\(H, W, 3\) uint8 or uint16, got \(64, 96, 3\) float64"),
        ("a.png", pattern(0)[..., 0], None, r"got \(64, 96\) uint8"),
        ("a.jpg", pattern(0), pattern(0)[..., 0], "JPEG holds no alpha"),
        ("none/a.png", pattern(0), None, "No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, name: str, image: np.ndarray, alpha: np.ndarray | None, match: str
) -> None:
    with pytest.raises(MediaError, match=match):
        write_image(tmp_path / name, image, alpha)
    assert list(tmp_path.iterdir()) == []
