"""Results of shots' first frames kept by content: what a preview computed, a run that would compute it reads.

The first frame of a shot is the one frame whose result depends on no other's, so it can be computed out of turn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from photovst.build import build_cache
from photovst.build_predicted import network_path, style_paths
from photovst.config import Settings
from photovst.guidance.guides import Guides
from photovst.guidance.regions import Regions
from photovst.network_settings import asks_for_prediction
from photovst.optimize.neighbors import Stylized
from photovst.optimize.parametrization import Parametrization
from photovst.provenance import code_version, flatten, hash_input
from photovst.schema.printing import settings_dict

HAVE_A_SAY = ("seed", "compat", "encoder", "objective", "parametrization", "optimizer", "schedule", "predicted")
"""Settings and sections that a first frame's result depends on, beside the frame, its regions and the photographs."""

HAVE_NONE = (
    *("objective.temporal", "objective.coherence", "schedule.keyframes", "schedule.passes", "schedule.next_iterations"),
    *("schedule.next_start", "schedule.fill", "predicted.network", "predicted.styles"),
)
"""Those of them that are of later frames only, and files that count by what they hold."""

STATE, TERMS, VALUES = "state.", "terms", "values"
"""What the arrays of a stored result are called."""


class FirstFrames:
    """First frames' results, in the cache of guides.

    Args:
        settings: of the run; without ``cache.enabled`` nothing is kept and nothing found.
        device: where results are to be.
        still: whether the clip is a still.
        start: makes a result of the kind in use, to be filled from what is stored.
    """

    def __init__(
        self, settings: Settings, device: torch.device, still: bool, start: Callable[[Tensor], Parametrization]
    ) -> None:
        self._cache, self._start, self._device = build_cache(settings), start, device
        self._digests: list[tuple[Tensor, str]] = []
        self._basis = None if self._cache is None else _basis(settings, device, still)

    def found(self, guides: Guides, regions: Regions) -> Stylized | None:
        """The result of the first frame of a shot, if it was kept; no iterations were spent on it now."""
        if self._cache is None:
            return None
        arrays = self._cache.find(self._kind(guides, regions), _pictures(guides, regions))
        if arrays is None:
            return None
        losses = dict(zip(arrays[TERMS].tolist(), arrays[VALUES].tolist(), strict=True))
        state = {name.removeprefix(STATE): value for name, value in arrays.items() if name.startswith(STATE)}
        return Stylized(self._start(guides.frame).restored(state), guides.frame, losses, 0, 0)

    def keep(self, guides: Guides, regions: Regions, stylized: Stylized) -> None:
        """Keep a frame's result, made without any earlier frame."""
        if self._cache is None:
            return
        arrays = {f"{STATE}{name}": value for name, value in stylized.parametrization.state().items()}
        arrays[TERMS] = np.array(list(stylized.losses), dtype=np.str_)
        arrays[VALUES] = np.array(list(stylized.losses.values()), dtype=np.float64)
        self._cache.put(self._kind(guides, regions), _pictures(guides, regions), arrays)

    def _kind(self, guides: Guides, regions: Regions) -> str:
        shot = {
            "sources": regions.sources,
            "weights": regions.weights,
            "index": guides.index,  # what noise is drawn by
            "time": guides.time,  # what styles are blended by
            "photos": [self._digest(photo.image) for photo in (*regions.photos, *regions.blended)],
        }
        return f"first frame {json.dumps([self._basis, shot], sort_keys=True)}"

    def _digest(self, image: Tensor) -> str:
        """A photograph in short; it may have fifty million numbers, and is the same for every shot."""
        for known, digest in self._digests:
            if known is image:
                return digest
        values = image.detach().cpu().contiguous().numpy()
        digest = hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()
        self._digests.append((image, digest))
        return digest


def _pictures(guides: Guides, regions: Regions) -> tuple[Tensor, ...]:
    return (guides.frame, guides.masks, *(photo.masks for photo in (*regions.photos, *regions.blended)))


def _basis(settings: Settings, device: torch.device, still: bool) -> Mapping[str, Any]:
    """What all first frames of a run have in common; the last digits of a sum depend on machine and threads."""
    flat = flatten(settings_dict(settings))
    chosen = {name: value for name, value in flat.items() if _within(name, HAVE_A_SAY) and not _within(name, HAVE_NONE)}
    files: dict[str, str] = {}
    if asks_for_prediction(settings):
        files["network"] = hash_input(network_path(settings))
        files |= {name: hash_input(path) for name, path in style_paths(settings).items()}
    else:
        chosen = {name: value for name, value in chosen.items() if not _within(name, ("predicted",))}
    cuda = device.type == "cuda"
    return {
        "code": code_version()["sha256"],
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if cuda else torch.backends.cpu.get_cpu_capability(),
        "threads": None if cuda else torch.get_num_threads(),
        "still": still,
        "settings": chosen,
        "files": files,
    }


def _within(name: str, sections: tuple[str, ...]) -> bool:
    return any(name == section or name.startswith(f"{section}.") for section in sections)
