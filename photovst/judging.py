"""By what clips are judged. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FlowSource = Literal["auto", "dis", "dis_fine", "raft", "files"]
"""``auto`` takes ground truth where the clip has some, as MPI-Sintel and procedural scenes do, and DIS flow elsewhere;
``dis_fine`` is DIS flow down to single pixels, slower; ``raft`` is RAFT's large network; ``files`` demands the files of
``flow_folder``, or ground truth."""


@dataclass(frozen=True)
class Judging:
    """What counts for every clip of a comparison alike.

    Args:
        flow: whose motion steadiness is measured along.
        flow_folder: flow in files, as ``photovst flow`` and ``photovst scene`` write them.
        size: longer side to judge at, in pixels; a smaller clip is judged as it is.
        masks: mask files of clip and photograph under which style is judged; a run's own where it has some, else
            regions found anew.
        own_encoder: let the encoder that a run was optimized with judge its style too.
    """

    flow: FlowSource = "auto"
    flow_folder: Path | None = None
    size: int = 480
    masks: tuple[Path, Path] | None = None
    own_encoder: bool = False
