"""The device that settings name: part of the composition root, for runs and for trainings."""

from __future__ import annotations

import re

import torch

from photovst.errors import SettingsError


def device_named(asked: str, process: int | None = None) -> torch.device:
    """The device asked for; 'auto' is the GPU where there is one.

    Args:
        asked: 'auto', 'cpu', 'cuda' or 'cuda:N'.
        process: which of several processes on this machine this is: each takes a GPU of its own.

    Raises:
        SettingsError: it is not a device of this machine.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked
    if not re.fullmatch(r"cpu|cuda(:[0-9]+)?", name):
        raise SettingsError(f"device={asked} is no device; choose auto, cpu, cuda or cuda:N")
    kind, _, number = name.partition(":")
    if process is not None and name != "cpu":
        if number:
            raise SettingsError(f"device={asked} is one GPU, but there are several processes; use device=cuda")
        name, number = f"cuda:{process}", str(process)
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise SettingsError(
            f"device={name}, but this machine has {torch.cuda.device_count()} CUDA devices; use device=cpu, or fewer"
            " processes"
            if process is not None
            else f"device={asked}, but this machine has {torch.cuda.device_count()} CUDA devices; use device=cpu"
        )
    return torch.device(name)
