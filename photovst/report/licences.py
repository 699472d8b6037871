"""The licences of the weights that a result and its figures rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from photovst.evaluation import Evaluation
from photovst.models.checkpoints import ADE20K, ADE20K_MOBILE, CHECKPOINTS, LPIPS_VGG16, RAFT_LARGE, VGG16, Checkpoint


class Licence(NamedTuple):
    """Of one file of weights: what it is, what for, and under which terms."""

    weights: str
    used_for: str
    licence: str
    origin: str


def licences_of(settings: Mapping[str, Any], evaluation: Evaluation | None = None) -> list[Licence]:
    """Weights that the settings of a run name, by dotted name, and those that judged its result."""
    found: dict[str, list[str]] = {}
    for name, use in (*_of_run(settings), *_of_evaluation(evaluation)):
        uses = found.setdefault(name, [])
        if use not in uses:
            uses.append(use)
    by_name = {checkpoint.name: checkpoint for checkpoint in CHECKPOINTS}
    return [_licence(by_name[name], ", ".join(uses)) for name, uses in found.items()]


def _of_run(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if str(settings.get("style")).lower().endswith(".safetensors"):
        return  # a trained network: nothing of optimization was used
    names = {checkpoint.name for checkpoint in CHECKPOINTS}
    for setting, use in (("encoder.kind", "objective"), ("flow.method", "motion")):
        if settings.get(setting) in names:
            yield str(settings[setting]), use
    method = settings.get("segmentation.method")
    if method == "ade20k":
        for checkpoint in ADE20K.get(str(settings.get("segmentation.network")), ()):
            yield checkpoint.name, "regions"
    elif method == "ade20k_mobile":
        yield ADE20K_MOBILE.name, "regions"


def _of_evaluation(evaluation: Evaluation | None) -> Iterator[tuple[str, str]]:
    if evaluation is None:
        return
    names = [checkpoint.name for checkpoint in CHECKPOINTS]
    for metric in evaluation.metrics:
        judge = metric.name.partition(".")[2]  # style_gram.vgg19
        judges = (VGG16.name, LPIPS_VGG16.name) if metric.name == "lpips" else (judge,) if judge in names else ()
        if metric.value is not None:
            yield from ((name, "metrics") for name in judges)
    if "raft" in evaluation.flow.lower():
        yield RAFT_LARGE.name, "metrics"


def _licence(checkpoint: Checkpoint, use: str) -> Licence:
    return Licence(checkpoint.file, use, checkpoint.licence, checkpoint.origin)
