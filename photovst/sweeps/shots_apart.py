"""The shots of a clip stylized apart from each other, by other processes: no frame needs one of another shot."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photovst.build import build_device, build_encoder
from photovst.build_predicted import build_predictor
from photovst.config import Settings, StylerKind
from photovst.errors import SettingsError
from photovst.guidance.survey import Survey
from photovst.keyframe_track import SHOTS
from photovst.keyframes import run_keyframes
from photovst.media.clip import open_clip
from photovst.media.shots import Shot
from photovst.media.tensors import to_frame
from photovst.progress import Progress
from photovst.run import RunFolder
from photovst.style_pictures import read_style
from photovst.stylization import Stylization
from photovst.types import Size

FOLDER = "shots"
"""Of a run: one run folder a shot, until its states are taken over."""


@dataclass(frozen=True)
class ShotOrder:
    """Neighboring shots of a clip that one task stylizes.

    ``shots`` are their numbers among the shots of ``overview``, which holds thumbnails of these only.
    """

    settings: Settings
    key: dict[str, Any]
    run_folder: Path
    size: Size
    overview: Survey
    shots: tuple[int, ...]

    @property
    def name(self) -> str:
        """Such as ``shots 3-5``, counted from 1."""
        first, last = self.shots[0] + 1, self.shots[-1] + 1
        return f"shot {first}" if first == last else f"shots {first}-{last}"


Send = Callable[[Sequence[ShotOrder]], Iterable[Exception | None]]
"""Has orders done elsewhere, and tells of each as it ends, in any order."""


def stylize_shots_apart(work: Stylization, send: Send, tasks: int) -> None:
    """Have the shots of a clip that are not done stylized elsewhere, and take their states and records over.

    Args:
        work: the stylization of the clip; its run folder is held by this process.
        send: has it done.
        tasks: at most about so many orders; a shot is never parted.

    Raises:
        PhotovstError: what went wrong with the first order that failed; shots that are done stay in the run folder.
    """
    _adopt(work)
    orders = _orders(work, tasks)
    work.progress.stage("shots")
    for error in send(orders):
        _adopt(work)
        if error is not None:
            raise error
    shutil.rmtree(work.run.path / FOLDER, ignore_errors=True)


def do_order(order: ShotOrder, progress: Progress) -> None:
    """Stylize the shots of an order, each into a run folder of its own inside the clip's.

    Raises:
        SettingsError: this process would take another device than the one that gives the order.
        PhotovstError: as for `stylize_clip`.
    """
    settings, device = order.settings, build_device(order.settings)
    if str(device) != order.key["device"]:
        raise SettingsError(
            f"the shots are to be stylized on {order.key['device']}, but this worker has {device}; set device=cpu, or"
            " give workers what this process has (--gpus)"
        )
    encoder = build_encoder(settings, device) if settings.styler is StylerKind.optimized else None
    photo, predictor = to_frame(read_style(settings.style), device), build_predictor(settings, device)
    for number in order.shots:
        with RunFolder.open(order.run_folder / FOLDER / f"{number:06d}", settings, order.key) as run:
            clip = open_clip(settings.content)
            work = Stylization(settings, run, clip, order.overview, order.size, encoder, photo, progress, predictor)
            shot = order.overview.shots[number]
            if work.keyframed:
                run_keyframes(work, lambda *_: None, shot)
            else:
                for _ in work.results(shot=shot):
                    pass


def _adopt(work: Stylization) -> None:
    shots = work.overview.shots
    for number, shot in enumerate(shots):
        folder = work.run.path / FOLDER / f"{number:06d}"
        if not folder.is_dir():
            continue
        if work.keyframed:
            work.run.adopt_marked(folder, SHOTS, number)
        else:
            work.run.adopt(folder, _frames(shot), carry=shot is shots[-1])


def _orders(work: Stylization, tasks: int) -> list[ShotOrder]:
    """Neighbors together, for a worker decodes the clip from its start."""
    shots = work.overview.shots
    todo = [n for n in range(len(shots)) if not _done(work, n)]
    share = math.ceil(sum(len(_frames(shots[n])) for n in todo) / max(tasks, 1))
    batches: list[list[int]] = []
    for number in todo:
        length = sum(len(_frames(shots[n])) for n in batches[-1]) if batches else share
        if length + len(_frames(shots[number])) > share:
            batches.append([])
        batches[-1].append(number)
    return [_order(work, tuple(batch)) for batch in batches]


def _done(work: Stylization, number: int) -> bool:
    """Whether a shot has all its states."""
    if work.keyframed:
        return work.run.has_state(number, SHOTS)
    return all(work.run.has_state(index) for index in _frames(work.overview.shots[number]))


def _order(work: Stylization, numbers: tuple[int, ...]) -> ShotOrder:
    shots = work.overview.shots
    inside = {i for n in numbers for i in _frames(shots[n])}
    overview = Survey(shots, {i: picture for i, picture in work.overview.thumbnails.items() if i in inside})
    return ShotOrder(work.settings, dict(work.run.key), work.run.path, work.size, overview, numbers)


def _frames(shot: Shot) -> range:
    return range(shot.first, shot.stop)
