"""One video file: frames encoded with their exact times, and the audio carried along."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from photovst.errors import MediaError
from photovst.media.audio import AudioTracks
from photovst.media.codecs import CONTAINERS
from photovst.media.color import from_rgb
from photovst.media.color_tags import output_tags
from photovst.media.hardware import SOFTWARE, recipe_of
from photovst.media.records import STILL_RATE, ClipInfo, Picture
from photovst.types import Size

_LARGEST = 2**31 - 1


class VideoEncoder:
    """Encodes into ``part``; ``audio_from`` names the file whose audio comes along, or is None.
    ``encoder`` is 'software' or a kind of hardware.

    Times are whole ticks of the source's own time base (others are rounded to them), so mp4 and mov hold them
    exactly. Matroska counts in milliseconds: there they are rounded to the nearest, and the last frame's
    duration is the average one.
    """

    def __init__(
        self,
        part: Path,
        source: ClipInfo,
        size: Size,
        codec: str,
        quality: int,
        audio_from: Path | None,
        encoder: str = SOFTWARE,
    ) -> None:
        recipe, options, self._format = recipe_of(codec, encoder, quality, source, size)
        self._rate = source.frame_rate or STILL_RATE
        self._time_base = source.time_base
        self._durations: dict[int, int] = {}
        self._last: int | None = None
        self._sws = VideoReformatter()
        self._tags = output_tags(source.color, self._format, size[0], recipe.limited_only)
        self._output: OutputContainer = av.open(f"file:{part}", "w", format=CONTAINERS[part.suffix.lower()])
        self._stream = cast(
            VideoStream,
            self._output.add_stream(
                recipe.encoder,
                rate=self._rate.limit_denominator(1_001_000),
                options=options,
                width=size[1],
                height=size[0],
                time_base=self._time_base,
            ),
        )
        self._configure(source, codec)
        self._audio = AudioTracks(audio_from, source.origin, self._output) if audio_from else None
        self._output.container_options.update(self._container_options())
        self._output.start_encoding()

    def _configure(self, source: ClipInfo, codec: str) -> None:
        context = self._stream.codec_context
        context.pix_fmt = self._format
        context.color_range = 2 if self._tags.full_range else 1
        context.colorspace = self._tags.matrix
        context.color_primaries = self._tags.primaries
        context.color_trc = self._tags.transfer
        context.sample_aspect_ratio = source.sample_aspect
        context.flags |= int(av.codec.context.Flags.bitexact)  # no version of the library in the file
        if codec == "hevc" and self._output.format.name != "matroska":
            context.codec_tag = "hvc1"  # QuickTime plays HEVC under no other name
        if codec == "prores":
            context.options["profile"] = "4444" if "444" in self._format else "hq"

    def _container_options(self) -> dict[str, str]:
        # bitexact: no creation time, no random identifiers; the same frames give the same bytes.
        if self._output.format.name == "matroska":
            return {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
        scale = self._time_base.denominator
        shared = math.lcm(scale, *(self._audio.rates() if self._audio else ()))
        # The clock that start offsets are counted on; milliseconds by default, which would round them.
        clock = shared if shared <= _LARGEST else scale
        return {"fflags": "+bitexact", "movflags": "+faststart", "movie_timescale": str(clock)}

    def write(self, image: Picture, time: Fraction, alpha: Picture | None, duration: Fraction | None) -> None:
        """Encode one frame.

        Raises:
            MediaError: the source's time base cannot tell its time from the last one's.
        """
        frame = from_rgb(image, alpha, self._format, self._tags, self._sws)
        frame.time_base = self._time_base
        tick = round(time / self._time_base)
        if self._last is not None and tick <= self._last:
            base = self._time_base
            raise MediaError(f"a frame at {time} s falls on its predecessor: the time base is {base} s")
        self._last = frame.pts = tick
        self._durations[tick] = max(1, round((duration or 1 / self._rate) / self._time_base))
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts)
                if self._audio is not None:
                    self._audio.pump(packet.pts * packet.time_base)
            self._output.mux(packet)

    def finish(self) -> None:
        """Flush the encoder, add the rest of the audio and close the file."""
        self._mux(self._stream.encode(None))
        if self._audio is not None:
            self._audio.pump()
            self._audio.close()
            self._audio = None
        self._output.close()

    def abandon(self) -> None:
        """Close the file without caring for its contents."""
        if self._audio is not None:
            self._audio.close()
        try:
            self._output.close()
        except (av.FFmpegError, OSError):
            return  # the caller removes the file, and has the error that led here
