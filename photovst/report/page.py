"""The page itself: one template for a run's own report and for those of several, with everything in it."""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from photovst.report import charts
from photovst.report.groups import differing, grouped
from photovst.report.pictures import data_uri, fitted
from photovst.report.subject import Subject, read_subject, seconds_text
from photovst.shown import Shown, ShownFrame, ShownPhoto
from photovst.storage import write_atomic

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

PICTURE_BYTES = 6_000_000
"""Of all pictures of a page together, before they are written in base64, which makes 4 bytes of 3."""

TEMPLATES = Path(__file__).parents[1] / "templates"


@dataclass(frozen=True)
class Screen:
    """A small clip as the bytes of an MP4 file, and what it shows."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Footage:
    """Clips of the same number of frames at the same rate, to be played together, and what is to be said of them."""

    screens: tuple[Screen, ...]
    frames: int
    rate: float
    note: str = ""


@dataclass(frozen=True)
class LinkedResult:
    """A result that lies beside the page."""

    path: str
    url: str
    shown_as: str


def write_report(folder: Path, result: Path) -> Path:
    """Write ``report.html`` into a run's folder and return its path.

    Everything is read from the folder. The result is linked by a relative path; its pictures are in the page.
    """
    relative = os.path.relpath(Path(result).resolve(), folder.resolve())
    suffix = Path(result).suffix.lower()
    shown_as = "video" if suffix in VIDEO_SUFFIXES else "picture" if suffix in PICTURE_SUFFIXES else "link"
    linked = LinkedResult(relative, quote(os.fsencode(relative)), shown_as)
    path = folder / "report.html"
    write_page(path, render([read_subject(folder, folder.name.removesuffix(".run"), result)], linked=linked))
    return path


def write_page(path: Path, page: str) -> None:
    """Write a page, whole or not at all; what no UTF-8 can hold becomes an escape."""
    write_atomic(path, page.encode(errors="backslashreplace"))


def render(
    subjects: Sequence[Subject],
    *,
    footage: Mapping[str, Footage] | None = None,
    linked: LinkedResult | None = None,
) -> str:
    """The page of one run, or of several beside each other.

    Args:
        subjects: the runs, with different names.
        footage: by the mark of a clip, what plays of it and of its runs.
        linked: the result of the only run, where that lies beside the page.
    """
    script = _file("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    subjects = _within_budget(subjects)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        uri=data_uri, percent=_percent, seconds=seconds_text, shell=_command, plain=plain, base64=_base64
    )
    groups = grouped(subjects)
    clips = ", ".join(dict.fromkeys(group.content for group in groups))
    single = len(subjects) == 1
    return environment.get_template("report.html.j2").render(
        title=subjects[0].title if single else f"{len(subjects)} runs of {clips}",
        subjects=subjects,
        groups=groups,
        single=single,
        figures=list(dict.fromkeys(name for subject in subjects for name, _ in subject.figures)),
        differing=differing(subjects),
        footage=footage or {},
        linked=linked,
        chart=charts,
        style=Markup(_file("report.css")),
        script=Markup(script),
        policy=_policy(digest, linked is not None),
    )


def plain(text: object) -> str:
    """A name as one line: what is no visible character is shown as its escape, and cannot turn or break the line.

    >>> plain("a\\nb")
    'a\\\\nb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def _policy(digest: str, linked: bool) -> str:
    """Nothing but this page's own script runs, and nothing is fetched but, where it is linked, the result."""
    beside = " 'self' file:" if linked else ""
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:{beside}; "
        f"media-src blob:{beside}; base-uri 'none'; form-action 'none'"
    )


def _within_budget(subjects: Sequence[Subject]) -> list[Subject]:
    """The runs with their pictures made small enough for all of them to fit."""
    count = sum(_count(subject) for subject in subjects)
    most = PICTURE_BYTES // max(count, 1)
    return [_fitted(subject, most) for subject in subjects]


def _count(subject: Subject) -> int:
    return 3 * len(subject.shown.frames) + len(subject.shown.style_regions) + len(subject.worst) + 1


def _fitted(subject: Subject, most: int) -> Subject:
    def small(data: bytes | None) -> bytes | None:
        return None if data is None else fitted(data, most)

    def photo(each: ShownPhoto) -> ShownPhoto:
        return ShownPhoto(each.caption, fitted(each.data, most))

    shown: Shown = replace(
        subject.shown,
        frames=tuple(
            ShownFrame(each.frame, small(each.content), small(each.result), small(each.regions))
            for each in subject.shown.frames
        ),
        style=subject.shown.style and photo(subject.shown.style),
        style_regions=tuple(map(photo, subject.shown.style_regions)),
    )
    return replace(subject, shown=shown, worst=tuple(map(photo, subject.worst)))


def _file(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _command(words: Sequence[Any]) -> str:
    """A command as a shell takes it; the program by its name, wherever it lies."""
    words = [str(word) for word in words]
    if words and Path(words[0]).name in ("photovst", "__main__.py"):
        words[0] = "photovst"
    return shlex.join(words)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
