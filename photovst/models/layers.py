"""Layers by name: what every encoder says when it is asked for one it lacks."""

from __future__ import annotations

from collections.abc import Sequence

from photovst.errors import SettingsError


def check_layers(asked: Sequence[str], known: Sequence[str]) -> None:
    """Refuse layers that an encoder does not have.

    Raises:
        SettingsError: there is no such layer.
    """
    for layer in asked:
        if layer not in known:
            raise SettingsError(f"the encoder has no layer {layer!r}; choose from {', '.join(known)}")
