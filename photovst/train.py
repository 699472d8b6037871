"""The main flow of a training: settings in, a network in one file out."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import torch

from photovst import __version__
from photovst.build_device import device_named
from photovst.build_training import (
    build_new_network,
    build_plan,
    build_task,
    build_training_data,
    network_options,
    read_style_picture,
)
from photovst.models.network_files import TrainedNetwork, save_network
from photovst.progress import Progress
from photovst.run import default_run_folder
from photovst.training.batch import Batch
from photovst.training.distributed import ranks
from photovst.training.loop import LOSSES, train
from photovst.training.loss_log import read_losses
from photovst.training.many_styles import ManyStyles
from photovst.training.preparation import prepare
from photovst.training.samples import Samples
from photovst.training.stream import stream
from photovst.training_config import TrainingSettings
from photovst.training_folder import TrainingFolder, open_training


def train_network(
    settings: TrainingSettings, *, run_folder: Path | None = None, overwrite: bool = False, progress: Progress
) -> Path:
    """Train a network and return its file; the same call goes on with a training that was stopped.

    Started by torchrun, every process calls this, and the first one writes.

    Raises:
        PhotovstError: bad input, or a training that diverged, in one line.
    """
    output, group = Path(settings.output), ranks()
    device = device_named(settings.device, group.local_rank if group.count > 1 else None)
    place = run_folder or default_run_folder(output)
    if not group.leads:
        _train(settings, place, device, progress, None)
        return output
    with open_training(settings, str(device), processes=group.count, run_folder=place, overwrite=overwrite) as folder:
        progress.record_to(folder.log)
        network = _train(settings, place, device, progress, folder)
        save_network(output, network)
        folder.finish(output)
    return output


def _train(
    settings: TrainingSettings, place: Path, device: torch.device, progress: Progress, folder: TrainingFolder | None
) -> TrainedNetwork:
    progress.stage("preparing")
    group = ranks()
    style = read_style_picture(settings)
    network = build_new_network(settings)
    task = build_task(settings, network, style, device)
    data = build_training_data(settings)
    if folder:
        prepare(data, max(1, settings.data.workers), progress)
    samples = None
    if folder and settings.sample_every:
        shown = data.styles[0].read(0)[0] if isinstance(data, ManyStyles) else None
        samples = Samples(folder.samples, settings.sample_clip, device, shown)

    def batches(first: int) -> Generator[Batch]:
        chosen = settings.data
        pin = device.type == "cuda"
        return stream(data, first, chosen.batch, chosen.workers, pin, group.rank, group.count)

    train(task, batches, build_plan(settings), place, progress, samples)
    about = _about(settings, place) if folder else {}
    return TrainedNetwork(network.cpu(), settings.network.kind.value, network_options(settings), style, about)


def _about(settings: TrainingSettings, place: Path) -> dict[str, str]:
    """What the file says of its network."""
    last = read_losses(place / LOSSES)[-1:]
    terms = {name: f"{value:.4g}" for record in last for name, value in record["terms"].items()}
    frames = settings.data.batch * settings.accumulate * ranks().count
    sources = ", ".join(f"{name} ({source.kind.value})" for name, source in settings.data.sources.items())
    styles = ", ".join(f"{name} ({source.kind.value})" for name, source in settings.styles.sources.items())
    return {
        "name": settings.name or Path(settings.output).stem,
        "license": settings.license,
        "style": Path(settings.style).name if settings.style else f"any; trained on {styles}",
        "data": f"{sources}; seed {settings.seed}; {settings.data.size[1]}x{settings.data.size[0]}",
        "steps": f"{settings.steps} of {frames} samples",
        "encoder": settings.encoder.kind.value,
        "losses at the end": ", ".join(f"{name} {value}" for name, value in terms.items()),
        "made by": f"photovst {__version__}",
    }
