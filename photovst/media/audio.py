"""All audio of a clip, carried over packet by packet, re-encoded where the container refuses its codec."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Discard

from photovst.media.records import logger
from photovst.media.video_reader import open_container, reason

_AAC_BITS = 96_000  # a second and channel: transparent for AAC-LC
_AAC_FRAME = 1024  # samples
# What a broken packet leaves empty becomes silence; without it all that follows would move forward.
_FILLED = {"async": "1", "min_hard_comp": "0.02"}
_JITTER = Fraction(1, 10)  # seconds a timestamp may run backwards and still be taken for rounding


@dataclass
class _Track:
    """One audio stream on its way; ``encoder`` is set where it is decoded and encoded again."""

    source: AudioStream
    target: AudioStream
    encoder: AudioCodecContext | None
    resampler: AudioResampler | None
    last: int | None = None


class AudioTracks:
    """The audio streams of ``path`` in the container ``output``, whose header must not be written yet.

    ``origin`` is subtracted from every timestamp, so that audio keeps its offset to the video. ``pump`` muxes
    what belongs before an instant, so that neither side waits in memory for the other.
    """

    def __init__(self, path: Path, origin: Fraction, output: OutputContainer) -> None:
        self.path = path
        self.broken = 0
        self._refused: list[str] = []
        self._origin = origin
        self._output = output
        self._input = open_container(path)
        for stream in self._input.streams:
            if stream.type != "audio":
                stream.discard = Discard.all
        tracks = (self._track(stream) for stream in self._input.streams.audio)
        self._tracks = {track.source.index: track for track in tracks if track is not None}
        self._encoded = {index for index, track in self._tracks.items() if track.encoder is not None}
        self._packets = self._demux()
        self._next = next(self._packets, None)

    def __len__(self) -> int:
        return len(self._tracks)

    def rates(self) -> list[int]:
        """Ticks a second of each track, for a time scale that holds them all."""
        return [track.target.codec_context.sample_rate for track in self._tracks.values()]

    def pump(self, until: Fraction | None = None) -> None:
        """Mux what starts up to ``until`` seconds, or all that is left and the encoders' tails."""
        while self._next is not None and (until is None or self._start(self._next) <= until):
            self._forward(self._next)
            self._next = next(self._packets, None)
        if until is None:
            for track in self._tracks.values():
                if track.encoder is not None:
                    self._encode(track, None)

    def close(self) -> None:
        """Let go of the source, and say in one line what of its audio was lost."""
        self._input.close()
        lost = list(self._refused)
        if self.broken:
            lost.append(f"{self.broken} broken audio packets left out")
        if lost:
            logger.warning("%s: %s; the rest of the audio is kept", self.path, ", ".join(lost))

    def _track(self, source: AudioStream) -> _Track | None:
        codec = source.codec_context
        if codec is None or not codec.sample_rate or not codec.channels:
            self._refused.append(f"audio stream {source.index} cannot be read")
            return None
        kept = {key: value for key, value in source.metadata.items() if key in ("language", "title")}
        if not _takes(self._output.format.name, source):
            return self._encoded_track(source, kept)
        target = self._output.add_stream_from_template(source)
        target.metadata.clear()
        target.metadata.update(kept)
        target.disposition = source.disposition
        return _Track(source, target, None, None)

    def _encoded_track(self, source: AudioStream, kept: dict[str, str]) -> _Track:
        codec = source.codec_context
        rates = av.Codec("aac", "w").audio_rates or []
        rate = codec.sample_rate if codec.sample_rate in rates else 48000
        layout = codec.layout.name if codec.channels <= 2 else "5.1" if codec.channels in (6, 7, 8) else "stereo"
        target = self._output.add_stream("aac", rate=rate, layout=layout, time_base=Fraction(1, rate))
        encoder = target.codec_context
        encoder.bit_rate = _AAC_BITS * encoder.channels
        encoder.flags |= int(av.codec.context.Flags.bitexact)
        target.metadata.update(kept)
        target.disposition = source.disposition
        return _Track(source, target, encoder, AudioResampler("fltp", layout, rate, _AAC_FRAME, _FILLED))

    def _demux(self) -> Iterator[Packet[AudioStream]]:
        if not self._tracks:
            return
        packets = self._input.demux([track.source for track in self._tracks.values()])
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._refused.append(f"audio stops early ({reason(error)})")
                return
            if packet is None:
                return
            if packet.size or packet.stream.index in self._encoded:  # an empty packet flushes a decoder
                yield cast("Packet[AudioStream]", packet)

    def _start(self, packet: Packet[AudioStream]) -> Fraction:
        stamp = packet.dts if packet.dts is not None else packet.pts
        return Fraction(0) if stamp is None else stamp * packet.time_base - self._origin

    def _forward(self, packet: Packet[AudioStream]) -> None:
        track = self._tracks[packet.stream.index]
        if track.encoder is None:
            self._copy(track, packet)
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self.broken += 1
            return
        for frame in frames:
            if frame.pts is not None and frame.time_base:
                frame.pts -= round(self._origin / frame.time_base)
            self._encode(track, frame)

    def _copy(self, track: _Track, packet: Packet[AudioStream]) -> None:
        shift = round(self._origin / packet.time_base)
        stamp = packet.dts if packet.dts is not None else packet.pts
        stamp = track.last if stamp is None else stamp - shift
        if packet.is_corrupt or stamp is None:
            self.broken += 1
            return
        if track.last is not None and stamp <= track.last:
            if (track.last - stamp) * packet.time_base > _JITTER:
                self.broken += 1
                return
            stamp = track.last + 1
        packet.dts = stamp
        packet.pts = stamp  # no audio codec in use here reorders
        packet.stream = track.target
        track.last = stamp
        self._mux(packet)

    def _encode(self, track: _Track, frame: av.AudioFrame | None) -> None:
        assert track.encoder is not None
        assert track.resampler is not None
        try:
            packets = [p for part in track.resampler.resample(frame) for p in track.target.encode(part)]
            if frame is None:
                packets += track.target.encode(None)
        except (ValueError, av.error.ArgumentError):  # the stream changed its layout, or its clock jumped
            self.broken += 1
            return
        for packet in packets:
            self._mux(packet)

    def _mux(self, packet: Packet[AudioStream]) -> None:
        try:
            self._output.mux(packet)
        except (av.error.InvalidDataError, av.error.ArgumentError):
            self.broken += 1


def _takes(container: str, stream: AudioStream) -> bool:
    """Whether a container holds a stream as it is, found by writing a header: its codec list is too long."""
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    return True
