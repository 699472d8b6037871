"""Regions of a clip, frame by frame, that do not flicker and have the frame's edges.

What is known of each pixel is carried along the flow and blended with what the segmenter says of the next frame; what
is shown is that, fitted to the frame's edges, and a pixel's label changes only when another leads by a margin. The two
are kept apart where the segmenter is asked: what is shown does not feed what is known, so no label locks itself in.

Persistence .8, hysteresis .1, radius .03 and epsilon 1e-4 are good on clips and scenes (benchmarks/mask_steadiness.py):
labels change along the flow that carries them .03 to .3 times as often as in masks of single frames, whether every
frame is segmented or every second; from every fourth on, fast objects leave a soft trail of their mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.guidance.flow import FlowPair
from photovst.ops.hysteresis import keep_labels
from photovst.ops.mask_refinement import refine_masks
from photovst.ops.masks import normalize_masks, resize_masks
from photovst.ops.warp import inside, warp
from photovst.storage import Arrays


@dataclass(frozen=True)
class _Known:
    """After a frame: what is known of its regions, how far that is to be trusted, and the masks shown.

    All hold half floats' values: a resumed run goes on from the very same numbers.
    """

    evidence: Tensor
    trust: Tensor
    shown: Tensor


class MaskTrack:
    """Steadies and refines the regions of one clip; frames come in order, each shot's after `begin`.

    Args:
        persistence: share of what was known that outlives a frame with a segmentation of its own, in [0, 1]. A change
            is half through after ``log(1/2) / log(persistence)`` of these.
        hysteresis: lead by which another region takes a pixel over, in [0, 1].
        radius: how far edges may move to meet the frame's, as a share of the longer side; 0 does not refine.
        epsilon: variance of color below which a window counts as flat.

    Raises:
        SettingsError: a number is out of its range.
    """

    def __init__(self, persistence: float, hysteresis: float, radius: float, epsilon: float) -> None:
        for name, share in (("persistence", persistence), ("hysteresis", hysteresis), ("radius", radius)):
            if not 0 <= share <= 1:
                raise SettingsError(f"the {name} of masks is {share}; give a number from 0 to 1")
        if not epsilon > 0:
            raise SettingsError(f"the epsilon of masks is {epsilon}; give a number above 0, such as 1e-3")
        self._persistence, self._hysteresis = persistence, hysteresis
        self._radius, self._epsilon = radius, epsilon
        self._known: _Known | None = None

    def begin(self) -> None:
        """A shot begins: forget the last one."""
        self._known = None

    def step(
        self,
        frame: Float[Tensor, "1 3 h w"],
        own: Float[Tensor, "1 k _own_h _own_w"] | None,
        motion: FlowPair | None,
    ) -> Float[Tensor, "1 k h w"]:
        """The next frame's regions: soft, summing to 1, of half floats' values.

        Args:
            frame: RGB in [0, 1].
            own: what the segmenter says of it, at any size; None where it was not asked.
            motion: between the frame before and this one; None for the first of a shot and where nothing is carried.

        Raises:
            MediaError: there is neither an own segmentation nor one to carry, or sizes or regions do not fit.
        """
        size = (frame.shape[-2], frame.shape[-1])
        now = None if own is None else normalize_masks(resize_masks(own, size).clamp_min(0)).to(frame)
        if motion is None or self._known is None:
            if now is None:
                raise MediaError("a frame has no masks and none to carry to it; segment the first frame of each shot")
            shown = refine_masks(frame, now, self._radius, self._epsilon)
            return self._keep(now, torch.ones_like(now[:, :1]), shown)
        known = self._known
        if known.evidence.shape[-2:] != size or (now is not None and now.shape != known.evidence.shape):
            raise MediaError(
                f"masks of {tuple(known.evidence.shape)} cannot go on in a frame of {tuple(frame.shape)}"
                f"{'' if now is None else f' with masks {tuple(now.shape)}'}; begin anew where size or regions change"
            )
        regions = known.evidence.shape[1]
        stacked = torch.cat([known.evidence, known.shown, known.trust], dim=1).to(frame)
        seen = warp(stacked, motion.to_previous)
        evidence, former, trust = seen[:, :regions], seen[:, regions:-1], seen[:, -1:]
        certainty = motion.certainty_to_previous * inside(motion.to_previous)
        trust = trust * certainty
        if now is not None:
            evidence = torch.lerp(now, evidence, self._persistence * trust)
            trust = torch.ones_like(trust)
            shown = refine_masks(frame, evidence, self._radius, self._epsilon)
        else:
            # What was shown has edges already; soft evidence around an object would fill what it uncovers with it.
            filled = refine_masks(frame, former, self._radius, self._epsilon, trust)
            shown, evidence = torch.lerp(filled, former, trust), torch.lerp(filled, evidence, trust)
        return self._keep(evidence, trust, keep_labels(shown, former, self._hysteresis * certainty))

    def _keep(self, evidence: Tensor, trust: Tensor, shown: Tensor) -> Tensor:
        evidence, trust, shown = (planes.half().to(planes) for planes in (evidence, trust, shown))
        self._known = _Known(evidence, trust, shown)
        return shown

    def state(self) -> Arrays | None:
        """What the next frame goes on from, half floats; None at the start of a shot."""
        if self._known is None:
            return None
        known = {"evidence": self._known.evidence, "trust": self._known.trust, "shown": self._known.shown}
        return {name: planes.cpu().numpy().astype(np.float16) for name, planes in known.items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state`."""
        evidence, trust, shown = (torch.from_numpy(arrays[name]).float() for name in ("evidence", "trust", "shown"))
        self._known = _Known(evidence, trust, shown)
