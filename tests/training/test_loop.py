"""The training loop: what it does in a step, and that a stop anywhere costs nothing."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest
import torch
from torch import nn

from photovst.errors import MediaError, NumericalError, SettingsError
from photovst.losses.objective import Breakdown
from photovst.training.batch import Batch
from photovst.training.plan import Bounds, Plan
from training.tiny_task import TinyTask, batch, batches, losses, run

PLAN = Plan(steps=12, learning_rate=0.02, milestones=(5, 9), accumulate=2, ema=0.9, keep=2, log_every=1)


class Killed(BaseException):
    """Ends a training in the middle of a step, where nothing can be saved."""


class Stopped(BaseException):
    """What a signal to stop becomes, as on the command line."""


class Clock:
    """A second passes every time it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def killed_at(task: TinyTask, call: int) -> TinyTask:
    def before(now: int) -> None:
        if now == call:
            raise Killed

    task.before = before
    return task


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, optimizer="adamax", precision="bfloat16", channels_last=True),
        replace(PLAN, precision="float16"),
    ],
    ids=["adam", "adamax, bfloat16, channels last", "float16"],
)
def test_a_killed_training_goes_on_to_the_same_losses_and_weights(tmp_path: Path, plan: Plan) -> None:
    plan = replace(plan, checkpoint_minutes=5 / 60)
    whole = TinyTask()
    run(whole, plan, tmp_path / "whole", clock=Clock())
    for call in (15, 5):  # in the middle of steps
        with pytest.raises(Killed):
            run(killed_at(TinyTask(), call), plan, tmp_path / "killed", clock=Clock())
        assert list((tmp_path / "killed" / "checkpoints").glob("*.pt"))
    resumed = TinyTask(seed=99)
    run(resumed, plan, tmp_path / "killed", clock=Clock())
    assert 0 < resumed.calls < whole.calls - 10
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert [record["step"] for record in losses(tmp_path / "whole")] == list(range(1, 13))
    assert same(resumed.weights(), whole.weights())


def test_a_finished_training_gives_its_weights_again(tmp_path: Path) -> None:
    first, second = TinyTask(), TinyTask(seed=5)
    run(first, PLAN, tmp_path)
    run(second, PLAN, tmp_path)
    assert second.calls == 0
    assert same(first.weights(), second.weights())
    assert not second.module.training


def test_steps_are_those_of_pytorchs_own_optimizer(tmp_path: Path) -> None:
    plan = replace(PLAN, ema=0, accumulate=1, milestones=(3,), factor=0.5, steps=5)
    task, other = TinyTask(), TinyTask()
    run(task, plan, tmp_path)
    optimizer = torch.optim.Adam(other.module.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3], 0.5)
    totals = []
    for step, given in zip(range(5), batches(0), strict=False):
        torch.manual_seed(step * 1009)
        optimizer.zero_grad()
        total = other.loss(other.module, given).total
        total.backward()
        optimizer.step()
        schedule.step()
        totals.append(total.item())
    assert [record["total"] for record in losses(tmp_path)] == totals
    assert same(task.weights(), other.weights())
    assert [record["learning_rate"] for record in losses(tmp_path)] == [0.02, 0.02, 0.02, 0.01, 0.01]


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    class Quiet(TinyTask):
        def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
            with torch.random.fork_rng():
                frames = batch.frames.flatten(0, 1)
                error = (module(frames) - (1 - frames)).square().mean()
            return Breakdown({"content": error}, {"content": 1.0}, error, error)

    def wide(first: int) -> Iterator[Batch]:
        for number in range(first, 1000):
            parts = [batch(2 * number), batch(2 * number + 1)]
            yield Batch(*(torch.cat([getattr(p, f) for p in parts]) for f in ("frames", "flow", "certainty", "labels")))

    narrow_task, wide_task = Quiet(), Quiet()
    run(narrow_task, replace(PLAN, ema=0), tmp_path / "narrow")
    run(wide_task, replace(PLAN, ema=0, accumulate=1), tmp_path / "wide", batches=wide)
    for name, weight in narrow_task.weights().items():
        torch.testing.assert_close(weight, wide_task.weights()[name], atol=1e-5, rtol=1e-4)


def test_the_loss_falls(tmp_path: Path) -> None:
    run(TinyTask(), replace(PLAN, steps=60, milestones=(), accumulate=1), tmp_path)
    totals = [record["total"] for record in losses(tmp_path)]
    assert totals[-1] < 0.3 * totals[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_waits_for_the_end_of_a_step_and_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    former = signal.signal(number, stop)
    try:
        task = TinyTask()
        task.before = lambda call: os.kill(os.getpid(), number) if call == 8 else None
        with pytest.raises(Stopped):
            run(task, PLAN, tmp_path)
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, former)
    assert task.calls == 10  # the fifth step is done whole
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000005.pt"]


