"""``photovst train``: a network that learns a style, from one config file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovst.cli_options import Configs, LogJson, Overwrite, Quiet
from photovst.endings import signals_wait

if TYPE_CHECKING:
    from photovst.training_config import TrainingSettings

IF_OUT_OF_MEMORY = "lower data.batch (accumulate can make up for it) or data.size"


def train(
    ctx: typer.Context,
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG.yaml", help="Settings of a training, see configs/training.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE", help="Settings, such as style=dusk.jpg; 'photovst settings --of training' lists them."
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="OUT", help="The network, if CONFIG does not say.")
    ] = None,
    configs: Configs = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="DIR", help="The training's folder; OUT with .run for its suffix by default."),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Train a network for one style. A stopped training of the same settings goes on where it stopped.

    On several GPUs: torchrun --nproc-per-node N -m photovst train CONFIG.yaml ... Paths in CONFIG are relative to the
    current folder.
    """
    call = ctx.obj
    call.if_out_of_memory = IF_OUT_OF_MEMORY
    fixed = {} if output is None else {"output": output}

    def work() -> Path | None:
        from photovst.run import default_run_folder

        settings = _settings([config, *(configs or ())], overrides or (), fixed)
        call.run_folder = run or default_run_folder(settings.output)
        return _train(settings, call.run_folder, overwrite=overwrite, quiet=quiet, log_json=log_json)

    call.work = work


def _settings(files: Sequence[Path], overrides: Sequence[str], fixed: Mapping[str, object]) -> TrainingSettings:
    from photovst.training_settings import load_training

    return load_training(files, overrides, fixed)


def _train(
    settings: TrainingSettings, run_folder: Path, *, overwrite: bool, quiet: bool, log_json: bool
) -> Path | None:
    from photovst.progress import progress_for

    with signals_wait():
        from photovst.train import train_network  # brings torch: bad settings are told of before that

    leads = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts, one tells
    with progress_for(quiet=quiet or not leads, log_json=log_json) as progress:
        made = train_network(settings, run_folder=run_folder, overwrite=overwrite, progress=progress)
    return made if leads else None
