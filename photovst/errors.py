"""Errors a user can act on: one line that says what was wrong, what was given, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PhotovstError(Exception):
    """Base of every error caused by input or environment. The command line prints it and exits with 2."""


class SettingsError(PhotovstError):
    """A setting is unknown, of the wrong type, or out of range."""


class MediaError(PhotovstError):
    """A clip, photograph, mask or output file cannot be read or written."""


class WeightsError(PhotovstError):
    """A network's weights are absent or are not the file they should be."""


class NumericalError(PhotovstError):
    """The optimization left the numbers it can continue from."""


def did_you_mean(given: str, options: Iterable[str]) -> str:
    """The tail of an error line: the closest option, or all of them when none is close.

    >>> did_you_mean("wieght", ["weight", "layers"])
    "did you mean 'weight'?"
    >>> did_you_mean("zzz", ["weight", "layers"])
    'choose one of: layers, weight'
    """
    names = sorted(options)
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"choose one of: {', '.join(names)}"
