"""Procedural scenes, painted once and kept: frames, labels, and which layer each pixel shows.

Painting takes seconds, a frame of a painted scene some hundredths of one. Kept are the frames, and instead of flow the
index of the layer that a pixel shows with every layer's place at every frame: from these the flow between any two
frames follows exactly, in a fraction of the space.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from photovst.errors import SettingsError
from photovst.media.scenes import Look, Scene
from photovst.training.array_store import Arrays, ArrayStore
from photovst.types import Size

_VERSION = 1
_CAMERA = (0.0015, 0.015)
_CLOUDS = (0.0002, 0.003)
_OBJECTS = (0.001, 0.01)
"""Slowest and fastest, in frame heights per frame."""
_WITH_WATER = 0.7


@dataclass(frozen=True)
class PaintedClip:
    """A clip of ``n`` frames on disk.

    Args:
        frames: RGB.
        front: the layer that each pixel shows.
        labels: index into ``media.scenes.LABELS`` of what it shows.
        offsets: x and y of each layer at each frame, in pixels.
    """

    frames: NDArray[np.uint8]
    front: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    offsets: NDArray[np.float64]

    def steps(self, t: int, other: int) -> NDArray[np.float32]:
        """How far each layer moves from frame ``t`` to ``other``: ``(layers, 2)`` pixels."""
        return np.asarray(self.offsets[other] - self.offsets[t], np.float32)


@dataclass(frozen=True)
class PaintedScenes:
    """Scenes of as many seeds, looks in turn, each with speeds of its own.

    Args:
        store: where they are kept.
        looks: lights, seasons and weathers.
        count: how many scenes.
        first_seed: of the first one; the others follow.
        frames: of each.
        size: of the pictures, ``(height, width)``.

    Raises:
        SettingsError: there is no look, scene or frame.
    """

    store: ArrayStore
    looks: tuple[Look, ...] = tuple(Look)
    count: int = 48
    first_seed: int = 1000
    frames: int = 12
    size: Size = (320, 480)

    def __post_init__(self) -> None:
        if not self.looks or self.count < 1 or self.frames < 1:
            raise SettingsError(
                f"procedural scenes need a look, a scene and a frame at least, got {len(self.looks)} looks,"
                f" {self.count} scenes of {self.frames} frames"
            )

    def scene(self, index: int) -> Scene:
        """Scene ``index``, not painted yet."""
        seed = self.first_seed + index
        rng = np.random.default_rng((seed, 7))  # chance of its own: the seed itself draws the geometry
        camera, clouds, objects = (
            float(np.exp(rng.uniform(*np.log(speeds))) * rng.choice((-1, 1))) for speeds in (_CAMERA, _CLOUDS, _OBJECTS)
        )
        look = self.looks[index % len(self.looks)]
        return Scene(
            seed,
            look,
            self.size,
            self.frames,
            camera_speed=camera,
            cloud_speed=clouds,
            object_speed=objects,
            with_water=bool(rng.random() < _WITH_WATER),
        )

    def clip(self, index: int) -> PaintedClip:
        """Scene ``index``, painted now where it never was.

        Raises:
            MediaError: it cannot be kept.
        """
        return _clip(self, index)

    def missing(self) -> list[int]:
        """Those that are not painted yet."""
        return [index for index in range(self.count) if not self.store.holds(self._key(index))]

    def paint(self, on_scene: Callable[[int, int], None] | None = None, processes: int = 1) -> None:
        """Paint all that are not painted yet; without it each is painted when it is first drawn.

        Args:
            on_scene: called with how many are done, and how many there are.
            processes: that paint.

        Raises:
            MediaError: one cannot be kept.
        """
        missing = self.missing()
        done = self.count - len(missing)
        for _ in self._painting(missing, min(processes, len(missing))):
            done += 1
            if on_scene is not None:
                on_scene(done, self.count)

    def _painting(self, missing: list[int], processes: int) -> Iterator[None]:
        if processes <= 1:
            for index in missing:
                self._paint_one(index)
                yield
            return
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
        try:
            yield from pool.map(self._paint_one, missing)
        finally:
            pool.shutdown(cancel_futures=True)

    def _paint_one(self, index: int) -> None:
        self._load(index)

    def _key(self, index: int) -> str:
        return f"scene {self.scene(index)!r}, {_VERSION}"

    def _load(self, index: int) -> PaintedClip:
        arrays = self.store.get(self._key(index), lambda: _painted(self.scene(index)))
        return PaintedClip(arrays["frames"], arrays["front"], arrays["labels"], arrays["offsets"])


@lru_cache(maxsize=1024)
def _clip(scenes: PaintedScenes, index: int) -> PaintedClip:
    return scenes._load(index)


def _painted(scene: Scene) -> Arrays:
    times = range(scene.frames)
    return {
        "frames": np.stack([scene.frame(t) for t in times]),
        "front": np.stack([scene.front(t) for t in times]).astype(np.uint8),
        "labels": np.stack([scene.labels(t) for t in times]),
        "offsets": np.stack([scene.layer_offsets(t) for t in times]),
    }
