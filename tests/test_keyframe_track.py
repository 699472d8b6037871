"""Grids of all frames from those of the keyframes that are stored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from photovst.errors import MediaError
from photovst.keyframe_track import PLACES, SHOTS, KeyframeTrack
from photovst.media.shots import Shot
from photovst.ops.bilateral_grid import identity_grid
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.grid_prior import GridPrior
from photovst.storage import Arrays

BLANK = BilateralGrid(identity_grid(1, 2, 2), GridPrior(0.1))
SHOTS_HERE = (Shot(0, 9), Shot(9, 10), Shot(10, 14))
PLACED = {0: [0, 4, 8], 1: [9], 2: [10, 13]}


def stored(index: int) -> Arrays:
    return {"grid": np.full((1, 2, 2, 12), float(index), np.float32)}


class Folder:
    """What a run folder would hold: a keyframe's grid is its number, all over."""

    def __init__(self) -> None:
        self.reads: list[int] = []
        self.missing: set[tuple[int, str]] = set()

    def load(self, index: int, folder: str) -> Arrays | None:
        if (index, folder) in self.missing:
            return None
        if folder == SHOTS:
            return {PLACES: np.array(PLACED[index])}
        assert any(index in places for places in PLACED.values())
        self.reads.append(index)
        return stored(index)


def test_frames_have_what_lies_between_their_keyframes_and_none_of_another_shot() -> None:
    folder = Folder()
    track = KeyframeTrack(folder.load, SHOTS_HERE, BLANK)
    for index in range(14):
        assert torch.allclose(track.at(index).grid, torch.tensor(float(index)), atol=1e-6)
    assert folder.reads == [0, 4, 8, 9, 10, 13]  # each once, in order
    assert [track.around(index) for index in (0, 3, 4, 9, 12)] == [(0, 0), (0, 4), (4, 4), (9, 9), (10, 13)]


def test_motion_that_is_stored_is_followed() -> None:
    def load(index: int, folder: str) -> Arrays | None:
        if folder == SHOTS:
            return {PLACES: np.array([0, 2])}
        grid = np.zeros((1, 1, 5, 12), np.float32)
        grid[0, 0, 1 if index == 0 else 3] = 1
        there = np.stack([np.full((1, 5), -1, np.float16), np.zeros((1, 5), np.float16)])[None]
        return {"grid": grid, **({"to_former": there, "to_later": -there} if index else {})}

    blank = BilateralGrid(identity_grid(1, 1, 5), GridPrior(0.1))
    middle = KeyframeTrack(load, [Shot(0, 3)], blank).at(1).grid[0, 0, :, 0]
    assert torch.allclose(middle, torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0]))


def test_what_is_gone_is_told_of() -> None:
    folder = Folder()
    folder.missing = {(4, "state"), (2, SHOTS)}
    track = KeyframeTrack(folder.load, SHOTS_HERE, BLANK)
    with pytest.raises(MediaError, match="the state of keyframe 4 was removed"):
        track.at(5)
    with pytest.raises(MediaError, match="the keyframes of shot 3 were removed"):
        track.at(11)
