"""Options that several verbs of the command line have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Configs = Annotated[
    list[Path] | None,
    typer.Option("-c", "--config", metavar="FILE", help="A YAML file of settings; repeatable."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a finished result or another run.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Only warnings and errors.")]
LogJson = Annotated[bool, typer.Option("--log-json", help="Progress as one JSON object a line on stderr.")]
MasksContent = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Judge style under these masks of the clip: a picture, or a folder of them."),
]
MasksStyle = Annotated[
    Path | None, typer.Option(metavar="PATH", help="The photograph's mask that goes with --masks-content.")
]
