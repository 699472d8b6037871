"""By what a clip is judged, put together: motion, regions, judges. A part of the composition root."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from photovst.build import build_motion
from photovst.build_predicted import network_path
from photovst.build_regions import build_regions
from photovst.config import (
    Compat,
    EncoderKind,
    FlowCertainty,
    FlowMethod,
    FlowSettings,
    SegmentationMethod,
    SegmentationSettings,
    Settings,
    StylerKind,
)
from photovst.errors import MediaError
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.folder_motion import FolderMotion
from photovst.guidance.ground_truth import ground_truth
from photovst.guidance.survey import Survey
from photovst.judges.clip import CPU, Bench
from photovst.judges.likeness import Look, Perceptual
from photovst.judges.motion import JudgedMotion, content_motion
from photovst.judges.pictures import Judges
from photovst.judging import Judging
from photovst.media.records import Clip
from photovst.media.shots import Shot
from photovst.media.tensors import to_frame
from photovst.models.network_files import is_network, load_network
from photovst.ops.resize import limit_long_side
from photovst.style_pictures import read_style
from photovst.types import Size

RELATED = {
    EncoderKind.steerable: "steerable",
    EncoderKind.vgg19_cd16x: "vgg19_cd16x",
    EncoderKind.vgg19: "vgg19_conv3_1",
    EncoderKind.vgg19_caffe: "vgg19_conv3_1",
}
"""The judge that each encoder is, or is the first layers of: it does not judge what was optimized with it."""


def build_bench(
    settings: Settings,
    clip: Clip,
    overview: Survey,
    judging: Judging,
    judges: Judges,
    perceptual: Perceptual | None,
    device: torch.device,
) -> Bench:
    """What clips made from a content are judged by.

    Args:
        settings: content, photograph and the regions to judge under, see `judging_settings`; a style that is the
            content itself counts as none.
        clip: the content.
        overview: of the content.
        judging: what else.
        judges: encoders that measure style.
        perceptual: LPIPS, where its weights are here.
        device: where everything is measured.

    Raises:
        PhotovstError: flow, masks or weights are absent or wrong.
    """
    motion = build_judged_motion(settings, clip, overview, judging, device)
    look = None
    if settings.style != settings.content:
        by_hand = settings.segmentation.method is SegmentationMethod.files
        side = max(limit_long_side(clip.info.size, judging.size))
        look = build_look(settings, overview, judges, side, clip.info.size if by_hand else None, device)
    return Bench(motion, overview, look, judging.size, perceptual, device)


def build_look(
    settings: Settings,
    overview: Survey,
    judges: Judges,
    long_side: int,
    mask_size: Size | None = None,
    device: torch.device = CPU,
) -> Look:
    """The look that a photograph has for judges of clips of one content.

    Args:
        settings: photograph, and the regions to judge under.
        overview: of the content.
        judges: encoders that measure style.
        long_side: of the clips as they are judged.
        mask_size: what mask files must have; where it is not given, any will do.
        device: where style is measured.

    Raises:
        PhotovstError: photograph or masks are absent or wrong.
    """
    photo = to_frame(read_style(settings.style), device)
    samples = [to_frame(picture, device) for picture in overview.samples(Shot(0, overview.count))]
    regions = build_regions(settings, samples, photo, overview.count, mask_size)
    return Look.of(photo, regions.photo, regions.of, judges, long_side)


def build_judged_motion(
    settings: Settings, clip: Clip, overview: Survey, judging: Judging, device: torch.device
) -> JudgedMotion:
    """The motion to judge along.

    Raises:
        MediaError: files of flow are absent, or there is no ground truth where it is asked for.
        WeightsError: the network's weights are absent.
    """
    if judging.flow_folder is not None:
        files = FlowFiles(judging.flow_folder, clip.info.size, "paper")
        files.check(overview.pairs((1,)))  # before any work; frames farther apart seldom have files
        given = FolderMotion(files, f"flow in {judging.flow_folder}")
        return JudgedMotion(given.name, given.between, given.has, given.has_back)
    if judging.flow in ("auto", "files"):
        truth = ground_truth(settings.content, clip.info.size)
        if truth is not None:
            near = list(overview.pairs((1,)))
            there = sum(truth.has(*pair) for pair in near)
            name = truth.name if there == len(near) else f"{truth.name}, {there} of {len(near)} pairs"
            return JudgedMotion(name, truth.between, truth.has, truth.has_back)
        if judging.flow == "files":
            raise MediaError(
                f"{settings.content} lies in no folder with ground truth, as MPI-Sintel's and 'photovst scene' have;"
                " give --flow-folder DIR, or another --flow"
            )
    if judging.flow == "raft":
        raft = dataclasses.replace(settings, flow=FlowSettings(FlowMethod.raft_large, certainty=FlowCertainty.paper))
        return JudgedMotion("raft large", build_motion(raft, clip.info.size, device, None).between)
    return content_motion(finest_scale=0 if judging.flow == "dis_fine" else 1)


def judging_settings(members: Sequence[Settings], masks: tuple[Path, Path] | None = None) -> Settings:
    """Settings of the regions that all members are judged by.

    They are the mask files given, else those of the members where all have the same ones, else regions found anew,
    whoever the members are. What a member maps, weights or takes from other photographs does not count.
    """
    first = members[0].segmentation
    segmentation = SegmentationSettings()
    if masks is not None:
        content, style = map(str, masks)
        segmentation = SegmentationSettings(method=SegmentationMethod.files, content=content, style=style)
    elif all(
        (each.segmentation.method, each.segmentation.content, each.segmentation.style)
        == (SegmentationMethod.files, first.content, first.style)
        for each in members
    ):
        segmentation = SegmentationSettings(method=first.method, content=first.content, style=first.style)
    return dataclasses.replace(members[0], seed=0, compat=Compat.none, segmentation=segmentation)


def own_judge(settings: Settings) -> str | None:
    """The judge that a result was optimized with, or that its network was trained with, as far as that is known."""
    kind: EncoderKind | None = settings.encoder.kind
    # Of a run that begins with a prediction, the encoder that it is optimized with from there on.
    network = network_path(settings) if settings.styler is StylerKind.predicted else Path(settings.style)
    if settings.styler is StylerKind.predicted or is_network(network):
        kind = EncoderKind.__members__.get(load_network(network).about.get("encoder", ""))
    return None if kind is None else RELATED.get(kind)


def region_names(segmentation: SegmentationSettings) -> str:
    """Where regions are from, in a few words, for the record."""
    if segmentation.method is not SegmentationMethod.files:
        return str(segmentation.method.value)
    return ", ".join(str(path) for path in (segmentation.content, segmentation.style) if path is not None)
