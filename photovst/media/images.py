"""Still pictures: read with their orientation applied, written whole or not at all."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from photovst.errors import MediaError
from photovst.media.publish import partial_path, publish
from photovst.media.records import Picture, as_depth
from photovst.types import Size

READABLE = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
WRITABLE = (".png", ".jpg", ".jpeg")

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_JPEG_QUALITY = 95


def read_image(path: str | Path) -> Picture:
    """A picture as ``(H, W, 3)`` RGB, uint8 or, where it holds 16 bits, uint16.

    EXIF orientation is applied, gray is repeated into three channels, and alpha is left out (its colors are
    taken as they are stored, not laid over a background); ``read_picture`` returns it.

    Raises:
        MediaError: the file is absent, unreadable, cut off, or no picture.
    """
    return read_picture(path)[0]


def read_picture(path: str | Path) -> tuple[Picture, Picture | None]:
    """``read_image``'s picture, and its straight alpha ``(H, W)`` of the same type where it has one."""
    path = Path(path)
    data = _bytes_of(path)
    if _is_cut_off(data):
        raise MediaError(f"{path} is cut off: the picture's end is missing; copy or export it again")
    coded = np.frombuffer(data, np.uint8)
    try:
        picture = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH)
        stored = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED) if _may_have_alpha(data) else None
    except cv2.error as error:
        raise MediaError(f"{path} cannot be decoded as a picture ({error.err})") from error
    if picture is None:
        raise MediaError(f"{path} is not a picture that can be read; give one of {', '.join(READABLE)}")
    if picture.dtype not in (np.uint8, np.uint16):
        raise MediaError(f"{path} holds {picture.dtype} samples; export it with 8 or 16 bits a channel")
    picture = np.asarray(picture)
    if stored is None or stored.ndim != 3 or stored.shape[2] != 4:
        return picture, None
    return picture, _alpha_like(np.asarray(stored), picture)


def write_image(path: str | Path, image: Picture, alpha: Picture | None = None) -> None:
    """Write ``(H, W, 3)`` RGB, uint8 or uint16, as PNG or JPEG by the suffix, whole or not at all.

    PNG keeps 16 bits and alpha. JPEG (quality 95, chroma at full resolution) keeps 8 bits and has no alpha,
    so a picture with one is refused.

    Raises:
        MediaError: another suffix, a picture of the wrong shape or type, or the file cannot be written.
    """
    path = Path(path)
    coded = encode_picture(path, image, alpha)
    part = partial_path(path)
    try:
        part.write_bytes(coded)
        publish(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MediaError(f"cannot write {path}: {error.strerror}; free space or choose another place") from error


def encode_picture(path: Path, image: Picture, alpha: Picture | None) -> bytes:
    """The bytes of ``image`` in the format of ``path``'s suffix."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
        raise MediaError(f"{path}: a picture is (H, W, 3) uint8 or uint16, got {image.shape} {image.dtype}")
    suffix = path.suffix.lower()
    if suffix == ".png":
        stored = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
        if alpha is not None:
            stored = cv2.merge([*cv2.split(stored), np.ascontiguousarray(as_depth(alpha, image.dtype))])
        # Run-length matching alone is smaller and faster on photographs than zlib's own search.
        options = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    elif suffix in WRITABLE:
        if alpha is not None:
            raise MediaError(f"{path}: JPEG holds no alpha; write .png instead")
        stored = cv2.cvtColor(np.ascontiguousarray(as_depth(image, np.uint8)), cv2.COLOR_RGB2BGR)
        full_chroma = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full_chroma]
    else:
        raise MediaError(f"{path}: cannot write a picture with suffix {suffix!r}; use one of {', '.join(WRITABLE)}")
    done, coded = cv2.imencode(suffix, stored, options)
    if not done:
        raise MediaError(f"{path}: a picture of {image.shape[1]}x{image.shape[0]} pixels cannot be encoded")
    return coded.tobytes()


def picture_size(path: Path) -> Size:
    """A picture's displayed size; from the header of a PNG or a JPEG without EXIF, else by decoding."""
    data = _bytes_of(path)
    if data.startswith(_PNG) and len(data) >= 24 and b"eXIf" not in data[:4096]:
        width, height = struct.unpack(">II", data[16:24])
        return height, width
    if data.startswith(_JPEG):
        for place, marker in _segments(data):
            if data[place + 4 : place + 8] == b"Exif":
                break
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and place + 9 <= len(data):
                height, width = struct.unpack(">HH", data[place + 5 : place + 9])
                return height, width
    height, width = read_image(path).shape[:2]
    return height, width


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MediaError(f"{path} does not exist; check the path") from error
    except PermissionError as error:
        raise MediaError(f"{path} may not be read; change its permissions") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror})") from error
    if not data:
        raise MediaError(f"{path} is empty (0 bytes); give a file that holds a picture")
    return data


def _may_have_alpha(data: bytes) -> bool:
    if data.startswith(_PNG):
        return len(data) < 26 or data[25] not in (0, 2) or b"tRNS" in data[:4096]  # 0 gray, 2 RGB
    return not data.startswith(_JPEG)


def _is_cut_off(data: bytes) -> bool:
    """Whether a PNG or JPEG lacks its end; the decoder would fill the rest with gray."""
    if data.startswith(_PNG):
        return b"IEND" not in data
    if not data.startswith(_JPEG):
        return False
    scan = next((place for place, marker in _segments(data) if marker == 0xDA), len(data))
    return data.find(b"\xff\xd9", scan) < 0


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The place and marker of each JPEG segment, up to the first scan."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        yield place, data[place + 1]
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")


def _alpha_like(stored: Picture, upright: Picture) -> Picture:
    """The alpha of ``stored``, turned as its colors must be turned to give ``upright``."""
    for quarter in range(4):
        for mirrored in (False, True):
            turned = np.rot90(np.fliplr(stored) if mirrored else stored, quarter)
            if turned.shape[:2] == upright.shape[:2] and np.array_equal(turned[..., 2::-1], upright):
                return np.ascontiguousarray(turned[..., 3])
    return np.ascontiguousarray(stored[..., 3])
