"""torchvision, imported also where its compiled operators do not load, as beside a CPU build of PyTorch.

torchvision describes its operators to PyTorch when it is imported, which fails for those that are not there.
Its networks need none of them: two empty declarations are enough. Import torchvision through here, never
directly.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@functools.cache
def import_torchvision() -> ModuleType:
    """The torchvision package; without its compiled operators it still imports, and only calling one fails.

    Raises:
        ModuleNotFoundError: torchvision is not installed.
    """
    if not _operators_load():
        library = _declarations()
        for schema in SCHEMAS:
            library.define(schema)  # type: ignore[no-untyped-call]
    return importlib.import_module("torchvision")


@functools.cache
def _declarations() -> torch.library.Library:
    # Declarations last as long as this object: the cache keeps it.
    return torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]


def _operators_load() -> bool:
    """Whether torchvision's compiled operators are there and fit this build of PyTorch."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("torchvision is not installed; pip install torchvision", name="torchvision")
    for extension in Path(found.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(extension)  # type: ignore[no-untyped-call]
        except OSError:  # made for another build: a library it links to is absent
            return False
        return True
    return False
