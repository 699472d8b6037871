"""Clips made with PyAV alone, so that what reads and writes them is tested against something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np


def pattern(index: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A smooth RGB picture that moves with ``index``."""
    y, x = np.mgrid[:height, :width]
    phase = (x + 3 * index) / 17 + y / 23
    return np.stack([128 + 90 * np.sin(phase), 40 + 150 * x / width, 220 - 180 * y / height], -1).astype(np.uint8)


def make_clip(
    path: Path,
    ticks: Sequence[int] = tuple(range(8)),
    time_base: Fraction = Fraction(1, 25),
    *,
    codec: str = "libx264",
    size: tuple[int, int] = (64, 96),
    pixel_format: str = "yuv420p",
    pictures: Sequence[np.ndarray] | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    last: int | None = None,
    audio: Sequence[str] = (),
    audio_start: Fraction = Fraction(0),
    audio_seconds: Fraction = Fraction(1, 2),
    setup: Callable[[Any], None] | None = None,
) -> Path:
    """Encodes ``pattern`` frames, or ``pictures``, at ``ticks`` of ``time_base``; sine audio where asked."""
    rest = last if last is not None else ticks[-1] - ticks[-2]
    with av.open(str(path), "w", container_options=container or {}) as output:
        stream: Any = output.add_stream(
            codec, rate=25, width=size[1], height=size[0], pix_fmt=pixel_format, time_base=time_base
        )
        stream.codec_context.options = {"threads": "1", **(options or {})}
        if setup is not None:
            setup(stream)
        sounds: list[Any] = [output.add_stream(name, rate=48000, layout="stereo") for name in audio]
        for sound in sounds:
            _sine(output, sound, audio_start, audio_seconds)
        for index, tick in enumerate(ticks):
            if pictures is None:
                frame = av.VideoFrame.from_ndarray(pattern(index, *size), "rgb24").reformat(format=pixel_format)
            else:
                frame = _stored(pictures[index], pixel_format)
            frame.pts, frame.time_base = tick, time_base
            frame.color_range = stream.codec_context.color_range
            _mux(output, stream.encode(frame), ticks[-1], rest)
        _mux(output, stream.encode(None), ticks[-1], rest)
    return path


def _mux(output: Any, packets: Sequence[Any], last: int, duration: int) -> None:
    for packet in packets:
        if packet.pts == last:
            packet.duration = duration
        output.mux(packet)


def _stored(planes: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """A frame whose planes are filled with constants, code values as they are."""
    frame = av.VideoFrame(96, 64, pixel_format)
    deep = max(component.bits for component in frame.format.components) > 8
    for plane, value in zip(frame.planes, planes, strict=True):
        count = plane.buffer_size // (2 if deep else 1)
        plane.update(np.full(count, value, np.uint16 if deep else np.uint8).tobytes())
    return frame


def _sine(output: Any, stream: Any, start: Fraction, seconds: Fraction) -> None:
    samples = int(48000 * seconds)
    wave = (0.3 * np.sin(np.arange(samples) * 2 * np.pi * 440 / 48000)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), "fltp", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, int(start * 48000), Fraction(1, 48000)
    output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def packet_times(path: Path, kind: str = "video", stream: int = 0) -> list[Fraction]:
    """Display times of every packet, in order, by demuxing alone."""
    with av.open(str(path)) as container:
        chosen: Any = getattr(container.streams, kind)[stream]
        packets = [p for p in container.demux(chosen) if p.size and not p.is_discard]
        return sorted(p.pts * p.time_base for p in packets)
