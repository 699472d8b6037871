"""Where trained weights are found: `$PHOTOVST_WEIGHTS`, then the user's cache folder. Verified before they are used."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import torch
from torch import Tensor

from photovst.errors import WeightsError


@dataclass(frozen=True)
class Checkpoint:
    """One published file of weights.

    ``sha256`` is the publisher's where there is one, else the one recorded when the file was first had; ``origin`` says
    where it comes from.
    """

    file: str
    sha256: str
    megabytes: float
    licence: str
    origin: str


VGG19_CD16X = Checkpoint(
    file="vgg19_cd16x.pth",
    sha256="9417c34d0d8d621bc6af78be745f1b8d30f5f210efa01e50655c60eb3770816b",
    megabytes=3.9,
    licence="MIT",
    origin="collaborative distillation [Wang2020], trained_models/wct_se_16x_new/20191109-211322_E20.pth of its"
    " repository; no hash is published, this one was recorded at the first download",
)


def folders() -> list[Path]:
    """Where weights are looked for, in order."""
    given = os.environ.get("PHOTOVST_WEIGHTS")
    cache = Path(platformdirs.user_cache_dir("photovst")) / "weights"
    return [Path(given), cache] if given else [cache]


def find(checkpoint: Checkpoint) -> Path:
    """The path of a checkpoint, once its hash is right.

    Raises:
        WeightsError: it is nowhere, or it is not the published file.
    """
    for folder in folders():
        path = folder / checkpoint.file
        if not path.is_file():
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != checkpoint.sha256:
            raise WeightsError(
                f"{path} is not the published {checkpoint.file}: its sha256 is {digest[:16]}..., not"
                f" {checkpoint.sha256[:16]}...; replace it"
            )
        return path
    places = " or ".join(str(folder) for folder in folders())
    raise WeightsError(
        f"{checkpoint.file} ({checkpoint.megabytes} MB, {checkpoint.licence}) is not in {places}; get it from"
        f" {checkpoint.origin}, and put it there or name its folder in PHOTOVST_WEIGHTS"
    )


def load(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by name, on the CPU.

    Raises:
        WeightsError: it is nowhere, or it is not the published file.
    """
    content = torch.load(find(checkpoint), weights_only=True, map_location="cpu")
    weights: dict[str, Tensor] = content["model"]
    return weights
