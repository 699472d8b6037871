"""Dotted names of settings: which there are, and which was meant."""

from __future__ import annotations

import difflib
from typing import Any, get_args, get_origin

from photovst.errors import did_you_mean
from photovst.schema.fields import ENTRY, Leaf, leaves, mappings


class Names:
    """What there is to set below a dataclass."""

    def __init__(self, root: type[Any]) -> None:
        self.leaves: dict[str, Leaf] = dict(leaves(root))
        self.mappings = dict(mappings(root))
        below = (name[:i] for name in self.leaves for i, letter in enumerate(name) if letter == ".")
        self.sections = frozenset(below)

    def own(self, name: str) -> str:
        """The name among `leaves` or sections: 'data.sources.sintel.kind' is 'data.sources.<name>.kind'."""
        parts = name.split(".")
        for i in range(1, len(parts)):
            if ".".join(parts[:i]) in self.mappings:
                parts[i] = ENTRY
        return ".".join(parts)

    def leaf(self, name: str) -> tuple[Leaf, Any] | None:
        """What a name sets and the type it takes, if it sets something: an entry of a mapping has that of entries."""
        own = self.own(name)
        if own in self.leaves:
            return self.leaves[own], self.leaves[own].hint
        found = next((leaf for name, leaf in self.leaves.items() if own.startswith(f"{name}.")), None)
        if found is None or get_origin(found.hint) is not dict:
            return None
        return found, get_args(found.hint)[1]

    def inside(self, section: str) -> list[str]:
        """The settings in a section."""
        own = self.own(section)
        return [section + leaf.removeprefix(own) for leaf in self.leaves if leaf.startswith(f"{own}.")]

    def suggestion(self, name: str) -> str:
        """The tail of an error line about a name that is none."""
        parts, own = name.split("."), self.own(name).split(".")
        known = next(i for i in range(len(own)) if ".".join(own[: i + 1]) not in self.sections)
        if ".".join(own[: known + 1]) in self.leaves:
            return f"{'.'.join(parts[: known + 1])} is set as a whole"
        parent = parts[:known]
        everything = [*self.leaves, *self.sections]
        siblings = {n.split(".")[known] for n in self.leaves if n.split(".")[:known] == own[:known]}
        if close := difflib.get_close_matches(parts[known], siblings, n=1, cutoff=0.6):
            corrected = ".".join([*parent, close[0], *parts[known + 1 :]])
            right = corrected if self.own(corrected) in everything else ".".join([*parent, close[0]])
            return f"did you mean {right!r}?"
        elsewhere = {n.split(".")[-1] for n in everything}
        if close := difflib.get_close_matches(parts[-1], elsewhere, n=1, cutoff=0.8):
            found = [n for n in everything if n.split(".")[-1] == close[0]]
            return f"did you mean {found[0]!r}?" if len(found) == 1 else did_you_mean(name, found)
        return did_you_mean(parts[known], [".".join([*parent, s]) for s in siblings])
