"""The demo: a procedural day scene, restyled as its own sunset photograph."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from photovst.config import Settings
from photovst.errors import MediaError
from photovst.media.images import write_image
from photovst.media.records import ClipInfo, ColorTags
from photovst.media.scenes import Look, Scene, photograph
from photovst.media.video_writer import ClipWriter
from photovst.progress import Progress
from photovst.settings_io import load_settings
from photovst.stylize import stylize_clip
from photovst.types import Size

SIZE: Size = (270, 480)
FRAMES = 24
RATE = Fraction(24)
SCENE_SEED, PHOTO_SEED = 3, 11


def run_demo(folder: Path, *, overwrite: bool = False, progress: Progress, overrides: list[str]) -> Path:
    """Make a clip and a photograph, restyle the one as the other, and return the path of the result.

    Everything goes into ``folder``: ``day.mp4``, ``sunset.png``, ``day_as_sunset.mp4`` and its run folder.

    Raises:
        MediaError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"cannot make the folder {folder} ({error.strerror}); choose another with -o") from error
    clip, photo, output = folder / "day.mp4", folder / "sunset.png", folder / "day_as_sunset.mp4"
    progress.stage("scene")
    if overwrite or not clip.exists():
        write_scene(clip, Scene(SCENE_SEED, Look.day, SIZE, FRAMES, RATE))
    if overwrite or not photo.exists():
        write_image(photo, photograph(Look.sunset, PHOTO_SEED, SIZE))
    settings: Settings = load_settings(
        (), overrides, {"content": str(clip), "style": str(photo), "output": str(output)}
    )
    result = stylize_clip(settings, overwrite=overwrite, progress=progress)
    progress.note(f"the clip is {result}, the report {result.with_suffix('.run') / 'report.html'}")
    return result


def write_scene(path: Path, scene: Scene) -> None:
    """Write a procedural scene as a clip."""
    with ClipWriter(path, scene_info(scene, scene.size), scene.size, quality=14) as writer:
        for t in range(scene.frames):
            writer.write(scene.frame(t), t / scene.frame_rate, duration=1 / scene.frame_rate)


def scene_info(scene: Scene, size: Size) -> ClipInfo:
    """What a clip of a scene is, at this size: 8-bit 4:2:0 BT.601 video without sound."""
    return ClipInfo(
        size=size,
        kind="video",
        frame_rate=scene.frame_rate,
        frame_count=scene.frames,
        duration=scene.frames / scene.frame_rate,
        pixel_format="yuv420p",
        bit_depth=8,
        has_alpha=False,
        has_audio=False,
        color=ColorTags(full_range=False, matrix=6, primaries=6, transfer=6),
        time_base=1 / scene.frame_rate,
    )