def test_an_error_of_the_data_costs_no_step(tmp_path: Path) -> None:
    def broken(first: int) -> Iterator[Batch]:
        yield from (batch(number) for number in range(first, 7))
        raise MediaError("flow 0007.flo is missing")

    with pytest.raises(MediaError, match=r"0007\.flo is missing"):
        run(TinyTask(), PLAN, tmp_path, batches=broken)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000003.pt"]


def test_the_last_checkpoints_stay(tmp_path: Path) -> None:
    run(TinyTask(), replace(PLAN, checkpoint_minutes=1e-9), tmp_path)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["step_00000011.pt", "step_00000012.pt"]


def test_samples_see_the_running_mean_and_disturb_nothing(tmp_path: Path) -> None:
    seen: dict[int, torch.Tensor] = {}

    def on_sample(step: int, module: nn.Module) -> None:
        torch.rand(100)  # an own draw
        assert not module.training
        seen[step] = next(module.parameters()).detach().clone()

    plain, sampled = TinyTask(), TinyTask()
    run(plain, PLAN, tmp_path / "plain")
    run(sampled, replace(PLAN, sample_every=4), tmp_path / "sampled", on_sample=on_sample)
    assert list(seen) == [4, 8, 12]
    assert torch.equal(seen[12], next(sampled.module.parameters()))  # the mean is the result
    assert same(plain.weights(), sampled.weights())
    assert losses(tmp_path / "plain") == losses(tmp_path / "sampled")


def test_a_failed_sample_costs_no_step(tmp_path: Path) -> None:
    def on_sample(step: int, module: nn.Module) -> None:
        raise MediaError("the disk is full")

    with pytest.raises(MediaError, match="the disk is full"):
        run(TinyTask(), replace(PLAN, sample_every=4), tmp_path, on_sample=on_sample)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000004.pt"]


class Poisoned(TinyTask):
    """From a call on its loss is multiplied."""

    def __init__(self, call: int, factor: float) -> None:
        super().__init__()
        self.call, self.factor = call, factor

    def loss(self, module: nn.Module, batch: Batch) -> Breakdown:
        breakdown = super().loss(module, batch)
        if self.calls <= self.call:
            return breakdown
        values = {**breakdown.values, "content": self.factor * breakdown.values["content"]}
        total = values["content"] + 0.1 * values["steady"]
        return replace(breakdown, values=values, total=total, reported=total)


def test_a_loss_that_is_no_number_names_step_term_and_checkpoint(tmp_path: Path) -> None:
    plan = replace(PLAN, log_every=5, checkpoint_minutes=1e-9, keep=3)
    with pytest.raises(NumericalError) as caught:
        run(Poisoned(14, float("nan")), plan, tmp_path)
    message = str(caught.value)
    assert message.startswith("step 8: content is nan; the training has diverged: lower the learning rate (0.004 here)")
    checkpoint = tmp_path / "checkpoints" / "step_00000007.pt"
    assert message.endswith(f"start={checkpoint} goes on from before it")
    assert "\n" not in message
    assert max(p.name for p in (tmp_path / "checkpoints").iterdir()) == "step_00000007.pt"


def test_a_loss_far_above_its_median_for_long_ends_the_training(tmp_path: Path) -> None:
    plan = replace(
        PLAN, steps=40, accumulate=1, checkpoint_minutes=1e-9, keep=9, bounds=Bounds(ratio=10, patience=4, window=20)
    )
    with pytest.raises(
        NumericalError, match=r"step 14: total is .* times its running median of .* for 4 steps"
    ) as caught:
        run(Poisoned(10, 1e4), plan, tmp_path)
    assert "step_00000010.pt goes on from before it" in str(caught.value)


def test_another_network_or_optimizer_is_refused_in_a_line(tmp_path: Path) -> None:
    run(TinyTask(), replace(PLAN, steps=2), tmp_path)
    with pytest.raises(MediaError, match=r"step_00000002\.pt is of another network \(size mismatch for 0\.weight"):
        run(TinyTask(width=5), PLAN, tmp_path)
    with pytest.raises(MediaError, match="of a training with optimizer=adam, this one has optimizer=adamax"):
        run(TinyTask(), replace(PLAN, optimizer="adamax"), tmp_path)


def test_too_little_memory_is_told_of(tmp_path: Path) -> None:
    def before(call: int) -> None:
        if call == 6:
            raise torch.OutOfMemoryError("CUDA out of memory")

    task = TinyTask()
    task.before = before
    with pytest.raises(SettingsError, match="out of memory after 3 steps; lower the batch"):
        run(task, PLAN, tmp_path)


def test_progress_tells_of_steps(tmp_path: Path) -> None:
    told = [json.loads(line) for line in run(TinyTask(), replace(PLAN, log_every=4), tmp_path).splitlines()]
    steps = [event for event in told if event["event"] == "step"]
    assert [event["step"] for event in steps] == [4, 8, 12]
    assert [event["loss"] for event in steps] == [record["total"] for record in losses(tmp_path)]
    assert steps[-1]["seconds_left"] == 0
    assert steps[0]["images_per_second"] > 0
