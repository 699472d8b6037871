"""``photovst style``: photographs as a style that a network understands, kept for later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photovst.cli_options import Overwrite
from photovst.endings import signals_wait
from photovst.errors import SettingsError


def style(
    ctx: typer.Context,
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photographs, or saved styles.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Where the style goes (.safetensors).")],
    weights: Annotated[
        str | None,
        typer.Option(metavar="W,W...", help="Shares of several, such as .7,.3; equal when not given."),
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option(metavar="NET", help="The network of any style; the one that comes with photovst by default."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Save the style of PHOTO, or of a blend of several, as a network of any style sees it.

    It may stand wherever a photograph may with styler=predicted and that network.
    """

    def work() -> str:
        shares = read_shares(weights, len(photos))
        with signals_wait():
            from photovst.saved_styles import save_blend

        return save_blend(photos, shares, output, network, overwrite=overwrite)

    ctx.obj.work = work


def read_shares(text: str | None, count: int) -> list[float]:
    """Shares of so many photographs, equal ones where no text gives them.

    >>> read_shares(".7, .3", 2)
    [0.7, 0.3]

    Raises:
        SettingsError: they are no numbers, too few or many, negative, or sum to something else than 1.
    """
    from photovst.network_settings import OFF  # what reads settings is slow to import

    if text is None:
        return [1 / count] * count
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise SettingsError(f"--weights {text} are no numbers with commas between, such as .7,.3") from error
    if len(shares) != count:
        raise SettingsError(f"--weights {text} are {len(shares)}, but there are {count} photographs; give one for each")
    if not all(share >= 0 for share in shares):
        raise SettingsError(f"--weights {text} takes numbers of at least 0")
    if not abs(sum(shares) - 1) <= OFF:
        raise SettingsError(f"--weights {text} sum to {sum(shares):g}, but a blend needs a sum of 1; change them")
    return shares
