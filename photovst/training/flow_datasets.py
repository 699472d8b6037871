"""Samples from published datasets of frames with true flow: MPI-Sintel, FlyingThings3D, Monkaa, Driving, FlyingChairs.

Their flow leads from a frame to the next one. Time is reversed: the current frame of a sample is the one that the flow
starts from, and the frames after it are its earlier ones. A feed-forward network does not know the direction of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photovst.datasets.folders import share_of
from photovst.datasets.sequences import FlowSample
from photovst.errors import MediaError
from photovst.ops.chain import chained
from photovst.training.augmentation import Augmentation, View
from photovst.training.batch import UNKNOWN_LABEL, Sample
from photovst.training.flow_truth import read_sized, read_truth
from photovst.training.source import farthest_first
from photovst.types import Size


@dataclass(frozen=True)
class FlowPairs:
    """A random pair, and the pairs that go on from it where a sample reaches farther.

    Flow is chained over the pairs that follow, as long as each begins with the frame that the one before ends with.
    Where they end before the distance is reached, the farthest frame that they reach stands in for it, with its own
    flow: `note` tells for how many.

    Args:
        pairs: of one dataset.
        augmentation: of the window.
        lacking: what the dataset has no flow for, in words for the user.

    Raises:
        MediaError: there are no pairs.
    """

    pairs: tuple[FlowSample, ...]
    augmentation: Augmentation = field(default_factory=Augmentation)
    lacking: str = ""
    _following: dict[Path, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.pairs:
            raise MediaError("a dataset of flow has no pairs of frames to train on; give another")
        object.__setattr__(self, "_following", {pair.first: index for index, pair in enumerate(self.pairs)})

    @property
    def name(self) -> str:
        """What it is, for messages."""
        return self.pairs[0].dataset

    def note(self, distances: Sequence[int]) -> str:
        """How many of its pairs reach the longest distance; empty where all do."""
        longest = max(distances)
        enough = sum(len(self._chain(index, longest)) == longest for index in range(len(self.pairs)))
        return share_of(f"frames {longest} apart", enough, len(self.pairs), f"pairs of {self.name}")

    def sample(self, rng: np.random.Generator, size: Size, distances: Sequence[int]) -> Sample:
        """One sample; see `Source`.

        Raises:
            MediaError: a file is missing, damaged, or of another size than its flow.
        """
        steps = farthest_first(distances)
        chain = self._chain(int(rng.integers(len(self.pairs))), steps[0])
        flow, certainty = read_truth(chain[0])
        whole = (flow.shape[-2], flow.shape[-1])
        view = self.augmentation.view(rng, whole, size)
        links = _followed(chain, flow, certainty, view)

        pictures = {0: read_sized(chain[0], chain[0].first, whole)}
        flows, certainties, frames = [], [], []
        for step in steps:
            reached = min(step, len(chain))
            if reached not in pictures:
                pictures[reached] = read_sized(chain[reached - 1], chain[reached - 1].second, whole)
            vectors, of = links[reached - 1]
            flows.append(view.flow(vectors[0].permute(1, 2, 0).numpy()))
            certainties.append(view.certainty(of[0, 0].numpy(), flows[-1]))
            frames.append(view.frame(pictures[reached]))
        return Sample(
            torch.stack([*frames, view.frame(pictures[0])]),
            torch.stack(flows),
            torch.stack(certainties),
            torch.full((len(steps) + 1, *size), UNKNOWN_LABEL, dtype=torch.uint8),
        )

    def _chain(self, index: int, longest: int) -> list[FlowSample]:
        chain = [self.pairs[index]]
        while len(chain) < longest and (following := self._following.get(chain[-1].second)) is not None:
            chain.append(self.pairs[following])
        return chain


def _followed(chain: list[FlowSample], flow: Tensor, certainty: Tensor, view: View) -> list[tuple[Tensor, Tensor]]:
    """Flow from the first frame to each later one in the window, and its certainty."""
    rows = slice(view.top, view.top + view.window[0])
    columns = slice(view.left, view.left + view.window[1])
    links = [(flow[..., rows, columns], certainty[..., rows, columns])]
    for pair in chain[1:]:
        onward, certainty_onward = read_truth(pair)
        if onward.shape != flow.shape:
            raise MediaError(
                f"{pair.flow} is {onward.shape[-1]}x{onward.shape[-2]} pixels, but the flow before it, {chain[0].flow},"
                f" {flow.shape[-1]}x{flow.shape[-2]}; give the files as they are published"
            )
        links.append(chained(*links[-1], onward, certainty_onward, (view.top, view.left)))
    return links
