from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from photovst.media.clip import open_clip
from photovst.media.video_writer import ClipWriter

from .synthetic import make_clip, packet_times


def copy(source: Path, path: Path, *, audio: bool = True) -> Path:
    clip = open_clip(source)
    with ClipWriter(path, clip, clip.info.size, audio=audio) as writer:
        for frame in clip:
            writer.write(frame.image, frame.time, None, frame.duration)
    return path


def packets(path: Path, stream: int) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        chosen: Any = container.streams.audio[stream]
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(chosen) if p.size]


def sound(path: Path, stream: int = 0) -> tuple[np.ndarray, int]:
    """All samples of a stream, and its sample rate."""
    with av.open(str(path)) as container:
        chosen: Any = container.streams.audio[stream]
        blocks = [frame.to_ndarray() for frame in container.decode(chosen)]
        planar = chosen.codec_context.format.is_planar
    assert planar
    return np.concatenate(blocks, 1), chosen.codec_context.sample_rate


def test_every_stream_is_copied_packet_by_packet(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", range(20), audio=["aac", "libmp3lame", "ac3"])
    for suffix in (".mp4", ".mkv"):
        result = copy(source, tmp_path / f"b{suffix}")
        for stream in range(3):
            before, after = packets(source, stream), packets(result, stream)
            assert [data for _, data in before] == [data for _, data in after]
            assert all(abs(a - b) <= Fraction(1, 1000) for (a, _), (b, _) in zip(before, after, strict=True))


def test_language_and_title_stay(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", audio=["aac"])
    with av.open(str(source)) as given, av.open(str(tmp_path / "named.mkv"), "w") as output:
        streams = {s.index: output.add_stream_from_template(s) for s in given.streams}
        streams[1].metadata.update({"language": "cym", "title": "dubbed", "comment": "left out"})
        for packet in given.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    result = copy(tmp_path / "named.mkv", tmp_path / "b.mkv")
    with av.open(str(result)) as container:
        kept = container.streams.audio[0].metadata
    assert kept["language"] == "cym"
    assert kept["title"] == "dubbed"
    assert "comment" not in {key.lower() for key in kept}


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 5)])
def test_a_codec_the_container_refuses_is_encoded_again(tmp_path: Path, start: Fraction) -> None:
    source = make_clip(tmp_path / "a.mkv", range(20), audio=["libopus"], audio_start=start, audio_seconds=Fraction(1))
    result = copy(source, tmp_path / "b.mov")
    with av.open(str(result)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    samples, rate = sound(result)
    assert rate == 48000
    assert abs(samples.shape[1] - 48000) <= 1024 + 312  # one AAC frame, and what Opus needs to start
    spectrum = np.abs(np.fft.rfft(samples[0, 8000:40000] * np.hanning(32000)))
    assert np.argmax(spectrum) * 48000 / 32000 == pytest.approx(440, abs=3)
    with av.open(str(result)) as container:
        first = next(container.decode(audio=0))
    onset = first.pts * first.time_base + Fraction(int(np.argmax(np.abs(samples[0]) > 0.1)), rate)
    assert abs(onset - start) < Fraction(1, 100)


def test_broken_packets_become_silence_and_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = make_clip(tmp_path / "a.mkv", range(20), audio=["flac"], audio_seconds=Fraction(1))
    data = source.read_bytes()
    broken = packets(source, 0)[2:8:4]
    for _, packet in broken:
        data = data.replace(packet, packet[:8] + b"\xff" * (len(packet) - 8))
    spoiled = tmp_path / "spoiled.mkv"
    spoiled.write_bytes(data)
    result = copy(spoiled, tmp_path / "b.mov")
    assert len(list(open_clip(result))) == 20
    assert caplog.text.count("2 broken audio packets left out; the rest of the audio is kept") == 1
    samples, rate = sound(result)
    assert abs(samples.shape[1] - 48000) <= 2048
    for time, _ in broken:
        heard = samples[0, int((time + Fraction(1, 25)) * rate) :][: rate // 50]
        assert np.abs(heard).max() < 0.01
    assert np.abs(samples[0, 45000:47000]).max() > 0.2


def test_backward_audio_does_not_stop_the_video(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = make_clip(tmp_path / "one.ts", range(25), audio=["mp2"], audio_seconds=Fraction(1))
    twice = tmp_path / "twice.ts"
    twice.write_bytes(one.read_bytes() * 2)
    result = copy(twice, tmp_path / "b.mp4")
    assert len(list(open_clip(result))) == 50
    assert len(packets(result, 0)) >= len(packets(one, 0))
    assert "broken audio packets left out" in caplog.text


def test_audio_cut_short_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    source = make_clip(
        tmp_path / "a.mp4",
        range(50),
        audio=["aac"],
        audio_seconds=Fraction(2),
        container={"movflags": "faststart"},
    )
    whole = len(packets(source, 0))
    with source.open("r+b") as file:
        file.truncate(int(source.stat().st_size * 0.6))
    result = copy(source, tmp_path / "b.mp4")
    assert 0 < len(packets(result, 0)) < whole
    assert len(list(open_clip(result))) > 10


def test_audio_can_be_left_out(tmp_path: Path) -> None:
    result = copy(make_clip(tmp_path / "a.mp4", audio=["aac"]), tmp_path / "b.mp4", audio=False)
    assert not open_clip(result).info.has_audio


def test_audio_and_video_lie_side_by_side(tmp_path: Path) -> None:
    """Neither side waits in memory, or far away in the file, for the other."""
    source = make_clip(tmp_path / "a.mkv", range(250), audio=["aac"], audio_seconds=Fraction(10))
    result = copy(source, tmp_path / "b.mp4")
    with av.open(str(result)) as container:
        placed = sorted((p.pos, p.stream.type, p.pts * p.time_base) for p in container.demux() if p.size)
    reached = {"audio": Fraction(0), "video": Fraction(0)}
    for _, kind, time in placed:
        reached[kind] = time
        assert abs(reached["audio"] - reached["video"]) < Fraction(3, 2)
    assert packet_times(result, "audio")[-1] > Fraction(19, 2)
