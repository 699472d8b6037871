"""The training loop: steps, records, samples and checkpoints; stopped anywhere, it goes on as if it had not been.

What a step does is a function of the checkpoint and the step's number alone: the data by the number of the batch, the
learning rate by that of the step, and PyTorch's generators are seeded anew in every step. On a CPU the losses of a
resumed training are those of an unbroken one to the last bit; on a GPU as far as its operators are deterministic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from photovst.endings import out_of_memory
from photovst.errors import MediaError, NumericalError, SettingsError
from photovst.models.precision import InPrecision
from photovst.progress import Progress
from photovst.training.acceleration import compiled
from photovst.training.batch import Batch
from photovst.training.boards import Board
from photovst.training.checkpoints import Checkpoints, read_checkpoint
from photovst.training.distributed import EndedElsewhere, Together, ranks, together
from photovst.training.divergence import Watch
from photovst.training.ema import WeightAverage
from photovst.training.loss_log import LossLog
from photovst.training.optimizer import learning_rate, optimizer_for, set_learning_rate
from photovst.training.plan import Plan
from photovst.training.stopping import Stop, stops_between_steps
from photovst.training.task import Task
from photovst.training.throughput import Pace

Batches = Callable[[int], Generator[Batch]]
"""``batches(first) -> batch number first and all that follow, without end``; one step takes ``accumulate`` of them."""

OnSample = Callable[[int, nn.Module], NDArray[np.uint8] | None]
"""``on_sample(step, module)`` renders with the network as it is; an (H, W, 3) picture goes to TensorBoard."""

CHECKPOINTS, LOSSES, BOARD = "checkpoints", "losses.jsonl", "tensorboard"


def train(
    task: Task,
    batches: Batches,
    plan: Plan,
    folder: Path,
    progress: Progress,
    on_sample: OnSample | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train a task's network, from the newest checkpoint of ``folder`` on if there is one.

    On return the network holds the final weights, their running mean where the plan asks for it, and is in evaluation
    mode. Started by torchrun, every process calls this with its own share of the data, and the first one writes.

    Args:
        task: the network, on the device that trains it, and its loss.
        batches: the data.
        plan: how.
        folder: holds ``checkpoints/``, ``losses.jsonl`` and ``tensorboard/``.
        progress: told of steps.
        on_sample: called every ``plan.sample_every`` steps, in evaluation mode, with the running mean as weights.
        clock: seconds.

    Raises:
        NumericalError: the training diverged.
        MediaError: a checkpoint or record cannot be written, or no checkpoint can be read.
        SettingsError: memory ran out, or what the plan asks for is not to be had here.
    """
    device = next(task.module.parameters()).device
    with together(ranks(), device) as group, stops_between_steps() as stop:
        training = _Training(task, plan, folder, group, clock)
        try:
            training.run(batches, stop, progress, on_sample)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise SettingsError(
                f"out of memory after {training.step} steps; lower the batch or the size of the frames (with accumulate"
                " a step can have as many samples)"
            ) from error
        finally:
            training.close()


