"""A training's folder: its checkpoints, so that a stopped training goes on, and only the same one. Torch-free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from photovst.held_folder import HeldFolder
from photovst.media.publish import check_new_file
from photovst.provenance import identity
from photovst.run import default_run_folder
from photovst.training_config import TrainingSettings

NOT_IN_NETWORK = (
    *("style", "style_labels", "start", "output", "device", "seed"),
    *("data.workers", "data.cache", "data.cache_limit_mb", "divergence"),
    *("checkpoint_minutes", "keep", "log_every", "sample_every", "sample_clip", "tensorboard"),
)
"""Settings with no say in the trained network, or whose say is taken as resolved (inputs, device, seed)."""


class TrainingFolder(HeldFolder):
    """One training's folder: checkpoints and losses beside what every `HeldFolder` holds."""

    WORK = "training"
    FOLDERS = ("checkpoints",)
    LINES = ("log.jsonl", "losses.jsonl")

    @property
    def samples(self) -> Path:
        """Where pictures of what the network does go; made when first asked for."""
        folder = self.path / "samples"
        folder.mkdir(exist_ok=True)
        return folder


def open_training(
    settings: TrainingSettings,
    device: str,
    *,
    processes: int = 1,
    run_folder: Path | None = None,
    overwrite: bool = False,
) -> TrainingFolder:
    """The folder of a training, new or to go on in; of several processes the first one opens it.

    Args:
        settings: its settings.
        device: the device in use ('cpu', 'cuda:0'), not 'auto'.
        processes: how many train together; another number sees other data.
        run_folder: the folder; the output with ``.run`` for its suffix when not given.
        overwrite: replace a network that is there, and whatever else the folder holds that is finished or not this.

    Raises:
        MediaError: an input does not exist, or the output cannot be written or is there already.
        SettingsError: the folder is in use, holds something else, or belongs to another training.
    """
    output = Path(settings.output)
    check_new_file(output, "the network", overwrite=overwrite)
    key = training_identity(settings, device, processes)
    return TrainingFolder.open(run_folder or default_run_folder(output), settings, key, overwrite)


def training_identity(settings: TrainingSettings, device: str, processes: int = 1) -> dict[str, Any]:
    """What the network depends on, as `photovst.provenance.identity`; data is known by its settings, not by its bytes.

    Raises:
        MediaError: an input does not exist.
    """
    inputs = {name: getattr(settings, name) for name in ("style", "style_labels", "start") if getattr(settings, name)}
    return {**identity(settings, inputs, device, NOT_IN_NETWORK), "processes": processes}
