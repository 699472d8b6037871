"""``photovst scene``: a procedural clip and photograph with exact flow, occlusion and labels on disk. No PyTorch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovst.cli_options import LogJson, Quiet
from photovst.errors import SettingsError, did_you_mean
from photovst.sizes import parse_size

if TYPE_CHECKING:
    from photovst.media.scene_looks import Look


@dataclass(frozen=True)
class SceneRequest:
    """What was asked for on the command line; ``size`` as width x height, ``neighbors`` with commas."""

    look: str
    seed: int
    size: str
    frames: int
    camera_speed: float
    object_speed: float
    neighbors: str
    photo_look: str
    photo_seed: int


def scene(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the scene goes.")],
    look: Annotated[str, typer.Option(help="Light, season or weather of the clip.")] = "day",
    seed: Annotated[int, typer.Option(help="Which landscape.")] = 3,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames.")] = "480x270",
    frames: Annotated[int, typer.Option(help="Frames in the clip.")] = 24,
    camera_speed: Annotated[float, typer.Option(help="Pan of the camera, frame heights a frame.")] = 0.006,
    object_speed: Annotated[float, typer.Option(help="Speed of the boat, frame heights a frame.")] = 0.003,
    neighbors: Annotated[
        str, typer.Option(metavar="N,N", help="Distances in frames of the pairs whose motion is written.")
    ] = "1,10,20,40",
    photo_look: Annotated[str, typer.Option(help="Light, season or weather of the photograph.")] = "sunset",
    photo_seed: Annotated[int, typer.Option(help="Which landscape the photograph shows.")] = 11,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier scene.")] = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Write a made-up clip and photograph with the exact flow, occlusion and labels of its frames.

    Flow files have the names of Ruder et al.'s program: forward_1_2.flo, backward_2_1.flo, reliable_1_2.pgm.
    Labels are masks for segmentation.method=files: DIR/labels and DIR/photo_labels/photo.png.
    """
    request = SceneRequest(look, seed, size, frames, camera_speed, object_speed, neighbors, photo_look, photo_seed)
    ctx.obj.work = lambda: make_scene(folder, request, overwrite=overwrite, quiet=quiet, log_json=log_json)


def painting(
    ctx: typer.Context,
    file: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The picture, such as painting.png.")],
    palette: Annotated[str, typer.Option(help="Its colors: night, harvest or garden.")] = "night",
    seed: Annotated[int, typer.Option(help="Which painting.")] = 1,
    size: Annotated[str, typer.Option(metavar="WxH", help="Its size.")] = "512x512",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier one.")] = False,
) -> None:
    """Write a made-up painting: a style image that nobody else has rights in."""
    ctx.obj.work = lambda: make_painting(file, palette, seed, size, overwrite=overwrite)


def make_painting(file: Path, palette: str, seed: int, size: str, *, overwrite: bool = False) -> Path:
    """Write the painting and return its file.

    Raises:
        SettingsError: the palette, seed or size is not one.
        MediaError: the file is there already, or cannot be written.
    """
    from photovst.media.images import WRITABLE, write_image
    from photovst.media.painting import Palette, painting as painted
    from photovst.media.publish import check_new_file

    if palette not in Palette.__members__:
        raise SettingsError(f"--palette {palette} is none; {did_you_mean(palette, Palette.__members__)}")
    if file.suffix.lower() not in WRITABLE:
        raise SettingsError(f"{file} names no picture; end it in {' or '.join(WRITABLE)}")
    check_new_file(file, "the painting", overwrite=overwrite)
    write_image(file, painted(seed, parse_size(size), Palette[palette]))
    return file


def make_scene(
    folder: Path, request: SceneRequest, *, overwrite: bool = False, quiet: bool = False, log_json: bool = False
) -> Path:
    """Write the scene and return its folder.

    Raises:
        SettingsError: a look, size, number of frames, speed or distance is not one.
        MediaError: the folder is there already, or cannot be written.
    """
    from photovst.media.scene_files import write_scene
    from photovst.media.scenes import Scene, still
    from photovst.progress import progress_for
    from photovst.provenance import code_version

    size, neighbors = parse_size(request.size), parse_neighbors(request.neighbors)
    clip = Scene(
        request.seed,
        _look("--look", request.look),
        size,
        request.frames,
        camera_speed=request.camera_speed,
        object_speed=request.object_speed,
    )
    photo = still(_look("--photo-look", request.photo_look), request.photo_seed, size)
    record = {
        "photovst": code_version(),
        "look": request.look,
        "seed": request.seed,
        "size": {"height": size[0], "width": size[1]},
        "frames": clip.frames,
        "frame_rate": str(clip.frame_rate),
        "camera_speed": clip.camera_speed,
        "cloud_speed": clip.cloud_speed,
        "object_speed": clip.object_speed,
        "with_objects": clip.with_objects,
        "with_water": clip.with_water,
        "photo": {"look": request.photo_look, "seed": request.photo_seed},
        "neighbors": list(neighbors),
    }
    with progress_for(quiet=quiet, log_json=log_json) as progress:
        progress.stage("scene")
        write_scene(folder, clip, photo, neighbors, record, overwrite=overwrite)
    return folder


def parse_neighbors(text: str) -> tuple[int, ...]:
    """Distances with commas between them.

    >>> parse_neighbors("1,10")
    (1, 10)

    Raises:
        SettingsError: one is not a whole number above 0.
    """
    parts = text.split(",")
    if not all(re.fullmatch(r"[1-9][0-9]{0,8}", part) for part in parts):
        raise SettingsError(f"--neighbors {text} are no distances; give whole numbers from 1 with commas, such as 1,10")
    return tuple(map(int, parts))


def _look(option: str, name: str) -> Look:
    from photovst.media.scene_looks import Look

    if name not in Look.__members__:
        raise SettingsError(f"{option} {name} is no look; {did_you_mean(name, Look.__members__)}")
    return Look[name]
