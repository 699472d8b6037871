"""Procedural landscapes in motion with exact ground truth: flow, occlusion and labels of every frame.

A scene is a stack of rigid layers (sky, mountains, woods, village, water, boat, bank) that a panning camera
moves by different amounts, nearer ones faster; clouds drift, a boat, a balloon and birds cross. The truth is
exact because a layer only ever translates (see `scene_layers`). The sky with its sun and clouds is one layer.
A reflection moves with the thing it reflects, ripples and all; the boat carries its own reflection along.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from photovst.errors import MediaError, SettingsError
from photovst.media.scene_canvas import LABELS
from photovst.media.scene_landscape import Placed, Staging, build
from photovst.media.scene_layers import (
    Layer,
    Offset,
    composite,
    displacement,
    front_labels,
    front_layer,
    occluded,
)
from photovst.media.scene_looks import Look
from photovst.types import Size

__all__ = ["LABELS", "Look", "Scene", "photograph", "still"]

MINIMUM_SIDE = 32
MAXIMUM_SPEED = 4.0


@dataclass(frozen=True)
class Scene:
    """A landscape clip; geometry depends on the seed and the picture's shape, light on the look.

    Speeds are frame heights per frame. Frames are made one at a time, in any order; the layers are painted
    when first needed and kept with the instance: 45 to 80 bytes per pixel of a frame, however long
    the clip is, since the camera and the clouds turn around.
    """

    seed: int
    look: Look
    size: Size
    frames: int
    frame_rate: Fraction = Fraction(24)
    camera_speed: float = 0.006
    """Pan to the right of the nearest layers; the camera turns around after one picture width."""
    cloud_speed: float = 0.0006
    """Drift of the sky."""
    object_speed: float = 0.003
    """Speed of the boat; the birds are faster and the balloon slower."""
    with_objects: bool = True
    """Whether boat, balloon and birds are there."""
    with_water: bool = True
    """A lake in the middle distance, or else meadows."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingsError(f"a scene's seed must not be negative, got {self.seed}: choose 0 or more")
        if min(self.size) < MINIMUM_SIDE:
            raise SettingsError(
                f"a scene's size is (height, width) of at least {MINIMUM_SIDE} pixels each, got {self.size}"
            )
        if self.frames < 1:
            raise SettingsError(f"a scene needs at least 1 frame, got {self.frames}")
        speeds = (self.camera_speed, self.cloud_speed, self.object_speed)
        if not all(abs(speed) <= MAXIMUM_SPEED for speed in speeds):
            raise SettingsError(f"a scene's speeds are frame heights per frame, {MAXIMUM_SPEED} at most, got {speeds}")

    def frame(self, t: int) -> NDArray[np.uint8]:
        """Frame ``t``: ``(H, W, 3)`` RGB. Raises MediaError when the clip has no such frame."""
        return composite(self._layers, self._offsets(t), self.size)

    def flow(self, t: int, other: int) -> NDArray[np.float32]:
        """How far each pixel's surface moves from frame ``t`` to ``other``: ``(H, W, 2)`` pixels, x right, y down.

        It lives on the grid of frame ``t``; any two frames will do, in either order.
        """
        return displacement(self._front(t), self._offsets(t), self._offsets(other))

    def occlusion(self, t: int, other: int) -> NDArray[np.bool_]:
        """True where a pixel of frame ``t`` shows what frame ``other`` has covered or outside it, ``(H, W)``."""
        return occluded(self._layers, self._offsets(t), self._offsets(other), self._front(t))

    def flow_to_next(self, t: int) -> NDArray[np.float32]:
        """`flow` from frame ``t`` to ``t + 1``."""
        return self.flow(t, t + 1)

    def flow_to_previous(self, t: int) -> NDArray[np.float32]:
        """`flow` from frame ``t`` to ``t - 1``."""
        return self.flow(t, t - 1)

    def occlusion_to_next(self, t: int) -> NDArray[np.bool_]:
        """`occlusion` of frame ``t`` in ``t + 1``."""
        return self.occlusion(t, t + 1)

    def occlusion_to_previous(self, t: int) -> NDArray[np.bool_]:
        """`occlusion` of frame ``t`` in ``t - 1``."""
        return self.occlusion(t, t - 1)

    def labels(self, t: int) -> NDArray[np.uint8]:
        """Index into `LABELS` of what each pixel shows, ``(H, W)``."""
        return front_labels(self._layers, self._offsets(t), self._front(t))

    def front(self, t: int) -> NDArray[np.int16]:
        """Index of the layer that each pixel shows, ``(H, W)``, the farthest being 0: see `layer_offsets`."""
        return self._front(t)

    def layer_offsets(self, t: int) -> NDArray[np.float64]:
        """Place of each layer, ``(layers, 2)`` pixels right and down of where it was painted.

        What a layer's place changes from one frame to another is the `flow` of every pixel that shows it.
        """
        return np.array(self._offsets(t), np.float64)

    @cached_property
    def _placed(self) -> tuple[Placed, ...]:
        aspect = self.size[1] / self.size[0]
        last = self.frames - 1
        staging = Staging(
            pan=self.camera_speed,
            pan_reach=min(abs(self.camera_speed) * last, aspect),
            drift=self.cloud_speed,
            drift_reach=min(abs(self.cloud_speed) * last, 0.5 * aspect),
            objects=self.object_speed,
            with_objects=self.with_objects,
            with_water=self.with_water,
        )
        return build(self.look, self.seed, self.size, staging)

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        return tuple(layer for layer, _ in self._placed)

    def _offsets(self, t: int) -> list[Offset]:
        if not 0 <= t < self.frames:
            raise MediaError(f"the scene has frames 0 to {self.frames - 1}, and frame {t} was asked for")
        return [motion.offset(t, self.size[0]) for _, motion in self._placed]

    def _front(self, t: int) -> NDArray[np.int16]:
        return front_layer(self._layers, self._offsets(t), self.size)


def photograph(look: Look, seed: int, size: Size) -> NDArray[np.uint8]:
    """A still landscape, ``(H, W, 3)`` RGB: the style photograph for a clip of another seed and look."""
    return still(look, seed, size).frame(0)


def still(look: Look, seed: int, size: Size) -> Scene:
    """The scene of `photograph`, of one frame, whose labels are known too."""
    return Scene(seed, look, size, frames=1)
