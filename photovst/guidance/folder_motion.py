"""The motion of clips whose flow lies in a folder, procedural scenes among them, by the numbers of their frames."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.flow import FlowPair
from photovst.guidance.flow_folder import FlowFiles
from photovst.media.flow_names import flow_stem


@dataclass(frozen=True)
class FolderMotion:
    """Flow files of a clip, or of a clip that this one is a part of.

    Args:
        files: the folder, named as [Ruder2016]'s program names them.
        name: whose motion this is, for people.
        frames: the number in the files, from 0, of each frame of the clip, in the clip's order; the clip's own when
            not given.
    """

    files: FlowFiles
    name: str = "flow files"
    frames: tuple[int, ...] | None = None

    @property
    def note(self) -> str:
        """Where it is from."""
        return f"{self.name} of {self.files.folder}"

    def has(self, before: int, now: int) -> bool:
        """Whether there is flow between two frames of the clip, counted from 0.

        Both ways are needed: what has no certainty in a file is held against the flow back.
        """
        start, end = self._number(before), self._number(now)
        if start is None or end is None or start == end:
            return False
        return self._is_there(start, end) and self._is_there(end, start)

    def has_back(self, before: int, now: int) -> bool:
        """Whether there is flow back, on the grid of the latter: wherever there is flow."""
        return self.has(before, now)

    def between(
        self, previous: Float[Tensor, "1 3 h w"], current: Float[Tensor, "1 3 h w"], indices: tuple[int, int]
    ) -> FlowPair:
        """Motion between two frames by their numbers in the clip, from 0, resized to the frames' size.

        Raises:
            MediaError: the clip has not these frames, or a file is absent, damaged, or not of the clip's size.
        """
        start, end = (self._number(index) for index in indices)
        if start is None or end is None:
            raise MediaError(f"the clip has no flow between its frames {indices[0]} and {indices[1]}; use another")
        return self.files.between(previous, current, (start, end))

    def _number(self, index: int) -> int | None:
        if self.frames is None:
            return index if index >= 0 else None
        return self.frames[index] if 0 <= index < len(self.frames) else None

    def _is_there(self, start: int, end: int) -> bool:
        stem = flow_stem(start, end)
        return any((self.files.folder / f"{stem}{suffix}").is_file() for suffix in (".flo", ".png"))
