"""The colors of a run as look-up tables, one a shot, for editors; with what such tables cannot say."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photovst.errors import MediaError
from photovst.finished_runs import finished_run
from photovst.media.cube_files import Cube, write_cube
from photovst.media.images import write_image
from photovst.media.publish import check_folder_of, check_new_file
from photovst.media.records import Picture
from photovst.media.shots import Shot
from photovst.media.tensors import to_frame
from photovst.ops.color import rgb_to_lab
from photovst.ops.color_lut import apply_lut, fit_lut
from photovst.progress import Progress
from photovst.residual_sheet import SheetRow, residual_sheet
from photovst.run_grids import RunGrids
from photovst.storage import write_atomic
from photovst.tables import table_text

LONG_SIDE = 320
"""Of the frames that colors are taken from, in pixels, at most."""

FRAMES = 9
"""Frames of a shot that are looked at: every other one is fitted, the rest say how well."""

COLORS = 72_000
"""Colors of a shot that a table is fitted to, at most: with four times as many it comes out the same."""

SHOWN = 12
"""Shots on the sheet: those with the largest residuals."""

CLOSE, SEEN = 2.0, 5.0
"""Mean differences in CIE Lab up to which pictures look alike one after the other, and beside each other."""

HEADINGS = ("shot", "frames", "RMSE", "95 %", "Delta E", "")


@dataclass(frozen=True)
class Residual:
    """How far a shot's table is from the run's own pictures, on frames that it was not fitted to where there are such.

    Args:
        shot: its number, from 1.
        first: its first frame.
        stop: the frame after its last.
        file: of the table.
        measured: the frames it is measured on.
        rmse: root mean square difference of red, green and blue, in levels of 8 bits.
        p95: the difference that 95 % of these values stay below, in levels of 8 bits.
        delta_e: mean distance in CIE Lab (CIE 1976).
    """

    shot: int
    first: int
    stop: int
    file: str
    measured: tuple[int, ...]
    rmse: float
    p95: float
    delta_e: float

    @property
    def verdict(self) -> str:
        """The same in words."""
        if self.delta_e < CLOSE:
            return "close"
        return "seen side by side" if self.delta_e < SEEN else "far: one table is too little here, see --grid"


@dataclass(frozen=True)
class CubePlaces:
    """Where tables and residuals go: into a folder, or where ``output`` is a .cube, beside that."""

    output: Path

    @property
    def single(self) -> bool:
        """Whether there is to be one file."""
        return self.output.suffix.lower() == ".cube"

    def cube(self, number: int, shot: Shot) -> Path:
        """Of the table of a shot, numbered from 1."""
        return self.output if self.single else self.output / f"shot_{number:03d}_{shot.first:06d}.cube"

    def residuals(self, suffix: str) -> Path:
        """Of the residuals, as numbers and as a picture."""
        name = f"residuals{suffix}"
        return self.output.with_name(f"{self.output.stem}.{name}") if self.single else self.output / name

    def check(self, overwrite: bool) -> None:
        """Refuse a place that cannot be written to.

        Raises:
            MediaError: a folder is absent or not writable, or a name is taken.
        """
        if self.single:
            check_new_file(self.output, "the table", overwrite=overwrite)
        elif self.output.exists():
            if not self.output.is_dir():
                raise MediaError(f"{self.output} is a file; give a folder for the tables, or a name that ends in .cube")
            check_folder_of(self.output / "residuals.json")
            if not overwrite and (taken := [*self.tables(), *self.output.glob("residuals.*")]):
                raise MediaError(f"{taken[0]} exists; choose another folder, or pass --overwrite")
        else:
            check_folder_of(self.output)

    def tables(self) -> list[Path]:
        """Those that lie in the folder."""
        return [] if self.single else sorted(self.output.glob("shot_[0-9]*_[0-9]*.cube"))


def export_cubes(
    place: Path, output: Path | None = None, points: int = 33, *, overwrite: bool = False, progress: Progress
) -> str:
    """Write a .cube table a shot of a finished run, and their residuals; gives a table of those.

    Args:
        place: a run folder, or the result it lies beside.
        output: a folder, or for a clip of one shot a .cube file; by the run's name, beside its folder, if not given.
        points: of a table along each axis.
        overwrite: replace tables that are there.
        progress: is told of shots.

    Raises:
        MediaError: there is no such run, it has no grids, or the place cannot be written to.
    """
    if output is not None:
        CubePlaces(output).check(overwrite)
    run = finished_run(place)
    places = CubePlaces(output or run.folder.with_name(f"{run.name}.cubes"))
    places.check(overwrite)
    progress.stage("survey")
    grids = RunGrids.open(run)
    if places.single and len(grids.shots) > 1:
        raise MediaError(f"{output} is one table, but the clip has {len(grids.shots)} shots; give a folder instead")
    progress.stage("fit")
    residuals: list[Residual] = []
    worst: list[tuple[float, int, SheetRow]] = []
    if not places.single:
        try:
            places.output.mkdir(exist_ok=True)
        except OSError as error:
            raise MediaError(f"cannot make the folder {places.output} ({error.strerror}); choose another") from error
    for number, (shot, samples) in enumerate(_sampled(grids), start=1):
        graded = {index: grids.graded(index, frame) for index, frame in samples.items()}
        fitted, kept = _halves(tuple(samples))
        table = fit_lut(_colors([samples[i] for i in fitted]), _colors([graded[i] for i in fitted]), points)
        path = places.cube(number, shot)
        write_cube(path, Cube(table.numpy(), f"{run.name}, shot {number}"))
        tabled = {index: apply_lut(table, samples[index]) for index in kept}
        figures = _distances([graded[i] for i in kept], list(tabled.values()))
        residual = Residual(number, shot.first, shot.stop, path.name, kept, *figures)
        residuals.append(residual)
        middle = kept[len(kept) // 2]
        pictures = (samples[middle], graded[middle], tabled[middle])
        label = (f"shot {number}", f"frame {middle}", f"RMSE {residual.rmse:.1f}", f"dE {residual.delta_e:.1f}")
        heapq.heappush(worst, (residual.delta_e, -number, SheetRow(label, *pictures)))
        if len(worst) > SHOWN:
            heapq.heappop(worst)
        progress.note(f"shot {number} of {len(grids.shots)}: Delta E {residual.delta_e:.1f}, {residual.verdict}")
    written = {each.file for each in residuals}
    for former in places.tables():
        if former.name not in written:
            former.unlink()
    rows = [row for _, number, row in sorted(worst, key=lambda each: -each[1])]
    write_image(places.residuals(".png"), residual_sheet(rows))
    record = {"run": run.name, "points": points, "shots": [asdict(each) for each in residuals]}
    write_atomic(places.residuals(".json"), json.dumps(record, indent=1).encode())
    return f"{_table(residuals)}\n{places.output}"


def _sampled(grids: RunGrids) -> Iterator[tuple[Shot, dict[int, Tensor]]]:
    """The shots in order, each with a few frames spread over it; the clip is decoded once, small."""
    shots = iter(grids.shots)
    shot, taken = next(shots), dict[int, Picture]()
    wanted = _spread(shot)
    for frame in grids.clip.thumbnails(LONG_SIDE):
        if frame.index in wanted:
            taken[frame.index] = frame.image
        if frame.index == shot.last:
            yield shot, {index: to_frame(picture) for index, picture in taken.items()}
            shot, taken = next(shots, shot), {}
            wanted = _spread(shot)


def _spread(shot: Shot) -> frozenset[int]:
    return frozenset(int(index) for index in np.linspace(shot.first, shot.last, min(FRAMES, len(shot))).round())


def _halves(frames: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Those to fit, the first and the last among them, and those to measure on: the same where there are few."""
    return (frames, frames) if len(frames) < 3 else (frames[::2] + frames[-1:] * (len(frames) % 2 == 0), frames[1:-1:2])


def _colors(frames: Sequence[Tensor]) -> Tensor:
    colors = torch.cat([frame[0].flatten(1).T for frame in frames])
    return colors[:: -(-len(colors) // COLORS)]


def _distances(one: Sequence[Tensor], other: Sequence[Tensor]) -> tuple[float, float, float]:
    """Root mean square and 95th percentile in levels, and the mean distance in Lab."""
    a, b = torch.cat(list(one)), torch.cat(list(other))
    levels = 255 * (a - b).abs().numpy()
    apart = (rgb_to_lab(a) - rgb_to_lab(b)).norm(dim=1)
    return float(np.sqrt((levels**2).mean())), float(np.percentile(levels, 95)), float(apart.mean())


def _table(residuals: Sequence[Residual]) -> str:
    rows = [(str(each.shot), f"{each.first} to {each.stop - 1}", *_figures(each), each.verdict) for each in residuals]
    return table_text(HEADINGS, rows)


def _figures(residual: Residual) -> tuple[str, str, str]:
    return f"{residual.rmse:.1f}", f"{residual.p95:.1f}", f"{residual.delta_e:.1f}"
