"""Settings of several runs over one clip: one config file a member, overrides common to all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from photovst.config import Codec, Settings
from photovst.errors import SettingsError
from photovst.settings_io import load_settings

STILLS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")

SUFFIXES = {Codec.h264: ".mp4", Codec.hevc: ".mp4", Codec.prores: ".mov", Codec.ffv1: ".mkv", Codec.png: ""}


RESERVED = ("input", "compare")
"""Names that no config may have: the clip's own row, and the files of the comparison."""


@dataclass(frozen=True)
class Member:
    """One config of a comparison; its name is the config file's, without the suffix."""

    name: str
    config: Path
    settings: Settings


def split_arguments(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Config files and ``key=value`` overrides, told apart: a file may have '=' in its name if it is there.

    >>> split_arguments(["a.yaml", "seed=1"])
    ([PosixPath('a.yaml')], ['seed=1'])
    """
    files = [item for item in arguments if "=" not in item or Path(item).is_file()]
    return [Path(item) for item in files], [item for item in arguments if item not in files]


def load_members(
    configs: Sequence[Path], overrides: Sequence[str], folder: Path, over: Sequence[Path] = ()
) -> tuple[list[Member], dict[str, SettingsError]]:
    """The members of a comparison, and what is wrong with the configs that cannot be loaded, by name.

    Every result goes into ``folder`` under its member's name, whatever its config says. The files of ``over`` are laid
    over each config, and the overrides over those.

    Raises:
        SettingsError: there is no config, two have one name, an override sets the output, or the members differ in
            their content or photograph.
    """
    if not configs:
        raise SettingsError("there is no config to compare; give one YAML file or more")
    if any(override.startswith("output=") for override in overrides):
        raise SettingsError(f"results of a comparison are named after their configs, in {folder}; leave output= out")
    by_name: dict[str, Path] = {}
    for config in configs:
        if config.stem in RESERVED:
            raise SettingsError(f"{config} would be shown as {config.stem}, which has another meaning here; rename it")
        if config.stem in by_name:
            raise SettingsError(
                f"{by_name[config.stem]} and {config} would both be written to {config.stem}; rename one of them"
            )
        by_name[config.stem] = config
    members, failures = [], {}
    for name, config in by_name.items():
        try:
            members.append(Member(name, config, _settings([config, *over], overrides, folder / name)))
        except SettingsError as error:
            failures[name] = error
    for key in ("content", "style"):
        given = {str(Path(getattr(member.settings, key)).resolve()): member for member in members}
        if len(given) > 1:
            first, second = list(given.values())[:2]
            raise SettingsError(
                f"{first.config} has {key}={getattr(first.settings, key)} but {second.config} has"
                f" {key}={getattr(second.settings, key)}; give {key}=PATH for all of them"
            )
    return members, failures


def _settings(files: Sequence[Path], overrides: Sequence[str], place: Path) -> Settings:
    """The settings of a member whose result is ``place`` with the suffix that its codec and content want."""
    draft = load_settings(files, overrides, last={"output": place})
    content = Path(draft.content)
    still = content.suffix.lower() in STILLS and content.is_file()  # a glob of pictures is a clip
    suffix = ".png" if still else SUFFIXES[draft.video.codec]
    return load_settings(files, overrides, last={"output": f"{place}{suffix}"})
