"""TensorBoard: what it is given, and what is said where it is not there."""

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from photovst.errors import SettingsError
from photovst.training.boards import Board
from photovst.training.plan import Plan
from training.tiny_task import TinyTask, losses, run

PLAN = Plan(steps=4, log_every=2, sample_every=4, tensorboard=True)


def test_losses_and_samples_are_there(tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def on_sample(step: int, module: nn.Module) -> NDArray[np.uint8]:
        return np.full((8, 6, 3), 200, np.uint8)

    run(TinyTask(), PLAN, tmp_path, on_sample=on_sample)
    run(TinyTask(), replace(PLAN, steps=6), tmp_path)  # goes on
    events = reader.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert {"terms/content", "terms/steady", "total", "gradient", "learning_rate"} <= set(events.Tags()["scalars"])
    shown = [(event.step, event.value) for event in events.Scalars("total")]
    assert shown == [(record["step"], pytest.approx(record["total"])) for record in losses(tmp_path)]
    assert [step for step, _ in shown] == [2, 4, 6]
    (picture,) = events.Images("sample")
    assert (picture.step, picture.height, picture.width) == (4, 8, 6)


def test_its_absence_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any, **named: Any) -> Any:
        if "tensorboard" in name:
            raise ModuleNotFoundError("No module named 'tensorboard'")
        return real(name, *others, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r"needs the package tensorboard.*'photovst\[train\]', or set "):
        Board(tmp_path, 0)
