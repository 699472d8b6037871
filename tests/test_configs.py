"""Every YAML that is shipped loads, and ``configs/default.yaml`` holds the defaults.

Run as a program, this file writes ``configs/default.yaml`` anew.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from photovst.settings_io import describe_settings, load_settings, resolved_yaml
from photovst.sweeps.file import read_sweep
from photovst.training_config import SourceKind, StyleKind
from photovst.training_settings import load_training, of_any_style, peek_training

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT / "configs" / "default.yaml"
FILES = sorted(path for folder in ("configs", "experiments", "models") for path in (ROOT / folder).rglob("*.yaml"))
SWEEPS = [path for path in FILES if "clips:" in path.read_text(encoding="utf-8")]
TRAININGS = [path for path in FILES if {"training", "models"} & set(path.relative_to(ROOT).parts)]
SHIPPED = [path for path in FILES if path not in (*SWEEPS, *TRAININGS)]
INPUTS = {"content": "clip.mp4", "style": "photo.jpg", "output": "out.mp4"}

HEADER = """\
# Every setting at its default, with what it means. Copy what you change into a file of your own and give that
# with -c, or start it with 'base: default.yaml'; what a file does not name keeps its default.
# Inputs and output are usually named on the command line.

"""


def default_yaml() -> str:
    """The defaults as YAML, below each setting's meaning and range."""
    about = {row.name: row for row in describe_settings()}
    lines = list(_lines(yaml.safe_load(resolved_yaml(load_settings(fixed=INPUTS))), "", about))
    return HEADER + "\n".join(lines) + "\n"


def _lines(values: dict, prefix: str, about: dict) -> Iterator[str]:
    indent = "  " * prefix.count(".")
    for key, value in values.items():
        name = prefix + key
        if isinstance(value, dict) and name not in about:
            yield ""
            yield f"{indent}{key}:"
            yield from (line for line in _lines(value, f"{name}.", about) if line)
            continue
        row = about[name]
        takes = f"{row.type} {row.range}".strip()
        for line in textwrap.wrap(f"{row.meaning} ({takes})", 108 - len(indent)):
            yield f"{indent}# {line}"
        if name in INPUTS:
            yield f"# {key}:"
        else:
            yield indent + (
                f"{key}: {value}" if isinstance(value, list | dict) else yaml.safe_dump({key: value}).strip()
            )


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_shipped_sweep_reads_and_its_base_loads(path: Path) -> None:
    sweep = read_sweep(path)
    assert sweep.clips
    load_settings(sweep.base, last=INPUTS)


@pytest.mark.parametrize("path", TRAININGS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_shipped_training_loads(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
    last: dict[str, object] = {"output": "net.safetensors"}
    if not of_any_style(peek_training([path], (), "network.kind")):
        last["style"] = "photo.jpg"
    if peek_training([path], (), "loss.regions"):
        last["style_labels"] = "labels.png"
    for name, source in peek_training([path], (), "data.sources").items():
        if source.kind not in (SourceKind.procedural, SourceKind.still_motion):
            last[f"data.sources.{name}.path"] = "folder"
    for name, styles in peek_training([path], (), "styles.sources").items():
        if styles.kind is StyleKind.pictures:
            last[f"styles.sources.{name}.path"] = "folder"
    settings = load_training([path], last=last)
    assert settings.data.sources


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_shipped_config_loads(path: Path) -> None:
    masks = {"segmentation.content": "masks.png", "segmentation.style": "mask.png"}  # which a pair brings
    load_settings([path], last={**INPUTS, **masks})


def test_default_yaml_names_every_setting_with_its_default() -> None:
    shipped = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    expected = yaml.safe_load(default_yaml())
    how = f"{DEFAULT.relative_to(ROOT)} is behind photovst/config.py; write it anew: python tests/{Path(__file__).name}"
    assert shipped == expected, how
    assert load_settings([DEFAULT], fixed=INPUTS) == load_settings(fixed=INPUTS)


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_preset_changes_something_and_says_what_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
    assert load_settings([path], fixed=INPUTS) != load_settings(fixed=INPUTS)


if __name__ == "__main__":
    DEFAULT.write_text(default_yaml(), encoding="utf-8")
