"""The running mean of weights."""

import pytest
import torch
from torch import nn

from photovst.training.ema import WeightAverage
from training.tiny_task import TinyTask


def test_it_is_the_recursion_of_its_definition() -> None:
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(0.0)
    average = WeightAverage(module, 0.4)
    expected = 0.0
    for step, value in enumerate([1.0, 3.0, -2.0, 5.0, 4.0, 4.0, 8.0]):
        module.weight.data.fill_(value)
        average.update(step)
        decay = min(0.4, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert average.state()["weight"].item() == pytest.approx(expected)
    assert module.weight.item() == 8.0


def test_constant_weights_are_their_own_mean_and_buffers_are_the_latest() -> None:
    module = nn.BatchNorm2d(3)
    average = WeightAverage(module, 0.99)
    module.running_mean.fill_(7.0)
    module.num_batches_tracked.fill_(5)
    for step in range(20):
        average.update(step)
    state = average.state()
    assert torch.equal(state["weight"], torch.ones(3))
    assert state["running_mean"].tolist() == [7.0] * 3
    assert state["num_batches_tracked"].item() == 5


def test_inside_the_block_the_module_has_the_mean_and_after_it_its_own_weights() -> None:
    task = TinyTask()
    average = WeightAverage(task.module, 0.9)
    before = task.weights()
    with torch.no_grad():
        for weight in task.module.parameters():
            weight.add_(1)
    own = task.weights()

    def stopped_inside() -> None:
        with average.applied():
            assert all(torch.equal(weight, before[name]) for name, weight in task.weights().items())
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stopped_inside()
    assert all(torch.equal(weight, own[name]) for name, weight in task.weights().items())
    average.settle()
    assert all(torch.equal(weight, before[name]) for name, weight in task.weights().items())
