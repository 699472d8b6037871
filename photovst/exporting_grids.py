"""The color transforms of a run in one file, for programs that render frames by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photovst.finished_runs import finished_run
from photovst.media.grid_files import Rows, write_grid_file
from photovst.media.publish import check_new_file
from photovst.progress import Progress
from photovst.run_grids import RunGrids
from photovst.types import Size

SUFFIX = ".grids.npz"
"""Of the file where no other is named, after the run's name."""

MOTION = ("to_former", "to_later")
"""Arrays of motion to the keyframes around a frame, as `CellMotion` has them."""


def export_grids(place: Path, output: Path | None = None, *, overwrite: bool = False, progress: Progress) -> str:
    """Write the grids of a finished run as one .npz, see docs/export.md; gives a line of what came out.

    Args:
        place: a run folder, or the result it lies beside.
        output: the file; beside the run folder, by its name, where none is given.
        overwrite: replace what is there.
        progress: is told of stages.

    Raises:
        MediaError: there is no such run, it has no grids, or the file cannot be written.
    """
    if output is not None:
        check_new_file(output, "the color transforms", overwrite=overwrite)
    run = finished_run(place)
    if output is None:
        output = run.folder.with_name(f"{run.name}{SUFFIX}")
        check_new_file(output, "the color transforms", overwrite=overwrite)
    progress.stage("survey")
    grids = RunGrids.open(run)
    progress.stage("export")
    small = {
        "frames": np.array(grids.stored),
        "times": np.array([float(grids.times[index]) for index in grids.stored]),
        "shots": np.array([(shot.first, shot.stop) for shot in grids.shots]),
        "size": np.array(grids.size),
        "strength": np.array(grids.strength),
    }

    streamed: dict[str, Rows] = {"grids": partial(_transforms, grids)}
    if grids.track is not None:
        streamed |= {name: partial(_motion, grids, name) for name in MOTION}
    write_grid_file(output, small, streamed, rows={name: len(grids.times) for name in MOTION})
    return f"{output}: {_told(grids, grids.size)}, {output.stat().st_size / 1e6:.1f} MB"


def _transforms(grids: RunGrids) -> Iterator[NDArray[np.float32]]:
    for index in grids.stored:
        cells = grids.state(index)["grid"]
        yield cells.reshape(*cells.shape[:-1], 3, 4)


def _motion(grids: RunGrids, name: str) -> Iterator[NDArray[np.float16]]:
    """Of each frame of the clip; zeros for keyframes, for all where grids are blended in place."""
    former = -1
    for index in grids.stored:
        arrays = grids.state(index)
        still = np.zeros((2, *arrays["grid"].shape[1:3]), np.float16)
        yield from arrays.get(name, [still] * (index - former - 1))
        yield still
        former = index


def _told(grids: RunGrids, size: Size) -> str:
    frames, shots = len(grids.stored), len(grids.shots)
    return (
        f"color transforms of {frames} frame{'s' * (frames != 1)} in {shots} shot{'s' * (shots != 1)}, for frames of"
        f" {size[1]}x{size[0]}"
    )
