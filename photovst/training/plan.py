"""How a network is trained: steps, optimizer, precision, what is kept, and when a training has diverged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from photovst.errors import SettingsError


@dataclass(frozen=True)
class Bounds:
    """What counts as a training that has diverged.

    Args:
        ratio: a total this many times its running median is far above it.
        patience: steps that the total must stay far above before the training is stopped.
        window: steps the median is taken over; more than twice ``patience``, for it holds the bad ones, too.
    """

    ratio: float = 20.0
    patience: int = 50
    window: int = 200

    def __post_init__(self) -> None:
        if not (self.ratio > 1 and self.patience >= 1 and self.window > 2 * self.patience):
            raise SettingsError(
                f"bounds of divergence: ratio {self.ratio:g}, patience {self.patience}, window {self.window};"
                " ratio must be above 1, patience at least 1 and window more than twice the patience"
            )


@dataclass(frozen=True)
class Plan:
    """How a network is trained.

    Args:
        steps: updates of the weights in all.
        optimizer: ``adam`` or ``adamax`` [Kingma2015].
        learning_rate: of the first step.
        betas: decay of the running means of gradient and squared gradient.
        milestones: steps, ascending, from which on the learning rate is ``factor`` times what it was.
        factor: what the learning rate is multiplied with at each milestone.
        accumulate: batches a step: the gradient is the mean of theirs.
        ema: decay of the running mean of the weights, which then is the result; 0 = the last weights are.
        precision: what the network computes in. Its outputs reach the losses as float32, and the weights stay float32.
        channels_last: keep weights and frames with their channels innermost, which tensor cores prefer.
        compile: have PyTorch compile the network.
        checkpoint_minutes: minutes between checkpoints; there is one at the end and at a stop anyway.
        keep: checkpoints that stay, the newest ones.
        log_every: steps between records of the losses.
        sample_every: steps between samples; 0 = none.
        tensorboard: write the losses and samples for TensorBoard, too.
        seed: of what the task draws in a step.
        bounds: what counts as diverged.
    """

    steps: int
    optimizer: Literal["adam", "adamax"] = "adam"
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    milestones: tuple[int, ...] = ()
    factor: float = 0.2
    accumulate: int = 1
    ema: float = 0.0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = False
    compile: bool = False
    checkpoint_minutes: float = 10.0
    keep: int = 3
    log_every: int = 10
    sample_every: int = 0
    tensorboard: bool = False
    seed: int = 0
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        for name in ("steps", "accumulate", "keep", "log_every"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 <= self.ema < 1:
            raise SettingsError(f"ema is {self.ema:g}; it must be at least 0 and below 1")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise SettingsError(
                f"milestones are {list(self.milestones)}; each must be a later step than the one before"
            )
