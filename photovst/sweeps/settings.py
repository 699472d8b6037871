"""The members of a sweep: variants x grid x clips x styles x seeds, each with settings of its own. Torch-free."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photovst.compare_settings import STILLS, SUFFIXES
from photovst.config import Settings
from photovst.errors import SettingsError
from photovst.judging import Judging
from photovst.run import default_run_folder
from photovst.settings_io import load_settings, settings_dict
from photovst.sweeps.file import PLACES, ClipEntry, SweepFile, Term, read_sweep

LONGEST = 120
"""Bytes of a name in a path; far below what file systems take."""


@dataclass(frozen=True)
class Point:
    """What is varied: one row of the table.

    ``name`` joins the variant's and the grid's values; ``changes`` are the settings both set.
    """

    name: str
    variant: str | None
    grid: Mapping[str, Any]
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class SweepMember:
    """One run of a sweep, and by what it is judged."""

    clip: str
    style: str | None
    point: Point
    seed: int
    settings: Settings
    judging: Judging

    @property
    def name(self) -> str:
        """Such as ``lake/no_temporal/seed1``."""
        return "/".join([self.clip, *([self.style] if self.style else []), self.point.name, f"seed{self.seed}"])

    @property
    def run_folder(self) -> Path:
        """Where its run lies."""
        return default_run_folder(self.settings.output)


@dataclass(frozen=True)
class Sweep:
    """Every member of a sweep, in the order they are run, and where everything goes."""

    file: Path
    output: Path
    members: tuple[SweepMember, ...]

    @functools.cached_property
    def points(self) -> tuple[Point, ...]:
        """What is varied, in order."""
        return tuple({member.point.name: member.point for member in self.members}.values())

    @functools.cached_property
    def clips(self) -> tuple[tuple[str, str | None], ...]:
        """Clips, each with the name of its photograph where several are listed, in order."""
        return tuple(dict.fromkeys((member.clip, member.style) for member in self.members))


def load_sweep(path: Path, output: Path | None = None, overrides: Sequence[str] = ()) -> Sweep:
    """Read a sweep file and load the settings of every member.

    Args:
        path: the file.
        output: in place of the file's own.
        overrides: ``key=value`` for all members.

    Raises:
        SettingsError: the file is wrong; settings are unknown, wrong or contradict each other; two members would be the
            same run, or would be written to one place; a clip or photograph is not there.
    """
    raw = read_sweep(path)
    folder = output or raw.output
    if folder is None:
        raise SettingsError(f"{path}: output is missing; set output: FOLDER, or give -o FOLDER")
    points = list(_points(raw))
    _check_overrides(overrides, points, raw)
    clips = raw.clips or (ClipEntry(_base_clip(raw, overrides), None),)
    _check_styles(raw, clips)
    names = {
        "clips": [clip.name for clip in clips],
        "styles": [*raw.styles],
        "variants and grid": [point.name for point in points],
    }
    for kind, given in names.items():
        _check_names(given, f"{path}, {kind}", reserved=kind == "clips")
    members: list[SweepMember] = []
    styles: list[tuple[str | None, str | None]] = [*raw.styles.items()] or [(None, None)]
    for clip, (style, photo), point in itertools.product(clips, styles, points):
        _check_contradiction(clip, point, path)
        place = folder.joinpath(*(safe(part) for part in (clip.name, style, point.name) if part))
        for seed in raw.seeds or (None,):
            settings = _member_settings(raw, clip, photo, point, seed, overrides, place)
            judging = raw.judging
            if clip.flow is not None:
                judging = dataclasses.replace(judging, flow="files", flow_folder=clip.flow)
            if clip.masks is not None:
                judging = dataclasses.replace(judging, masks=clip.masks)
            members.append(SweepMember(clip.name, style, point, settings.seed, settings, judging))
    _check_different(members, path)
    _check_there(members, path)
    return Sweep(path, folder, tuple(members))


def safe(name: str) -> str:
    """A name as part of a path: letters, digits and a few signs, others as '_'.

    >>> safe('take "1": lake/shore')
    'take_1_lake_shore'
    """
    short = re.sub(r"[^\w.,=+-]+", "_", name).strip("._").encode()[:LONGEST]
    return short.decode(errors="ignore")


def _points(raw: SweepFile) -> Iterator[Point]:
    variants: list[tuple[str | None, Mapping[str, Any]]] = [*raw.variants.items()] or [(None, {})]
    tails = _tails([*raw.grid])
    for variant, changes in variants:
        for key in raw.grid:
            if key in changes:
                raise SettingsError(f"{raw.path}: {key} is set by variants.{variant} and by the grid; leave one out")
        for values in itertools.product(*raw.grid.values()):
            chosen = dict(zip(raw.grid, values, strict=True))
            labels = [_label(key, tails[key], value) for key, value in chosen.items()]
            name = ",".join([*([variant] if variant is not None else []), *labels]) or "base"
            yield Point(name, variant, chosen, {**changes, **chosen})


def _tails(names: Sequence[str]) -> dict[str, str]:
    """The last two parts of each dotted name, or as many as tell it from the others."""

    def tail(name: str, count: int) -> str:
        return ".".join(name.split(".")[-count:])

    found = {}
    for name in names:
        counts = range(2, name.count(".") + 2)
        alone = (tail(name, n) for n in counts if sum(tail(other, n) == tail(name, n) for other in names) == 1)
        found[name] = next(alone, name)
    return found


def _label(name: str, tail: str, value: Any) -> str:
    if isinstance(value, Term):
        return f"{name.split('.')[1]}={value.value}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace(" ", "")
    return f"{tail}={text}"


def _base_clip(raw: SweepFile, overrides: Sequence[str]) -> str:
    """The name of the clip that the base names, where the sweep lists none."""
    try:
        settings = load_settings(raw.base, overrides, last={"output": "out"})
    except SettingsError as error:
        raise SettingsError(f"{raw.path} lists no clips, and its base alone cannot be loaded: {error}") from error
    return Path(settings.content).stem


def _member_settings(
    raw: SweepFile,
    clip: ClipEntry,
    photo: str | None,
    point: Point,
    seed: int | None,
    overrides: Sequence[str],
    place: Path,
) -> Settings:
    layers = [
        (str(raw.path), raw.settings),
        (f"{raw.path}, clips.{clip.name}", clip.settings or {}),
        (f"{raw.path}, {point.name}", point.changes),
    ]
    switched_on = [name for _, layer in layers for name, value in layer.items() if value is Term.on]
    given = [
        (source, {name: 0.0 if value is Term.off else value for name, value in layer.items() if value is not Term.on})
        for source, layer in layers
    ]
    last: dict[str, object] = {"output": place}
    last |= {} if clip.content is None else {"content": clip.content}
    last |= {} if (style := photo or clip.style) is None else {"style": style}
    last |= {} if seed is None else {"seed": seed}
    draft = load_settings(raw.base, overrides, last=last, layers=given)
    for name in switched_on:
        term = name.split(".")[1]
        if getattr(draft.objective, term).weight == 0:
            raise SettingsError(
                f"{raw.path}, {point.name}: the term {term} is on, but its weight is 0; set settings: {{{name}: ...}}"
            )
    still = Path(draft.content).suffix.lower() in STILLS and Path(draft.content).is_file()
    suffix = ".png" if still else SUFFIXES[draft.video.codec]
    return dataclasses.replace(draft, output=str(place / f"seed{draft.seed}{suffix}"))


def _check_overrides(overrides: Sequence[str], points: Sequence[Point], raw: SweepFile) -> None:
    varied = {name for point in points for name in point.changes}
    varied |= {name for clip in raw.clips for name in clip.settings or {}}
    for override in overrides:
        name = override.partition("=")[0]
        if name in PLACES:
            raise SettingsError(f"{override} cannot be set for a sweep; {PLACES[name]}")
        if name in varied:
            raise SettingsError(f"{override} is for all members, but {raw.path} varies {name}; leave one out")


def _check_styles(raw: SweepFile, clips: Sequence[ClipEntry]) -> None:
    for clip in clips:
        if raw.styles and clip.style is not None:
            raise SettingsError(
                f"{raw.path}: clips.{clip.name} has a style of its own, and styles are listed too; leave one out"
            )


def _check_contradiction(clip: ClipEntry, point: Point, path: Path) -> None:
    for name in point.changes:
        if name in (clip.settings or {}):
            raise SettingsError(f"{path}: {name} is set by clips.{clip.name} and varied by {point.name}; leave one out")


def _check_names(names: Sequence[str], source: str, reserved: bool) -> None:
    places: dict[str, str] = {}
    for name in names:
        # As file systems that know no case would have it.
        place = safe(name).casefold()
        if not place:
            raise SettingsError(f"{source}: {name!r} has no letter or digit that a file could be named by; rename it")
        if reserved and (place.startswith("sweep.") or place.endswith(".png")):
            raise SettingsError(f"{source}: {name!r} could take the place of a file of the sweep; rename it")
        if place in places:
            raise SettingsError(
                f"{source}: {places[place]!r} and {name!r} would both be written to {safe(name)}; rename one of them"
            )
        places[place] = name


def _check_different(members: Sequence[SweepMember], path: Path) -> None:
    seen: dict[str, SweepMember] = {}
    for member in members:
        values = settings_dict(member.settings)
        del values["output"]
        values |= {key: str(Path(values[key]).resolve()) for key in ("content", "style")}
        mark = json.dumps(values, sort_keys=True)
        if mark in seen:
            raise SettingsError(
                f"{path}: {seen[mark].name} and {member.name} are the same run, setting by setting; leave one out"
            )
        seen[mark] = member


def _check_there(members: Sequence[SweepMember], path: Path) -> None:
    written = {Path(member.settings.output).resolve() for member in members}
    for member in members:
        for kind in ("content", "style"):
            place = getattr(member.settings, kind)
            if Path(place).resolve() in written:
                raise SettingsError(f"{path}: {kind} {place} would be written over by a member; choose another output")
            if not Path(place).exists() and not any(sign in place for sign in "*?["):
                raise SettingsError(f"{path}: {member.clip}: {kind} {place} does not exist; check the path")
        for place in (member.judging.flow_folder, *(member.judging.masks or ())):
            if place is not None and not place.exists():
                raise SettingsError(f"{path}: {member.clip}: {place} does not exist; check the path")
