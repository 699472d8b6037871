"""A procedural scene as a folder of files: frames, photograph, and exact flow, occlusion and labels.

The names are those of [Ruder2016]'s released program, which counts frames from 1: ``forward_i_j.flo`` is the flow from
frame i to the later frame j on the grid of i, ``backward_j_i.flo`` the flow from j to i on the grid of j, and
``reliable_i_j.pgm``, on the grid of i, is 255 where what i shows is seen in j too, and 0 where it is occluded.

Labels are indexed PNGs beside a ``labels.csv`` of their names: what ``segmentation.method=files`` reads.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from photovst.errors import MediaError, SettingsError
from photovst.media.certainty_files import write_certainty
from photovst.media.flow_files import write_flow
from photovst.media.flow_names import certainty_name, flow_stem
from photovst.media.images import write_image
from photovst.media.label_legend import Entry, Legend, write_legend
from photovst.media.label_values import write_labels
from photovst.media.publish import partial_path, publish_folder
from photovst.media.scenes import LABELS, Scene

RECORD = "scene.json"
"""What made the scene; a folder that holds it was written here, and may be replaced."""

_COLORS = (
    *((112, 176, 232), (136, 120, 152), (56, 136, 64), (192, 160, 96), (200, 80, 72), (32, 72, 160), (240, 208, 48)),
)

LEGEND = Legend(tuple(Entry(k, name, color) for k, (name, color) in enumerate(zip(LABELS, _COLORS, strict=True))))
"""Names of a scene's labels, and the colors they are shown in."""


def write_scene(
    folder: Path,
    scene: Scene,
    photo: Scene,
    neighbors: Sequence[int],
    made_by: Mapping[str, object],
    *,
    overwrite: bool = False,
    on_frame: Callable[[int], None] | None = None,
) -> None:
    """Write a scene; the folder appears whole.

    It holds ``frames/0001.png`` and on, ``photo.png``, ``flow/``, ``labels/000000.png`` and on,
    ``photo_labels/photo.png`` and ``scene.json``.

    Args:
        folder: where; an earlier scene there is replaced only with ``overwrite``.
        scene: the clip.
        photo: the photograph that goes with it: the first frame of this, see `still`.
        neighbors: distances, in frames, of the pairs whose motion is written; pairs beyond the clip's end are left out.
        made_by: what ``scene.json`` says, as JSON values.
        on_frame: called with each frame's index once it is written with all its motion.

    Raises:
        SettingsError: a distance is not positive.
        MediaError: the folder is there already, or cannot be written.
    """
    if any(distance < 1 for distance in neighbors):
        raise SettingsError(f"neighbors are distances of 1 frame or more, got {list(neighbors)}")
    _check_place(folder, overwrite)
    part = partial_path(folder)
    try:
        shutil.rmtree(part, ignore_errors=True)
        for name in ("frames", "flow", "labels", "photo_labels"):
            (part / name).mkdir(parents=True)
        write_image(part / "photo.png", photo.frame(0))
        write_labels(part / "photo_labels" / "photo.png", photo.labels(0), LEGEND)
        for name in ("labels", "photo_labels"):
            write_legend(part / name, LEGEND)
        for t in range(scene.frames):
            write_image(part / "frames" / f"{t + 1:04d}.png", scene.frame(t))
            write_labels(part / "labels" / f"{t:06d}.png", scene.labels(t), LEGEND)
            for distance in sorted(set(neighbors)):
                if t + distance < scene.frames:
                    _write_motion(part / "flow", scene, t, t + distance)
            if on_frame is not None:
                on_frame(t)
        (part / RECORD).write_text(json.dumps(made_by, indent=1) + "\n", encoding="utf-8")
        publish_folder(part, folder)
    except OSError as error:
        raise MediaError(f"cannot write {folder} ({error.strerror}); free space or choose another place") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_place(folder: Path, overwrite: bool) -> None:
    if not folder.absolute().parent.is_dir():
        raise MediaError(
            f"cannot write {folder}: the folder {folder.absolute().parent} does not exist; create it first"
        )
    if not folder.exists():
        return
    if not folder.is_dir():
        raise MediaError(f"{folder} is a file; choose another folder for the scene")
    if not (folder / RECORD).is_file():
        if any(folder.iterdir()):
            raise MediaError(f"{folder} holds files but no scene; choose another folder")
    elif not overwrite:
        raise MediaError(f"{folder} holds a scene; choose another folder, or pass --overwrite")


def _write_motion(folder: Path, scene: Scene, t: int, other: int) -> None:
    for start, end in ((t, other), (other, t)):
        write_flow(folder / f"{flow_stem(start, end)}.flo", scene.flow(start, end))
        write_certainty(folder / certainty_name(start, end), (~scene.occlusion(start, end)).astype(np.float32))
