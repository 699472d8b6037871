"""Hardware encoders: chosen where they work, refused in a line where not. None is at hand, so others stand in."""

from dataclasses import replace
from pathlib import Path

import av
import pytest

from photovst.errors import MediaError
from photovst.media import hardware
from photovst.media.clip import open_clip
from photovst.media.hardware import KINDS, encoder_for, problem, recipe_of
from photovst.media.records import Clip
from photovst.media.video_writer import ClipWriter, usable_encoder

from .synthetic import make_clip

SIZE = (64, 96)


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return open_clip(make_clip(tmp_path / "a.mp4"))


def test_hardware_that_is_not_there_is_refused_in_a_line(clip: Clip) -> None:
    """An encoder that no FFmpeg has, as none of the real ones is sure to be absent."""
    trouble = problem("h264", "abacus", clip.info, SIZE)
    assert trouble == "this FFmpeg has no encoder h264_abacus"


def test_what_goes_wrong_when_it_starts_is_told(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise av.error.PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(hardware, "_try", fail)
    with pytest.raises(MediaError, match=r"encoder 'nvenc' cannot be used: .*Operation not permitted.*'software'"):
        encoder_for("h264", "nvenc", clip.info, SIZE)
    assert encoder_for("h264", "auto", clip.info, SIZE) == "software"


def test_auto_takes_the_first_that_works(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def only_amf(codec: str, kind: str, *rest: object) -> str | None:
        tried.append(kind)
        return None if kind == "amf" else "absent"

    monkeypatch.setattr(hardware, "problem", only_amf)
    assert encoder_for("hevc", "auto", clip.info, SIZE) == "amf"
    assert tried == list(KINDS[:3])
    assert encoder_for("ffv1", "auto", clip.info, SIZE) == "software"
    assert encoder_for("h264", "software", clip.info, SIZE) == "software"
    assert usable_encoder("a.png", "h264", "nvenc", clip.info, SIZE) == "software"
    assert len(tried) == 3


def test_wrong_names_and_codecs_are_refused(clip: Clip) -> None:
    with pytest.raises(MediaError, match=r"unknown encoder 'nvec'; did you mean 'nvenc'\?"):
        encoder_for("h264", "nvec", clip.info, SIZE)
    with pytest.raises(MediaError, match="encoder 'qsv' writes h264 and hevc, not 'prores'"):
        encoder_for("prores", "qsv", clip.info, SIZE)


@pytest.mark.parametrize(
    ("kind", "codec", "source", "expected"),
    [
        ("nvenc", "h264", "yuv420p", "yuv420p"),
        ("nvenc", "hevc", "yuv420p10le", "p010le"),
        ("qsv", "h264", "yuv420p", "nv12"),
        ("qsv", "hevc", "yuv422p10le", "y210le"),
    ],
)
def test_samples_stay_what_they_are(clip: Clip, kind: str, codec: str, source: str, expected: str) -> None:
    if f"{codec}_{kind}" not in av.codecs_available:
        pytest.skip(f"this FFmpeg is built without {codec}_{kind}")
    info = replace(clip.info, pixel_format=source, bit_depth=10 if "10" in source else 8)
    recipe, options, pixel_format = recipe_of(codec, kind, 20, info, SIZE)
    assert recipe.encoder == f"{codec}_{kind}"
    assert pixel_format == expected
    assert "20" in options.values()
    assert options["bf"] == "0"


def test_color_is_never_sampled_more_coarsely(clip: Clip) -> None:
    if "h264_qsv" not in av.codecs_available:
        pytest.skip("this FFmpeg is built without h264_qsv")
    info = replace(clip.info, pixel_format="yuv444p")
    assert problem("h264", "qsv", info, SIZE) == "h264_qsv takes no yuv444p, which the clip's depth and chroma ask for"


def test_a_clip_is_written_by_what_is_chosen(clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """'rgb' makes 'h264_rgb' a name; x264 stands in for it, in a layout that hardware likes."""
    monkeypatch.setattr(av, "codecs_available", {*av.codecs_available, "h264_rgb"})
    opened = hardware.Recipe

    def stand_in(encoder: str, suffixes: tuple[str, ...]) -> hardware.Recipe:
        assert encoder == "h264_rgb"
        return opened("libx264", suffixes)

    class Formats:
        video_formats = (av.VideoFormat("nv12"),)

    monkeypatch.setattr(hardware, "Recipe", stand_in)
    monkeypatch.setattr(av, "Codec", lambda name, mode: Formats())
    monkeypatch.setattr(hardware, "KINDS", ("rgb",))
    assert encoder_for("h264", "auto", clip.info, SIZE) == "rgb"
    frames = list(clip)
    with ClipWriter(tmp_path / "b.mp4", clip, SIZE, encoder="rgb") as writer:
        for frame in frames:
            writer.write(frame.image, frame.time, None, frame.duration)
    written = list(open_clip(tmp_path / "b.mp4"))
    assert [frame.time for frame in written] == [frame.time for frame in frames]
    assert max(abs(a.image.astype(int) - b.image).mean() for a, b in zip(written, frames, strict=True)) < 6
