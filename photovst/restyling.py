"""Restyling a clip by a trained network: decode, compute, encode, each while the others work; nothing piles up."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass

import torch

from photovst.build_network import Restyler
from photovst.feedforward.batches import filled, groups
from photovst.media.records import Clip, Frame, Picture
from photovst.media.tensors import resized, to_frames, to_pictures
from photovst.pipeline import pipelined
from photovst.progress import Progress
from photovst.run import RunFolder
from photovst.stored_frames import StoredFrames
from photovst.types import Size

Shown = Callable[[Frame, Picture, Picture], None]
"""Is given each frame, its picture at the result's size, and the result, in order."""


@dataclass(frozen=True, eq=False)
class Group:
    """Frames that are computed at once, and their pictures at the result's size."""

    frames: tuple[Frame, ...]
    images: list[Picture]


@dataclass(frozen=True, eq=False)
class Computed:
    """The results of a group, and the seconds that the network took for it; None where all of it was stored."""

    group: Group
    results: list[Picture]
    seconds: float | None


def restyle(
    run: RunFolder,
    clip: Clip,
    size: Size,
    restyler: Restyler,
    strength: float,
    progress: Progress,
    show: Shown,
) -> int:
    """Restyle every frame and hand it to ``show``; gives the number of frames.

    On a GPU one thread decodes and another one asks the network while frames are shown, which is where they are
    encoded. On a CPU the network keeps every core busy, and threads beside it would only make both wait.

    Args:
        run: where finished frames and records go, and are taken from.
        clip: what is restyled.
        size: of the result.
        restyler: the network.
        strength: how much of the change is shown, in [0, 1].
        progress: is told of every frame.
        show: is given every frame.

    Raises:
        NumericalError: the network gives what is no number.
        PhotovstError: what ``show`` raises.
    """
    stored = StoredFrames(run)
    if done := stored.count():
        progress.note(f"{done} frames are stored; going on from there")
    alone = restyler.device.type == "cpu"
    source = _groups(clip, size, restyler.batch)
    output = _Output(run, stored, clip.info.frame_count, progress, show)

    def computed(group: Group) -> Computed:
        return _results(group, restyler, strength, stored)

    with closing(source):
        if alone:
            for group in source:
                output.put(computed(group))
        else:
            pipelined(source, computed, output.put)
    return output.count


def _groups(clip: Iterable[Frame], size: Size, batch: int) -> Generator[Group]:
    for frames in groups(clip, batch):
        yield Group(frames, [resized(frame.image, size) for frame in frames])


def _results(group: Group, restyler: Restyler, strength: float, stored: StoredFrames) -> Computed:
    found = [stored.load(frame.index) for frame in group.frames]
    whole = [picture for picture in found if picture is not None]
    if len(whole) == len(group.frames):
        return Computed(group, whole, None)
    frames = to_frames(filled(group.images, restyler.batch), restyler.device)
    began = _now(restyler.device)
    times = [float(frame.time) for frame in filled(group.frames, restyler.batch)]
    restyled = restyler.restyled(frames, times)
    seconds = _now(restyler.device) - began
    if strength < 1:
        restyled = torch.lerp(frames, restyled, strength)
    return Computed(group, to_pictures(restyled, group.images[0].dtype)[: len(group.frames)], seconds)


def _now(device: torch.device) -> float:
    """The time at which everything that the device was asked for is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


class _Output:
    """What is done with finished frames: shown, noted down, stored."""

    def __init__(
        self, run: RunFolder, stored: StoredFrames, total: int | None, progress: Progress, show: Shown
    ) -> None:
        self._run, self._stored, self._total, self._progress, self._show = run, stored, total, progress, show
        self._since = time.perf_counter()
        self.count = 0

    def put(self, computed: Computed) -> None:
        """Show, note down and store the results of a group."""
        group, results, seconds = computed.group, computed.results, computed.seconds
        for frame, image, result in zip(group.frames, group.images, results, strict=True):
            self._show(frame, image, result)
        now = time.perf_counter()
        # From one group's end to the next one's: what a frame takes in all, with whatever is done at the same time.
        whole, self._since = now - self._since, now
        self.count += len(results)
        if seconds is None:
            return
        network = seconds / len(results)
        times = {"network": network, "decode and encode": max(0.0, whole / len(results) - network)}
        for frame, result in zip(group.frames, results, strict=True):
            self._run.add_record({"frame": frame.index, "iterations": 0, "seconds": times})
            self._progress.frame(frame.index, self._total, None, sum(times.values()), 0)
            self._stored.store(frame.index, result)
