"""A schema of any dataclass: what `test_settings_io` does not hold, mappings of names to dataclasses above all."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest
from omegaconf import MISSING

from photovst.errors import SettingsError
from photovst.schema import Schema, resolved_yaml, setting


class Kind(Enum):
    near = "near"
    far = "far"


@dataclass
class Source:
    kind: Kind = setting(MISSING, "Which.")
    weight: float = setting(1.0, "How much.", low=0, high=10)
    names: list[str] = setting([], "Of what.")
    path: str | None = setting(None, "Where.")


@dataclass
class Data:
    sources: dict[str, Source] = field(default_factory=dict)
    batch: int = setting(4, "How many.", low=1)


@dataclass
class Root:
    title: str = setting("none", "What it is called.")
    groups: dict[str, list[str]] = setting({}, "What belongs together.")
    data: Data = field(default_factory=Data)


def refuse_odd(settings: Root) -> None:
    if settings.data.batch % 2:
        raise SettingsError("data.batch is odd")


SCHEMA = Schema(Root, refuse_odd)


def test_entries_of_a_mapping_are_dataclasses_and_add_up(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data: {sources: {b: {kind: far, weight: 2}, a: {kind: near}}}\n")
    (tmp_path / "b.yaml").write_text("base: a.yaml\ndata: {sources: {b: {weight: 3}}}\n")
    overrides = ["data.sources.c.kind=near", "data.sources.c.names=[x, y]", "data.sources.a.path=${a}#1"]
    settings = SCHEMA.load([tmp_path / "b.yaml"], overrides)
    assert settings.data.sources == {
        "b": Source(Kind.far, 3.0),
        "a": Source(Kind.near, path="${a}#1"),
        "c": Source(Kind.near, names=["x", "y"]),
    }


def test_it_reads_back_what_it_prints(tmp_path: Path) -> None:
    settings = SCHEMA.load((), ["data.sources.c.kind=near", "title=${no}"], {"groups.sky": ["sky", "${no}"]})
    (tmp_path / "config.yaml").write_text(resolved_yaml(settings))
    again = SCHEMA.load([tmp_path / "config.yaml"])
    assert again == settings
    assert again.groups == {"sky": ["sky", "${no}"]}


def test_two_loads_share_nothing() -> None:
    SCHEMA.load((), ["data.sources.c.kind=near", "groups.sky=[sky]"])
    assert SCHEMA.load() == Root()


def test_a_setting_of_entries_is_listed_once() -> None:
    rows = {row.name: row for row in SCHEMA.describe()}
    assert [*rows] == [
        *("title", "groups", "data.sources.<name>.kind", "data.sources.<name>.weight"),
        *("data.sources.<name>.names", "data.sources.<name>.path", "data.batch"),
    ]
    assert rows["data.sources.<name>.kind"][1:3] == ("one of near, far", "(must be set)")
    assert rows["groups"].type == "mapping of names to list of text"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.sources.c.weight=2", r"data\.sources\.c\.kind is missing; set data\.sources\.c\.kind=\.{3} \(Which\.\)"),
        ("data.sources.c.kind=zzz", r"line: data\.sources\.c\.kind takes one of near, far, but the text 'zzz'"),
        ("data.sources.c.wieght=2", r"'data\.sources\.c\.wieght'; did you mean 'data\.sources\.c\.weight'\?"),
        ("data.sorces.c.kind=far", r"'data\.sorces\.c\.kind'; did you mean 'data\.sources\.c\.kind'\?"),
        ("names=[a]", r"unknown setting 'names'; did you mean 'data\.sources\.<name>\.names'\?"),
        ("data.sources.c=far", r"data\.sources\.c is a section, not .*; it holds data\.sources\.c\.kind, "),
        ("data.sources=far", r"data\.sources is a section, not .*; it holds data\.sources\.<name>\.kind,"),
        ("data.sources.c.kind.x=far", r"data\.sources\.c\.kind is set as a whole"),
        ("groups.sky=sky", r"groups\.sky takes a list of text, but the text 'sky' was given"),
        ("data.batch=3", r"^data\.batch is odd$"),
    ],
)  # fmt: skip
def test_overrides_refused(override: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SCHEMA.load((), [override])


def test_ranges_hold_in_entries(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data: {sources: {c: {kind: far, weight: 11}}}\n")
    with pytest.raises(
        SettingsError, match=r"a\.yaml: data\.sources\.c\.weight takes a number from 0 to 10, but 11\.0"
    ):
        SCHEMA.load([tmp_path / "a.yaml"])
