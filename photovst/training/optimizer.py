"""Adam and Adamax [Kingma2015] with a learning rate that falls at milestones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import torch
from torch import nn

from photovst.training.plan import Plan


def optimizer_for(parameters: Iterable[nn.Parameter], plan: Plan) -> torch.optim.Optimizer:
    """What the plan asks for, over these parameters."""
    kind = torch.optim.Adam if plan.optimizer == "adam" else torch.optim.Adamax
    return kind(parameters, lr=plan.learning_rate, betas=plan.betas)


def learning_rate(plan: Plan, step: int) -> float:
    """The rate of a step (from 0): a function of the step alone, so that there is no scheduler to be resumed."""
    return plan.learning_rate * plan.factor ** bisect_right(plan.milestones, step)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The same rate for all parameters."""
    for group in optimizer.param_groups:
        group["lr"] = rate
