"""The results of a clip's frames as the run folder holds them: what is done, and what later frames take from it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from photovst.errors import MediaError
from photovst.media.records import Picture
from photovst.media.tensors import to_frame
from photovst.optimize.neighbors import Earlier, Stylized
from photovst.optimize.parametrization import Parametrization
from photovst.run import RunFolder
from photovst.storage import Arrays

FINAL = "state"
"""Where the results lie that the clip is made of."""

GUIDES = "passes/guides"
"""Where each frame and its regions lie at the working size while several passes take them."""


class Results:
    """Results of frames, in order, stored as they come.

    Args:
        run: where they are stored.
        folder: in which of its folders.
        start: makes a result of the kind in use, to be filled from what is stored.
        device: where results are to be.
        reach: how many frames back results are asked for.
        sync: bring each to disk at once, so that not even a power cut loses it.
    """

    def __init__(
        self,
        run: RunFolder,
        folder: str,
        start: Callable[[Tensor], Parametrization],
        device: torch.device,
        reach: int = 1,
        sync: bool = True,
    ) -> None:
        self._sync = sync
        self._run, self._folder, self._start, self._device, self._reach = run, folder, start, device, reach
        self._small: OrderedDict[int, Picture] = OrderedDict()
        self._latest: tuple[int, Stylized] | None = None
        self._first: Stylized | None = None
        self._first_index = 0

    def begin_shot(self, index: int) -> None:
        """Forget what came before: this frame is the first of a shot."""
        self._small.clear()
        self._latest = self._first = None
        self._first_index = index

    def earlier(self, index: int, distances: tuple[int, ...]) -> Earlier:
        """What a frame may start from and be held to."""
        wanted = [distance for distance in distances if index - distance in self._small]
        return Earlier({distance: self._at(index - distance) for distance in wanted}, self._first)

    def restored(self, index: int, small: Picture) -> Stylized:
        """A stored result.

        Raises:
            MediaError: it is gone.
        """
        arrays = self._run.load_state(index, self._folder)
        if arrays is None:
            raise MediaError(
                f"the state of frame {index} in {self._run.path} was removed while it was in use; start again"
            )
        frame = to_frame(small, self._device)
        return Stylized(self._start(frame).restored(arrays), frame, {}, 0, 0)

    def keep(self, index: int, small: Picture, stylized: Stylized) -> None:
        """Remember a result, stored already, for the frames after it."""
        self._small[index] = small
        while len(self._small) > self._reach:
            self._small.popitem(last=False)
        self._latest = index, stylized
        if index == self._first_index:
            self._first = stylized

    def store(self, index: int, stylized: Stylized, carry: Arrays) -> None:
        """Store a result, and what the regions of the next frame of the shot go on from."""
        # In this order: a frame stopped before its carry is done again, and its later record counts.
        self._run.save_state(index, stylized.parametrization.state(), self._folder, self._sync)
        self._run.save_carry(index, carry, self._sync)

    def _at(self, index: int) -> Stylized:
        if self._latest is not None and self._latest[0] == index:
            return self._latest[1]
        return self.restored(index, self._small[index])
