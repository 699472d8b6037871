"""The color transforms of a finished run, as its folder holds them: for whoever makes something else of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.config import KeyframeKind, ParametrizationKind, Settings, StylerKind
from photovst.errors import MediaError
from photovst.finished_runs import FinishedRun
from photovst.keyframe_track import KeyframeTrack
from photovst.media.clip import open_clip
from photovst.media.records import Clip, Frame
from photovst.media.shots import Shot, detect_shots
from photovst.models.network_files import is_network
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.grid_prior import GridPrior
from photovst.results import FINAL
from photovst.storage import Arrays, read_npz
from photovst.types import Size

PRIOR = GridPrior(smoothness=0)
"""Of grids that are optimized no more: it has no say."""


@dataclass(frozen=True, eq=False)
class RunGrids:
    """The grids of a run by frame, and the clip they are for.

    Args:
        run: what was found.
        clip: its content.
        size: of the result, and so of the frames that grids were applied to.
        shots: of the clip, as the run had them.
        times: of each frame, in seconds.
        stored: the frames whose grids the run folder holds, ascending: all, or the keyframes.
        track: blends grids between keyframes, where there are such.
    """

    run: FinishedRun
    clip: Clip
    size: Size
    shots: tuple[Shot, ...]
    times: tuple[Fraction, ...]
    stored: tuple[int, ...]
    track: KeyframeTrack | None

    @classmethod
    def open(cls, run: FinishedRun) -> RunGrids:
        """Look the clip's shots up again, and see that all grids are there.

        Raises:
            MediaError: the run has no grids, they are not all there is to its pictures, or some were removed.
        """
        _check_kind(run)
        clip = open_clip(run.settings.content)
        size = open_clip(run.result).info.size
        detect = run.settings.shots
        times: list[Fraction] = []

        def look(frame: Frame) -> None:
            times.append(frame.time)

        shots = tuple(detect_shots(clip, detect.threshold if detect.detect else None, on_frame=look))
        count = len(times)
        blank = BilateralGrid.identity((1, 1, 1), PRIOR, torch.device("cpu"))
        track = KeyframeTrack(partial(_load, run), shots, blank)
        keyframed = run.settings.schedule.keyframes.kind is not KeyframeKind.none and count > 1
        stored = [i for k in range(len(shots)) for i in track.keyframes(k)] if keyframed else list(range(count))
        missing = [index for index in stored if not _place(run, index).is_file()]
        if len(missing) == len(stored) and run.settings.styler is StylerKind.predicted:
            raise MediaError(
                f"{run.folder} holds no color transforms: they were removed, or its network gives pictures instead"
            )
        if missing:
            raise MediaError(
                f"the color transforms of {len(missing)} of {len(stored)} frames of {run.folder} were removed, such as"
                f" {FINAL}/{missing[0]:06d}.npz; run it anew with --overwrite"
            )
        return cls(run, clip, size, shots, tuple(times), tuple(stored), track if keyframed else None)

    def state(self, index: int) -> Arrays:
        """What the run folder holds of a frame.

        Raises:
            MediaError: it is gone or damaged.
        """
        arrays = _load(self.run, index, FINAL)
        if arrays is None:
            raise MediaError(f"{_place(self.run, index)} is gone; run it anew with --overwrite")
        return arrays

    def at(self, index: int) -> BilateralGrid:
        """The grid of a frame; between keyframes what the run makes of the two around it.

        Raises:
            MediaError: it is gone or damaged.
        """
        if self.track is not None:
            return self.track.at(index)
        return BilateralGrid(torch.from_numpy(self.state(index)["grid"]), PRIOR)

    def graded(self, index: int, frame: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """What the run makes of a frame at any size: its own is met but for the rounding to whole levels."""
        result = self.at(index).lift(frame)
        return torch.lerp(frame, result, self.strength) if self.strength < 1 else result

    @property
    def between(self) -> tuple[int, ...]:
        """The frames that have no grid of their own, ascending."""
        stored = set(self.stored)
        return tuple(index for index in range(len(self.times)) if index not in stored)

    @property
    def strength(self) -> float:
        """Share of the result that the run's pictures are mixed with."""
        return self.run.settings.strength


def _place(run: FinishedRun, index: int, folder: str = FINAL) -> Path:
    return run.folder / folder / f"{index:06d}.npz"


def _load(run: FinishedRun, index: int, folder: str) -> Arrays | None:
    """What the run folder holds, which is left as it is; None where it holds nothing.

    Raises:
        MediaError: it is damaged.
    """
    place = _place(run, index, folder)
    try:
        return read_npz(place)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise MediaError(f"{place} is damaged ({error}); run it anew with --overwrite") from error


def _check_kind(run: FinishedRun) -> None:
    """Raises MediaError where a run's pictures are not made by grids, or by more than those."""
    settings: Settings = run.settings
    only = "only runs with parametrization.kind=bilateral_grid or a photographic network have such to export"
    if is_network(settings.style):
        raise MediaError(f"{run.folder} was made by a trained network, which gives no color transforms; {only}")
    optimized = settings.styler is StylerKind.optimized
    if optimized and settings.parametrization.kind is not ParametrizationKind.bilateral_grid:
        kind = settings.parametrization.kind.value
        raise MediaError(f"{run.folder} has parametrization.kind={kind}, which gives no color transforms; {only}")
    if settings.local_affine.enabled:
        raise MediaError(
            f"{run.folder} has local_affine.enabled, so that its color transforms alone do not make its pictures; run"
            " it anew without"
        )
