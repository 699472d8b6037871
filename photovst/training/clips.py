"""Samples from any clips: their own motion, estimated once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.guidance.dis import Dis
from photovst.guidance.flow import FlowEstimator, flow_pair
from photovst.media.clip import open_clip
from photovst.media.records import as_depth
from photovst.media.tensors import resized, to_frame
from photovst.training.array_store import Arrays, ArrayStore
from photovst.training.augmentation import Augmentation
from photovst.training.batch import UNKNOWN_LABEL, Sample
from photovst.training.source import farthest_first
from photovst.types import Size

_VERSION = 1


@dataclass(frozen=True)
class Clips:
    """A random moment of a random clip, in either order of time.

    A clip is read once, made smaller, and kept; so is the flow between two of its frames, in half floats, held against
    the flow back. Flow of other frames is estimated when they are first drawn. In a clip too short for a distance, the
    farthest frame stands in for it, with its own flow.

    Args:
        paths: the clips, as `media.clip.open_clip` opens them.
        store: where frames and flow are kept.
        augmentation: of the window.
        estimator: of flow.
        short_side: pixels that the shorter side of a kept frame has at most.
        longest: frames of a clip that are used, from its start.

    Raises:
        MediaError: there are no clips.
        SettingsError: a number is out of range.
    """

    paths: tuple[Path, ...]
    store: ArrayStore
    augmentation: Augmentation = field(default_factory=Augmentation)
    estimator: FlowEstimator = field(default_factory=Dis)
    short_side: int = 320
    longest: int = 100

    def __post_init__(self) -> None:
        if not self.paths:
            raise MediaError("no clips to train on; give a folder that holds some")
        if self.short_side < 16 or self.longest < 2:
            raise SettingsError(
                f"clips to train on with a short side of {self.short_side} pixels, {self.longest} frames of each; give"
                " 16 pixels and 2 frames at least"
            )

    @property
    def name(self) -> str:
        """What it is, for messages."""
        return f"clips such as {self.paths[0]}"

    def sample(self, rng: np.random.Generator, size: Size, distances: Sequence[int]) -> Sample:
        """One sample; see `Source`.

        Raises:
            MediaError: a clip cannot be read or has one frame only, or nothing can be kept.
        """
        steps = farthest_first(distances)
        index = int(rng.integers(len(self.paths)))
        frames = _frames(self, index)
        reach = min(steps[0], len(frames) - 1)
        first = int(rng.integers(len(frames) - reach))
        way = -1 if rng.random() < 0.5 else 1
        current = first if way > 0 else first + reach
        others = [current + way * min(step, reach) for step in steps]
        view = self.augmentation.view(rng, (frames.shape[1], frames.shape[2]), size)
        flows: list[Tensor] = []
        certainties: list[Tensor] = []
        for other in others:
            motion = self._motion(index, frames, current, other)
            flows.append(view.flow(view.cut(motion["flow"]).astype(np.float32)))
            window = view.cut(motion["certainty"]).astype(np.float32) * np.float32(1 / 255)
            certainties.append(view.certainty(window, flows[-1]))
        return Sample(
            torch.stack([view.frame(frames[t]) for t in (*others, current)]),
            torch.stack(flows),
            torch.stack(certainties),
            torch.full((len(steps) + 1, *size), UNKNOWN_LABEL, dtype=torch.uint8),
        )

    def _motion(self, index: int, frames: NDArray[np.uint8], current: int, other: int) -> Arrays:
        def make() -> Arrays:
            pair = flow_pair(self.estimator, to_frame(frames[other]), to_frame(frames[current]))
            limit = float(np.finfo(np.float16).max)
            flow = pair.to_previous[0].clamp(-limit, limit).permute(1, 2, 0).numpy()
            levels = pair.certainty_to_previous[0, 0].mul(255).round().numpy()
            return {"flow": flow.astype(np.float16), "certainty": levels.astype(np.uint8)}

        return self.store.get(f"{self._key(index)}, flow {self.estimator.name} {current} to {other}", make)

    def _read(self, index: int) -> Arrays:
        path, kept = self.paths[index], []
        for frame in islice(open_clip(path), self.longest):
            picture = as_depth(frame.image, np.uint8)
            factor = min(1.0, self.short_side / min(picture.shape[:2]))
            kept.append(resized(picture, (round(picture.shape[0] * factor), round(picture.shape[1] * factor))))
        if len(kept) < 2:
            raise MediaError(f"{path} has one frame only; to train on motion a clip needs two, take it away")
        return {"frames": np.stack(kept)}

    def _key(self, index: int) -> str:
        return f"clip {_identity(self.paths[index])}, {self.short_side} {self.longest}, {_VERSION}"


@lru_cache(maxsize=256)
def _frames(clips: Clips, index: int) -> NDArray[np.uint8]:
    return clips.store.get(clips._key(index), lambda: clips._read(index))["frames"]


@lru_cache(maxsize=4096)
def _identity(path: Path) -> str:
    """Which files a clip is, and of what date: its content without reading it."""
    try:
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        stamps = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in found]
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}); check the path") from error
    return f"{path.absolute()} {stamps}"