class _Training:
    """A training's state, and what leads from one step to the next."""

    def __init__(self, task: Task, plan: Plan, folder: Path, group: Together, clock: Callable[[], float]) -> None:
        self.task, self.plan, self.group, self.clock = task, plan, group, clock
        self.module = task.module
        self.device = next(task.module.parameters()).device
        if plan.channels_last:
            self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = WeightAverage(self.module, plan.ema) if plan.ema else None
        self.optimizer = optimizer_for((p for p in self.module.parameters() if p.requires_grad), plan)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=plan.precision == "float16")
        self.watch = Watch(plan.bounds, scaled=plan.precision == "float16")
        self.checkpoints = Checkpoints(folder / CHECKPOINTS, plan.keep)
        self.step = 0
        self._resume()
        self.saved = self.step
        self.losses = LossLog(folder / LOSSES, self.step) if group.ranks.leads else None
        self.board = Board(folder / BOARD, self.step) if plan.tensorboard and group.ranks.leads else None
        self.network = self._wrapped()
        self.pending: list[tuple[int, tuple[str, ...], Tensor]] = []
        self.pace = Pace(self.step, plan.steps, clock)

    def run(self, batches: Batches, stop: Stop, progress: Progress, on_sample: OnSample | None) -> None:
        """All steps that are left."""
        with closing(batches(self.step * self.plan.accumulate)) as stream:  # ends the processes that make the data
            self._steps(stream, stop, progress, on_sample)
        if self.average:
            self.average.settle()
        self.module.eval()

    def _steps(self, stream: Iterator[Batch], stop: Stop, progress: Progress, on_sample: OnSample | None) -> None:
        plan, first = self.plan, self.step
        checkpoint_at = self.clock() + 60 * plan.checkpoint_minutes
        self.module.train()
        progress.stage("training")
        while True:
            done = self.step >= plan.steps
            taken, failure = ([], None) if done else _next(stream, plan.accumulate)
            failed, stopped, due = self.group.agree(
                failed=failure is not None, stopped=stop.asked, due=self.clock() >= checkpoint_at
            )
            if done or failed or stopped or due or self.step % plan.log_every == 0:
                self._look_at_losses(progress)
            if on_sample and self.step > first and plan.sample_every and self.step % plan.sample_every == 0:
                failure = failure or self._sample(on_sample)
            if done or failed or stopped or failure or (due and not self.watch.in_doubt):
                self._save()
                checkpoint_at = self.clock() + 60 * plan.checkpoint_minutes
            stop.heed()  # first: a signal may have reached the processes that make the data, too
            if failure is not None:
                raise failure
            if failed or stopped:
                raise EndedElsewhere(2)
            if done:
                return
            self._advance(taken)

    def close(self) -> None:
        """Write what is not yet written."""
        if self.board:
            self.board.close()

    def _advance(self, batches: list[Batch]) -> None:
        """One step: the mean gradient of these batches, and an update."""
        plan, count = self.plan, len(batches)
        torch.manual_seed((plan.seed * 1_000_003 + self.step) * 1009 + self.group.ranks.rank)
        set_learning_rate(self.optimizer, learning_rate(plan, self.step))
        self.optimizer.zero_grad(set_to_none=True)
        names: tuple[str, ...] = ()
        figures = torch.zeros((), device=self.device)
        for number, batch in enumerate(batches):
            self.pace.add(len(batch) * batch.frames.shape[1] * self.group.ranks.count)
            with self._together_if(number == count - 1):
                breakdown = self.task.loss(self.network, batch.to(self.device, channels_last=plan.channels_last))
                torch.autograd.backward(self.scaler.scale(breakdown.total / count))
            names = (*breakdown.values, "total")
            told = [*breakdown.values.values(), breakdown.total]
            figures = figures + torch.stack([value.detach().float() for value in told]) / count
        self.scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self.module.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients).detach().float()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average:
            self.average.update(self.step)
        self.step += 1
        # Left on the device: reading them at every step would have the GPU wait for the CPU.
        self.pending.append((self.step, (*names, "gradient"), torch.cat((figures, norm[None]))))

    def _look_at_losses(self, progress: Progress) -> None:
        """Read the figures of the steps since the last look, watch for divergence, and record the last ones."""
        if not self.pending:
            return
        all_figures = self.group.mean(torch.cat([figures for *_, figures in self.pending]).cpu())
        sizes = [len(names) for _, names, _ in self.pending]
        for (step, names, _), figures in zip(self.pending, torch.split(all_figures, sizes), strict=True):
            values = dict(zip(names, figures.tolist(), strict=True))
            gradient = values.pop("gradient")
            if wrong := self.watch.see(values, gradient):
                raise self._diverged(step, wrong)
            if step % self.plan.log_every == 0 or step == self.plan.steps:
                self._record(step, values, gradient, progress)
        self.pending = []

    def _record(self, step: int, values: dict[str, float], gradient: float, progress: Progress) -> None:
        seconds, rate, left = self.pace.told(step)
        if self.losses is None:
            return
        total = values.pop("total")
        figures = {"total": total, "gradient": gradient, "learning_rate": learning_rate(self.plan, step - 1)}
        self.losses.add({"step": step, "terms": values, **figures, "seconds": seconds, "images_per_second": rate})
        if self.board:
            terms = {f"terms/{name}": value for name, value in values.items()}
            self.board.add(step, {**terms, **figures, "images_per_second": rate})
        progress.step(step, self.plan.steps, total, rate, left)

    def _sample(self, on_sample: OnSample) -> BaseException | None:
        """What went wrong, for the caller to raise when a checkpoint is written."""
        if not self.group.ranks.leads:
            return None
        self.module.eval()
        try:
            with self.average.applied() if self.average else nullcontext():
                picture = on_sample(self.step, self.module)
            if self.board and picture is not None:
                self.board.show(self.step, picture)
        except BaseException as error:  # noqa: BLE001  raised by the caller
            return error
        finally:
            self.module.train()
        return None

    def _save(self) -> None:
        if not self.group.ranks.leads or self.step == self.saved:
            return
        self.checkpoints.save(
            self.step,
            {
                **self._kind(),
                "module": self.module.state_dict(),
                "average": self.average.state() if self.average else {},
                "optimizer_state": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "watch": self.watch.state(),
            },
        )
        self.saved = self.step

    def _resume(self) -> None:
        content = self.checkpoints.load() if self.group.ranks.leads else None
        (step,) = self.group.from_first([-1 if content is None else content["step"]])
        if step < 0:
            return
        path = self.checkpoints.path(step)
        content = content or read_checkpoint(path)
        for name, value in self._kind().items():
            if content[name] != value:
                raise MediaError(
                    f"checkpoint {path} is of a training with {name}={content[name]}, this one has {name}={value};"
                    " train in another folder"
                )
        try:
            self.module.load_state_dict(content["module"])
        except RuntimeError as error:
            reason = " ".join(str(error).split("\n\t")[1:2]) or str(error)
            raise MediaError(
                f"checkpoint {path} is of another network ({reason.strip()}); train in another folder"
            ) from error
        if self.average:
            self.average.load(content["average"])
        self.optimizer.load_state_dict(content["optimizer_state"])
        self.scaler.load_state_dict(content["scaler"])
        self.watch.load(content["watch"])
        self.step = step

    def _kind(self) -> dict[str, Any]:
        """What must be the same when a training is gone on with, for what is stored to fit."""
        plan = self.plan
        return {
            "optimizer": plan.optimizer,
            "accumulate": plan.accumulate,
            "ema": plan.ema,
            "precision": plan.precision,
        }

    def _wrapped(self) -> nn.Module:
        plan = self.plan
        network = compiled(self.module, self.device) if plan.compile else self.module
        if plan.precision != "float32":
            network = InPrecision(network, getattr(torch, plan.precision))
        if self.group.alone:
            return network
        return DistributedDataParallel(network, device_ids=None if self.device.type == "cpu" else [self.device])

    def _together_if(self, last: bool) -> AbstractContextManager[None]:
        """Gradients of several batches are exchanged once, with the last one's."""
        if last or not isinstance(self.network, DistributedDataParallel):
            return nullcontext()
        return self.network.no_sync()

    def _diverged(self, step: int, wrong: str) -> BaseException:
        if not self.group.ranks.leads:
            return EndedElsewhere(2)
        good = self.checkpoints.newest(step - max(self.watch.doubtful_steps, 1))
        kept = f"start={good} goes on from before it" if good else "there is no checkpoint from before it"
        rate = learning_rate(self.plan, step - 1)
        return NumericalError(
            f"step {step}: {wrong}; the training has diverged: lower the learning rate ({rate:g} here) or the weight of"
            f" the term that grows; {kept}"
        )


def _next(stream: Iterator[Batch], count: int) -> tuple[list[Batch], BaseException | None]:
    """The next batches, or what kept them from coming."""
    try:
        return [next(stream) for _ in range(count)], None
    except BaseException as error:  # noqa: BLE001  raised by the caller, once a checkpoint is written
        return [], error
