"""The color transforms of a run in one file, for programs that render frames by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from photovst.finished_runs import finished_run
from photovst.media.grid_files import write_grid_file
from photovst.media.publish import check_new_file
from photovst.progress import Progress
from photovst.run_grids import RunGrids
from photovst.types import Size

SUFFIX = ".grids.npz"
"""Of the file where no other is named, after the run's name."""


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

    def transforms() -> Iterator[np.ndarray]:
        for index in grids.stored:
            cells = grids.state(index)["grid"]
            yield cells.reshape(*cells.shape[:-1], 3, 4)

    write_grid_file(output, small, {"grids": transforms})
    return f"{output}: {_told(grids, grids.size)}, {output.stat().st_size / 1e6:.1f} MB"


def _told(grids: RunGrids, size: Size) -> str:
    frames, shots = len(grids.stored), len(grids.shots)
    return (
        f"color transforms of {frames} frame{'s' * (frames != 1)} in {shots} shot{'s' * (shots != 1)}, for frames of"
        f" {size[1]}x{size[0]}"
    )
