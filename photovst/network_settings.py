"""Settings of networks of any style checked together: blends, keyframes, and what they do not go with. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from photovst.config import ParametrizationKind, Settings, Start, StylerKind
from photovst.errors import SettingsError, did_you_mean

MAIN = "style"
"""What the photograph that the run names as its style is called in a blend."""

TIME = "time"
"""What a keyframe calls its time."""

OFF = 1e-3
"""By how much the weights of a blend may miss 1."""


def asks_for_prediction(settings: Settings) -> bool:
    """Whether a run takes anything from a network of any style."""
    return settings.styler is StylerKind.predicted or settings.schedule.start is Start.predicted


def check_predicted(settings: Settings) -> None:
    """Check what is set for a network of any style.

    Raises:
        SettingsError: it is at odds with itself, or with what else is set.
    """
    chosen = settings.predicted
    for name in (MAIN, TIME):
        if name in chosen.styles:
            whose = "the main photograph's" if name == MAIN else "that of a keyframe's time"
            raise SettingsError(f"predicted.styles.{name}: this name is {whose}; choose another")
    known = [MAIN, *chosen.styles]
    if chosen.weights and chosen.keyframes:
        raise SettingsError("predicted.weights and predicted.keyframes both say how styles are blended; leave one out")
    if chosen.weights:
        _check_weights("predicted.weights", chosen.weights, known)
    _check_keyframes(chosen.keyframes, known)
    if not asks_for_prediction(settings):
        return
    asked = "styler=predicted" if settings.styler is StylerKind.predicted else "schedule.start=predicted"
    if settings.parametrization.kind is ParametrizationKind.pixels:
        raise SettingsError(
            f"{asked} gives a bilateral grid, but parametrization.kind is pixels; set it to bilateral_grid"
        )
    if settings.styler is StylerKind.predicted and settings.schedule.passes.count > 1:
        raise SettingsError(
            f"styler=predicted takes every frame once, but schedule.passes.count={settings.schedule.passes.count};"
            " leave one out"
        )


def _check_weights(where: str, weights: Mapping[str, float], known: Collection[str]) -> None:
    for name, weight in weights.items():
        if name not in known:
            raise SettingsError(
                f"{where}.{name}: there is no style {name!r}; {did_you_mean(name, known)}, or name it in"
                " predicted.styles"
            )
        if not (math.isfinite(weight) and weight >= 0):
            raise SettingsError(f"{where}.{name} takes a number of at least 0, but {weight} was given")
    total = sum(weights.values())
    if abs(total - 1) > OFF:
        told = ", ".join(f"{name} {weight:g}" for name, weight in weights.items()) or "none"
        raise SettingsError(f"{where} sum to {total:g} ({told}), but a blend needs a sum of 1; change them")


def _check_keyframes(keyframes: list[dict[str, float]], known: Collection[str]) -> None:
    former = -math.inf
    for number, keyframe in enumerate(keyframes):
        where = f"predicted.keyframes[{number}]"
        time = keyframe.get(TIME)
        if time is None or not math.isfinite(time):
            raise SettingsError(f"{where} has no time; give it in seconds, such as {{time: 2.5, style: 1}}")
        if time <= former:
            raise SettingsError(f"{where} is at {time:g} s, but the one before it at {former:g} s; let times ascend")
        former = time
        _check_weights(where, {name: weight for name, weight in keyframe.items() if name != TIME}, known)
