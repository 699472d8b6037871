"""Results: a video, a folder of frames or a still, that appear whole or not at all."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from photovst.errors import MediaError
from photovst.media.codecs import ALPHA_CODECS, CONTAINERS, FOLDER_CODEC, pixel_format_for, recipe_for
from photovst.media.hardware import SOFTWARE, encoder_for
from photovst.media.images import READABLE, WRITABLE
from photovst.media.picture_sinks import FolderSink, Sink, StillSink
from photovst.media.publish import check_folder_of, partial_path, publish, publish_folder
from photovst.media.records import Clip, ClipInfo, Picture, logger
from photovst.media.video_encoder import VideoEncoder
from photovst.media.video_reader import reason
from photovst.types import Size


def check_output(
    path: str | Path, codec: str, source: Clip | ClipInfo | None = None, *, overwrite: bool = False
) -> None:
    """Refuse an output that cannot be written, before any work is done for it.

    Raises:
        MediaError: codec and suffix do not go together, the folder is absent or not writable, the output
        exists
            (unless ``overwrite``), or it is the input.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    info = source.info if isinstance(source, Clip) else source
    if _is_still(path):
        if info is not None and info.kind != "still":
            raise MediaError(f"{path} is a picture, but the input is a clip; use .mp4, .mov or .mkv, or codec 'png'")
    elif codec == FOLDER_CODEC:
        if suffix in CONTAINERS or suffix in READABLE:
            raise MediaError(f"codec 'png' writes a folder of frames, but {path} names a file; leave the suffix out")
    else:
        recipe_for(codec, path.suffix)
    check_folder_of(path)
    if not path.exists():
        return
    if isinstance(source, Clip) and _same_place(path, source.path):
        raise MediaError(f"{path} is the input; choose another name for the output")
    if not overwrite:
        raise MediaError(f"{path} exists; choose another name, or pass --overwrite")
    if path.is_dir() != (codec == FOLDER_CODEC and not _is_still(path)):
        raise MediaError(f"{path} is a {'folder' if path.is_dir() else 'file'}; choose another name for the output")
    if path.is_dir() and not all(re.fullmatch(r"\d{6,}\.png", entry.name) for entry in path.iterdir()):
        raise MediaError(f"the folder {path} holds more than numbered frames; choose another name for the output")


def usable_encoder(path: str | Path, codec: str, wanted: str, source: ClipInfo, size: Size) -> str:
    """The encoder for an output, to be asked for before any work is done for it; see `encoder_for`.

    Raises:
        MediaError: the hardware asked for cannot be used.
    """
    return SOFTWARE if _is_still(Path(path)) else encoder_for(codec, wanted, source, size)


def _is_still(path: Path) -> bool:
    return path.suffix.lower() in WRITABLE


def _same_place(path: Path, given: Path) -> bool:
    # An input may be a glob: then it is the folder that must not be overwritten.
    places = (given, given.parent) if not given.exists() else (given,)
    return any(place.exists() and path.samefile(place) for place in places)


class ClipWriter:
    """Writes frames to ``path`` under a partial name: renamed when the block ends well, else removed.

    ``source`` gives times, depth, chroma, color tags and pixel shape; a ``Clip`` also gives its audio.
    ``size`` is the size of the frames to come. ``quality`` is the constant rate factor of h264 and hevc.
    ``encoder`` is 'software', or for these two the hardware that ``usable_encoder`` found. A suffix of .png or
    .jpg takes one frame; codec ``png`` writes a folder of ``000000.png`` and so on, which holds neither times
    nor audio. Existing outputs are replaced: ``check_output`` is the place to ask.

    Raises:
        MediaError: the output cannot be created, or an encoder refuses its settings.
    """

    def __init__(
        self,
        path: str | Path,
        source: Clip | ClipInfo,
        size: Size,
        codec: str = "h264",
        quality: int = 18,
        *,
        audio: bool = True,
        encoder: str = SOFTWARE,
    ) -> None:
        self.path = Path(path)
        self.frames = 0
        self._size = size
        self._info = source.info if isinstance(source, Clip) else source
        self._last: Fraction | None = None
        self._part = partial_path(self.path)
        check_output(self.path, codec, source, overwrite=True)
        self._warn(codec)
        sound = source.path if audio and isinstance(source, Clip) and self._info.has_audio else None
        try:
            self._sink = self._open(codec, quality, sound, encoder)
        except (av.FFmpegError, OSError) as error:
            self._discard()
            raise self._failure(error) from error

    def _open(self, codec: str, quality: int, sound: Path | None, encoder: str) -> Sink:
        if _is_still(self.path):
            return StillSink(self._part)
        if codec == FOLDER_CODEC:
            return FolderSink(self._part)
        return VideoEncoder(self._part, self._info, self._size, codec, quality, sound, encoder)

    def _warn(self, codec: str) -> None:
        still = _is_still(self.path)
        keeps = self.path.suffix.lower() == ".png" if still else codec in ALPHA_CODECS
        self._keeps_alpha = keeps and self._info.has_alpha
        if self._info.has_alpha and not keeps:
            logger.warning("%s: alpha is dropped; codecs %s keep it", self.path, ", ".join(ALPHA_CODECS))
        if codec in ("h264", "hevc") and not still and (self._size[0] % 2 or self._size[1] % 2):
            chosen = pixel_format_for(codec, self._info, self._size)
            height, width = self._size
            text = "%s: %dx%d is odd, so color is stored as %s, which some players lack"
            logger.warning(text, self.path, width, height, chosen)

    def __enter__(self) -> Self:
        return self

    def write(
        self, image: Picture, time: Fraction, alpha: Picture | None = None, duration: Fraction | None = None
    ) -> None:
        """Add the next frame: ``(H, W, 3)`` RGB uint8 or uint16, shown from ``time`` seconds on.

        Raises:
            MediaError: wrong shape or type, a time not after the last one, a full disk.
        """
        if image.shape != (*self._size, 3) or image.dtype not in (np.uint8, np.uint16):
            expected = f"({self._size[0]}, {self._size[1]}, 3) uint8 or uint16"
            raise MediaError(f"{self.path}: frames are {expected}, got {image.shape} {image.dtype}")
        if alpha is not None and alpha.shape != self._size:
            raise MediaError(f"{self.path}: alpha is {self._size}, got {alpha.shape}")
        if self._last is not None and time <= self._last:
            raise MediaError(
                f"{self.path}: frame {self.frames} is at {time} s, not after the last one at {self._last} s"
            )
        try:
            self._sink.write(image, time, alpha if self._keeps_alpha else None, duration)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        self._last = time
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._give_up()
            return
        try:
            if not self.frames:
                raise MediaError(f"{self.path}: no frames were given to write")
            self._sink.finish()
            (publish_folder if self._part.is_dir() else publish)(self._part, self.path)
        except (av.FFmpegError, OSError) as failure:
            self._give_up()
            raise self._failure(failure) from failure
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        self._sink.abandon()
        self._discard()

    def _discard(self) -> None:
        if self._part.is_dir():
            shutil.rmtree(self._part)
        else:
            self._part.unlink(missing_ok=True)

    def _failure(self, error: Exception) -> MediaError:
        return MediaError(f"cannot write {self.path}: {reason(error)}; free space or choose another place or codec")
