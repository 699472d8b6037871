"""Settings of runs over published pairs: ``pairs=FOLDER pair=5`` in place of content, photograph and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from photovst.config import Settings
from photovst.datasets.luan_pairs import Pair, choose_pairs, find_pairs
from photovst.errors import SettingsError
from photovst.settings_io import load_settings, peek


def load_pairs(
    files: Sequence[Path] = (), overrides: Sequence[str] = (), output: str | None = None
) -> list[tuple[Pair, Settings]]:
    """The pairs that the settings name, each with settings of its own; none where they name none.

    A pair's files take the places of ``content``, ``style`` and the masks, and ``${pair}`` in ``output`` is its name.

    Args:
        files: YAML files.
        overrides: dotlist overrides.
        output: in place of the settings' own: a file for one pair, a folder for several.

    Raises:
        PhotovstError: as for `load_settings`; or a folder or pair is not there.
    """
    folder, wanted = (peek(files, overrides, name) for name in ("pairs", "pair"))
    if folder is None and wanted is None:
        return []
    if folder is None:
        raise SettingsError("pair is set, but pairs is not; set pairs=FOLDER")
    if wanted is None:
        raise SettingsError("pairs is set, but pair is not; set pair=NUMBER or pair=all")
    chosen = choose_pairs(find_pairs(Path(folder)), wanted)
    runs = [(pair, load_settings(files, overrides, last=_own(pair, output, len(chosen) > 1))) for pair in chosen]
    if len({settings.output for _, settings in runs}) < len(runs):
        raise SettingsError(
            f"every pair would be written to output={runs[0][1].output}; put ${{pair}} into its name, such as"
            " 'results/${pair}.png'"
        )
    return runs


def _own(pair: Pair, output: str | None, several: bool) -> Mapping[str, object]:
    own: dict[str, object] = {
        "pair": pair.name,
        "content": pair.content,
        "style": pair.style,
        "segmentation.content": pair.content_mask,
        "segmentation.style": pair.style_mask,
    }
    if output is not None:
        own["output"] = Path(output) / f"{pair.name}.png" if several else output
    return own
