"""The grids of finished runs, and every reason why there are none."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_runs import made_run

from photovst.config import Settings
from photovst.errors import MediaError
from photovst.finished_runs import FinishedRun, finished_run
from photovst.run_grids import RunGrids
from photovst.storage import write_npz


def with_grids(folder: Path, *overrides: str, frames: int = 4) -> FinishedRun:
    """A run whose grids are made up: each shifts colors by a hundredth of its frame's number."""
    place = made_run(folder, "out", *overrides, frames=frames, shown=(0,))
    for index in range(frames):
        grid = np.zeros((2, 2, 2, 12), np.float32)
        grid[..., [0, 5, 10]], grid[..., [3, 7, 11]] = 1, index / 100
        write_npz(place / "state" / f"{index:06d}.npz", {"grid": grid})
    return finished_run(place)


def test_each_frame_has_its_grid(tmp_path: Path) -> None:
    grids = RunGrids.open(with_grids(tmp_path, "strength=0.5"))
    assert (grids.stored, grids.strength) == ((0, 1, 2, 3), 0.5)
    assert [(shot.first, shot.stop) for shot in grids.shots] == [(0, 4)]
    assert [float(time) for time in grids.times] == pytest.approx([index / 24 for index in range(4)], abs=1e-3)
    frame = grids.at(0).grid.new_full((1, 3, 5, 7), 0.4)
    np.testing.assert_allclose(grids.at(3).lift(frame), 0.43, atol=1e-6)
    np.testing.assert_allclose(grids.graded(3, frame), 0.415, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("parametrization.kind=pixels",), "has parametrization.kind=pixels, which gives no color transforms"),
        (("local_affine.enabled=true",), "has local_affine.enabled"),
    ],
)
def test_runs_of_other_kinds_are_refused(tmp_path: Path, settings: tuple[str, ...], said: str) -> None:
    with pytest.raises(MediaError, match=said):
        RunGrids.open(with_grids(tmp_path, *settings))


def test_runs_of_trained_networks_are_refused(tmp_path: Path) -> None:
    found = with_grids(tmp_path)
    style = dataclasses.replace(found.settings, style="night.safetensors")
    with pytest.raises(MediaError, match="was made by a trained network"):
        RunGrids.open(dataclasses.replace(found, settings=style))


def test_states_that_are_gone_or_damaged_are_told(tmp_path: Path) -> None:
    found = with_grids(tmp_path)
    grids, place = RunGrids.open(found), found.folder / "state" / "000002.npz"
    place.write_bytes(place.read_bytes()[:-3])
    with pytest.raises(MediaError, match=r"000002\.npz is damaged"):
        grids.at(2)
    assert place.exists()
    place.unlink()
    with pytest.raises(MediaError, match=r"000002\.npz is gone"):
        grids.at(2)
    with pytest.raises(MediaError, match=r"of 1 of 4 frames of .* were removed, such as state/000002\.npz"):
        RunGrids.open(found)
    shutil.rmtree(found.folder / "state")
    predicted: Settings = dataclasses.replace(found.settings, styler=type(found.settings.styler).predicted)
    with pytest.raises(MediaError, match="holds no color transforms: they were removed, or its network gives pictures"):
        RunGrids.open(dataclasses.replace(found, settings=predicted))
