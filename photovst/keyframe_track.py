"""The grids of all frames of a clip, from those of its keyframes as a run folder holds them."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence

from photovst.errors import MediaError
from photovst.media.shots import Shot
from photovst.optimize.between import between, restored_motion
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.storage import Arrays

SHOTS = "state/shots"
"""Where the run folder keeps, by a shot's number, which of its frames are keyframes; there once all are done."""

PLACES = "keyframes"
"""The name of the array there: numbers of frames, ascending."""

Load = Callable[[int, str], Arrays | None]
"""The arrays of a frame, or shot, in a folder of the run."""


class KeyframeTrack:
    """Grids by frame; a few of them are held, however long the clip is.

    Args:
        load: reads what the run folder holds.
        shots: of the clip.
        blank: a grid of the run's kind, to be filled from what is stored.
    """

    def __init__(self, load: Load, shots: Sequence[Shot], blank: BilateralGrid) -> None:
        self._load, self._shots, self._blank = load, tuple(shots), blank
        self._stops = [shot.stop for shot in shots]
        self._places: tuple[int, tuple[int, ...]] | None = None
        self._held: OrderedDict[int, tuple[BilateralGrid, Arrays]] = OrderedDict()

    def keyframes(self, shot: int) -> tuple[int, ...]:
        """The keyframes of a shot, by its number: the first and the last frame, and some between.

        Raises:
            MediaError: the run folder does not say.
        """
        if self._places is None or self._places[0] != shot:
            arrays = self._load(shot, SHOTS)
            if arrays is None:
                raise MediaError(f"the keyframes of shot {shot + 1} were removed from the run folder; start again")
            self._places = shot, tuple(int(index) for index in arrays[PLACES])
        return self._places[1]

    def around(self, index: int) -> tuple[int, int]:
        """The keyframes before and after a frame; itself twice where it is one."""
        # One more than the stop before it: shots follow each other without a gap.
        places = self.keyframes(bisect_left(self._stops, index + 1))
        after = bisect_left(places, index)
        return (places[after], places[after]) if places[after] == index else (places[after - 1], places[after])

    def at(self, index: int) -> BilateralGrid:
        """The grid of a frame: a keyframe's own, or what `between` makes of the two around it.

        Raises:
            MediaError: one of them is gone.
        """
        former, later = self.around(index)
        if former == later:
            return self._stored(index)[0]
        first, (second, arrays) = self._stored(former)[0], self._stored(later)
        motion = restored_motion(arrays, index - former - 1, second.grid)
        return between(first, second, (index - former) / (later - former), motion)

    def _stored(self, index: int) -> tuple[BilateralGrid, Arrays]:
        if index not in self._held:
            arrays = self._load(index, "state")
            if arrays is None:
                raise MediaError(f"the state of keyframe {index} was removed from the run folder; start again")
            self._held[index] = self._blank.restored(arrays), arrays
            while len(self._held) > 2:
                self._held.popitem(last=False)
        self._held.move_to_end(index)
        return self._held[index]
