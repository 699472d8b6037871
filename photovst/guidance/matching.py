"""Which regions a clip and a photograph share: every class of the clip finds its counterpart, once a shot.

A class that the photograph lacks, and one too small in either picture to have a style of its own, moves to its nearest
relative by a table; what has no relative takes the look of the whole photograph. Nothing is dropped: each class of
the clip ends in exactly one region, and a row says which and why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from photovst.errors import SettingsError, did_you_mean

WHOLE = "whole photograph"
"""What a class is mapped to that has no counterpart and no relative."""

NOTHING = "nothing"
"""What a class of the photograph is mapped to that the clip has no use for; painted in the clip, what has no style."""

TRACE = 5e-4
"""Shares below this one are not told of: no pixel of a thumbnail."""

Shares = NDArray[np.float64]

Kind = Literal["shared", "orphan", "sliver", "given", "photo"]
"""Found in both; in the clip alone; too small in the clip; settled by the user; in the photograph alone."""

Found = tuple["Source", str, Kind]
"""Where a class takes its style from, why, and what that makes it."""


@dataclass(frozen=True)
class Rules:
    """How classes are matched.

    Args:
        smallest: share of a picture below which a class is a sliver; 0 takes whatever is there.
        relatives: ``relatives(name)``, which may stand in for a class, the nearest first; none where names mean
            nothing.
        near: ``near(name)``, those relatives that come first where no class of the clip takes them for itself.
        kin: ``kin(name)``, those of its relatives whose look it lends its own to where the clip does not show it.
        mapped: classes that a user maps by hand, to a class of the photograph or to `WHOLE`.
        own: classes with a photograph of their own, and its name: each is a region by itself.
    """

    smallest: float = 0.0
    relatives: Callable[[str], Sequence[str]] = field(default=lambda name: ())
    near: Callable[[str], Sequence[str]] = field(default=lambda name: ())
    kin: Callable[[str], Sequence[str]] = field(default=lambda name: ())
    mapped: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Coverage:
    """What became of a class: its share of the clip and of the photograph, in [0, 1], what it takes, and why."""

    name: str
    clip: float
    photo: float
    mapped_to: str
    why: str
    region: str | None
    """The region it is in; None for what only the photograph shows and the clip has no use for."""
    kind: Kind = "shared"


class Source(NamedTuple):
    """Where a region takes its style: from a class of the photograph, from all of it, or from one of its own."""

    kind: Literal["class", "whole", "own"]
    name: str
    """Of the photograph's class; of the clip's for the other two kinds."""


@dataclass(frozen=True, eq=False)
class Matching:
    """The regions of a shot.

    ``clip`` and ``photo`` are ``(K, C)``, 1 where a class belongs to a region: region k of the clip is the sum of its
    classes, and ``sources[k]`` says where its style is from, for the kind "class" the sum of the photograph's.
    """

    names: tuple[str, ...]
    sources: tuple[Source, ...]
    clip: NDArray[np.float32]
    photo: NDArray[np.float32]
    rows: tuple[Coverage, ...]


def match(
    classes: Sequence[str],
    clip: Shares,
    photo: Shares,
    rules: Rules | None = None,
    absent: Collection[str] = (),
) -> Matching:
    """The regions that a shot shares with a photograph.

    Args:
        classes: their names.
        clip: share of the shot that each takes.
        photo: share of the photograph that each takes.
        rules: see there.
        absent: classes that no frame of the clip can show: they make no region. All others do, even those that were
            not seen yet.

    Raises:
        SettingsError: a class mapped by hand is none, or is mapped to what the photograph does not show.
    """
    return _Matcher(tuple(classes), clip, photo, rules or Rules(), absent).result()


class _Matcher:
    def __init__(
        self, classes: tuple[str, ...], clip: Shares, photo: Shares, rules: Rules, absent: Collection[str]
    ) -> None:
        self.classes, self.rules = classes, rules
        self.possible = [name for name in classes if name not in absent]
        # Of names as a mask's legend has them, some of a table's may be missing.
        self.relatives, self.near, self.kin = (
            {name: [other for other in table(name) if other in classes] for name in classes}
            for table in (rules.relatives, rules.near, rules.kin)
        )
        self.clip: dict[str, float] = dict(zip(classes, clip.tolist(), strict=True))
        self.photo: dict[str, float] = dict(zip(classes, photo.tolist(), strict=True))

    def result(self) -> Matching:
        found = {name: self._settled(name) for name in self.possible if not self._sliver(name)}
        of = {name: found.get(name) or self._sliver_source(name, found) for name in self.possible}
        # In the order of the classes, so that a region keeps its place and color from shot to shot.
        sources = list(dict.fromkeys(source for source, *_ in sorted(of.values(), key=self._place)))
        members = {source: [name for name in self.possible if of[name][0] == source] for source in sources}
        names = {source: self._named(source, members[source]) for source in sources}
        homes = {name: self._home(name, sources) for name in self.classes}
        of_clip = np.array([[name in members[source] for name in self.classes] for source in sources], np.float32)
        of_photo = np.array([[homes[name] == source for name in self.classes] for source in sources], np.float32)
        unused: Found = Source("whole", NOTHING), "", "photo"
        rows = tuple(
            self._row(name, *of.get(name, unused), homes[name], names) for name in self.classes if self._seen(name)
        )
        return Matching(tuple(names.values()), tuple(sources), of_clip, of_photo, rows)

    def _seen(self, name: str) -> bool:
        return max(self.clip[name], self.photo[name]) >= TRACE

    def _present(self, shares: Mapping[str, float], name: str) -> bool:
        return shares[name] > 0 and shares[name] >= self.rules.smallest

    def _sliver(self, name: str) -> bool:
        given = name in self.rules.own or name in self.rules.mapped or name == NOTHING
        return not given and not self._present(self.clip, name)

    def _settled(self, name: str) -> Found:
        """What a class takes that is no sliver, and why."""
        rules = self.rules
        if name == NOTHING:
            return Source("whole", name), "it is to be left as it is", "given"
        if name in rules.own:
            return Source("own", name), "has a photograph of its own", "given"
        if name in rules.mapped:
            return self._mapped(name, rules.mapped[name]), "as you set it", "given"
        if self._present(self.photo, name):
            return Source("class", name), "in both", "shared"
        share = self.photo[name]
        why = f"only {share:.1%} of the photograph" if share >= TRACE else "not in the photograph"
        shown = [r for r in self.relatives[name] if self._present(self.photo, r)]
        # A near one that the clip does not show itself first: two classes with one style between them lose contrast.
        free = [r for r in shown if r in self.near[name] and not self._present(self.clip, r)]
        relative = next(iter([*free, *shown]), None)
        return (Source("whole", name) if relative is None else Source("class", relative)), why, "orphan"

    def _sliver_source(self, name: str, found: Mapping[str, Found]) -> Found:
        """A sliver goes with its nearest relative in the clip, wherever that went."""
        why = f"only {self.clip[name]:.1%} of the clip"
        here = (r for r in self.relatives[name] if r in found and r not in self.rules.own)
        relative = next((r for r in here if self._present(self.clip, r)), None)
        if relative is not None:
            return found[relative][0], why, "sliver"
        return self._settled(name)[0], why, "sliver"

    def _mapped(self, name: str, target: str) -> Source:
        if target == WHOLE:
            return Source("whole", name)
        if not self.photo.get(target):
            shown = [c for c in self.classes if self.photo[c] >= TRACE]
            raise SettingsError(
                f"segmentation.map.{name}={target}, but the photograph shows no {target}; "
                f"{did_you_mean(target, [*shown, WHOLE])}"
            )
        return Source("class", target)

    def _home(self, name: str, sources: Sequence[Source]) -> Source | None:
        """The region that a class of the photograph lends its look: its own, or its kin's; a sliver any relative's."""
        if Source("class", name) in sources:
            return Source("class", name)
        if not self.photo[name]:
            return None
        near = self.kin[name] if self._present(self.photo, name) else self.relatives[name]
        lent_to = (Source("class", relative) for relative in near)
        return next((source for source in lent_to if source in sources), None)

    def _named(self, source: Source, members: Sequence[str]) -> str:
        """What a region is called: as what it shows, or as most of it does."""
        shown = source.name in members and self.clip[source.name] >= TRACE
        return source.name if shown else max(members, key=lambda name: self.clip[name])

    def _place(self, found: Found) -> tuple[int, str]:
        return self.classes.index(found[0].name), found[0].kind

    def _row(
        self, name: str, source: Source, why: str, kind: Kind, home: Source | None, names: Mapping[Source, str]
    ) -> Coverage:
        clip, photo = self.clip[name], self.photo[name]
        if clip < TRACE and kind != "given":
            why = "not in the clip" if self._present(self.photo, name) else f"only {photo:.1%} of the photograph"
            to, region = (home.name, names[home]) if home else (NOTHING, None)
            return Coverage(name, clip, photo, to, why, region, "photo")
        told = {"class": source.name, "whole": WHOLE, "own": self.rules.own.get(source.name, "")}[source.kind]
        told = NOTHING if name == NOTHING else told
        return Coverage(name, clip, photo, told, why, names[source], kind)
