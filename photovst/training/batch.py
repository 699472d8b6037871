"""What a training step is given: frames of some moments of clips, and how the last one moved to each earlier one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from photovst.errors import MediaError

UNKNOWN_LABEL = 255
"""The label of a pixel of which it is not known what it shows."""


@dataclass(frozen=True)
class Sample:
    """One moment of a clip. The last frame is the current one; see `Batch`, which has one axis more."""

    frames: Float[Tensor, "t 3 h w"]
    flow: Float[Tensor, "t_earlier 2 h w"]
    certainty: Float[Tensor, "t_earlier 1 h w"]
    labels: UInt8[Tensor, "t h w"]
    style: Float[Tensor, "3 hs ws"] | None = None
    masks: Float[Tensor, "t k h w"] | None = None
    style_masks: Float[Tensor, "k hs ws"] | None = None


@dataclass(frozen=True)
class Batch:
    """Several samples of one size. ``t`` is one more than there are distances.

    Args:
        frames: RGB in [0, 1], oldest first; the last is the current one.
        flow: from the current frame to each earlier one, in the order of ``frames[:, :-1]``, in pixels, on the current
            one's grid: ``warp(frames[:, k], flow[:, k])`` is the current frame as the earlier one shows it.
        certainty: of the flow, in [0, 1]: 0 where the earlier frame does not show what the current one does.
        labels: indices into ``media.scenes.LABELS``; `UNKNOWN_LABEL` where it is not known.
        style: a style picture for each sample, where a network of any style is trained.
        masks: regions of the frames, summing to 1, where regions take style from their counterparts.
        style_masks: the counterparts.
    """

    frames: Float[Tensor, "b t 3 h w"]
    flow: Float[Tensor, "b t_earlier 2 h w"]
    certainty: Float[Tensor, "b t_earlier 1 h w"]
    labels: UInt8[Tensor, "b t h w"]
    style: Float[Tensor, "b 3 hs ws"] | None = None
    masks: Float[Tensor, "b t k h w"] | None = None
    style_masks: Float[Tensor, "b k hs ws"] | None = None

    def __len__(self) -> int:
        """How many samples there are."""
        return self.frames.shape[0]

    def to(self, device: torch.device | str, channels_last: bool = False) -> Batch:
        """The same on a device, copied without waiting where the memory is pinned.

        Args:
            device: where to.
            channels_last: whether ``frames.flatten(0, 1)`` is laid out pixel by pixel there, with no further copy.
        """
        moved = self._each(lambda tensor: tensor.to(device, non_blocking=True))
        if not channels_last:
            return moved
        frames = moved.frames.flatten(0, 1).contiguous(memory_format=torch.channels_last).view(moved.frames.shape)
        return replace(moved, frames=frames)

    def pin_memory(self) -> Batch:
        """The same in page-locked memory, from where copies to a GPU do not wait; PyTorch's loaders call this."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        tensors = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(self, **{name: change(tensor) for name, tensor in tensors.items() if tensor is not None})


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples of one size and the same distances as a batch.

    Raises:
        MediaError: there are none, or they differ in size.
    """
    shapes = {tuple(sample.frames.shape) for sample in samples}
    if len(shapes) != 1:
        shown = ", ".join(str(shape) for shape in sorted(shapes)) or "none"
        raise MediaError(f"samples of one batch are of one shape (t, 3, h, w), but these were given: {shown}")
    given = [each.name for each in fields(Batch) if getattr(samples[0], each.name) is not None]
    return Batch(**{name: torch.stack([getattr(sample, name) for sample in samples]) for name in given})
