"""Regions from settings: which are looked for, how, and how they are matched; a third of the composition root."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from photovst.build import build_device
from photovst.config import Compat, SegmentationMethod, Settings
from photovst.errors import MediaError
from photovst.guidance.brightened import Brightened
from photovst.guidance.cache import GuideCache
from photovst.guidance.groups import GROUPS, kin, near, relatives
from photovst.guidance.in_groups import InGroups
from photovst.guidance.joint import JointRegions
from photovst.guidance.label_masks import LabelMasks
from photovst.guidance.mask_track import MaskTrack
from photovst.guidance.matching import Rules
from photovst.guidance.region_finder import Photo, RegionFinder
from photovst.guidance.region_sources import Drawn, Joint, Named, RegionSource
from photovst.guidance.regions import Regions, unrefined, whole_frame, whole_photo
from photovst.guidance.segmentation import Segmenter
from photovst.media.tensors import to_frame
from photovst.ops.mask_refinement import refine_masks
from photovst.ops.masks import resize_masks
from photovst.style_pictures import read_style
from photovst.types import Size

EDGE_EPSILON = 1e-4
"""Variance of color below which masks are not drawn to edges."""

RegionsOf = Callable[[Sequence[Tensor], range], Regions]
"""The regions of a shot, from a few of its frames and the numbers of all."""

SourceOf = Callable[[Sequence[Tensor], range], RegionSource]


def build_region_finder(
    settings: Settings,
    photo: Tensor | None,
    frames: int,
    size: Size | None = None,
    cache: GuideCache | None = None,
    blended: Sequence[Photo] = (),
) -> RegionsOf:
    """What finds the regions of each shot of a clip; networks and files are read once.

    Args:
        settings: of the run.
        photo: the photograph, where regions are to be; without one they are the clip's own.
        frames: in the whole clip.
        size: of its frames, which mask files must have; where it is not given, any will do.
        cache: where slow segmentations are kept.
        blended: photographs whose style is blended with that of ``photo``.

    Raises:
        MediaError: a mask file or a photograph is absent or cannot be read, or there are fewer masks than frames.
        SettingsError: a package that the method needs is not installed.
        WeightsError: a network's weights are absent or not the published ones.
    """
    segmentation, name = settings.segmentation, Path(settings.style).name
    if segmentation.method is SegmentationMethod.none:
        others = [whole_photo(each.image, each.name) for each in blended]
        return lambda samples, shot: whole_frame(samples[0] if photo is None else photo, name, others)
    device = build_device(settings) if photo is None else photo.device
    own = {region: _photo(region, path, device) for region, path in segmentation.styles.items()}
    by_hand = segmentation.method is SegmentationMethod.files
    finder = RegionFinder(
        None if photo is None else Photo(name, photo),
        Rules(
            smallest=segmentation.smallest if _is_named(segmentation.method) else 0.0,
            relatives=partial(_of_groups, relatives),
            near=partial(_of_groups, near),
            kin=partial(_of_groups, kin),
            mapped=segmentation.map,
            own={region: photo.name for region, photo in own.items()},
        ),
        unrefined if by_hand else partial(_refined, segmentation.edges),
        own,
        segmentation.weights,
        orphans_take_all=settings.compat is not Compat.torch7,
        blended=blended,
    )
    source_of = _build_sources(settings, photo, device, frames, size, cache)
    return lambda samples, shot: finder.find(source_of(samples, shot), samples)


def build_regions(
    settings: Settings, samples: Sequence[Tensor], photo: Tensor, frames: int, size: Size | None = None
) -> Regions:
    """The regions of one shot; see `build_region_finder`."""
    return build_region_finder(settings, photo, frames, size)(samples, range(frames))


def build_mask_track(settings: Settings) -> MaskTrack:
    """What steadies the regions of a clip and draws them to edges; masks drawn by hand stay as they are."""
    segmentation = settings.segmentation
    if segmentation.method in (SegmentationMethod.files, SegmentationMethod.none):
        return MaskTrack(0.0, 0.0, 0.0, EDGE_EPSILON)
    return MaskTrack(segmentation.persistence, segmentation.hysteresis, segmentation.edges, EDGE_EPSILON)


def build_named(settings: Settings, device: torch.device, cache: GuideCache | None = None) -> Named:
    """The network that names what is in a picture, its classes in groups.

    Raises:
        SettingsError: its package is not installed.
        WeightsError: its weights are absent or not the published ones.
        ValueError: the method has no network.
    """
    match settings.segmentation.method:
        case SegmentationMethod.ade20k:
            return Named(InGroups(Brightened(_build_ade20k(settings, device)), cache))
        case SegmentationMethod.ade20k_mobile:
            return Named(InGroups(Brightened(_build_mobile())))
        case other:
            raise ValueError(f"{other.value} has no network")


def _build_sources(
    settings: Settings,
    photo: Tensor | None,
    device: torch.device,
    frames: int,
    size: Size | None,
    cache: GuideCache | None,
) -> SourceOf:
    segmentation = settings.segmentation
    if segmentation.method is SegmentationMethod.joint:
        most = segmentation.regions

        def joint(samples: Sequence[Tensor], shot: range) -> RegionSource:
            other = samples[len(samples) // 2] if photo is None else photo
            return Joint(JointRegions.fit(samples, other, min(2, most), most, settings.seed), other, most)

        return joint
    if segmentation.method is SegmentationMethod.files:
        masks = LabelMasks.open(segmentation.content or "", segmentation.style)
        count = len(masks.content.files)
        if count not in (1, frames):
            raise MediaError(
                f"{segmentation.content} holds {count} masks, but the clip has {frames} frames; give one a frame, or"
                " one for all"
            )
        notices = tuple(_check_sizes(masks, size, photo))
        return lambda samples, shot: Drawn(masks, photo, shot, notices)
    named = build_named(settings, device, cache)
    return lambda samples, shot: named


def _build_ade20k(settings: Settings, device: torch.device) -> Segmenter:
    from photovst.guidance.ade20k import Ade20k
    from photovst.models.ade20k_networks import NETWORKS
    from photovst.models.semseg import load_semseg

    network, weights = load_semseg(NETWORKS[settings.segmentation.network.value])
    return Ade20k(network.to(device), weights, settings.segmentation.short_sides)


def _build_mobile() -> Segmenter:
    from photovst.guidance.ade20k_mobile import Ade20kMobile
    from photovst.models.checkpoints import ADE20K_MOBILE
    from photovst.models.deeplab_mobile import DeeplabMobile
    from photovst.models.weight_files import find

    network = DeeplabMobile(find(ADE20K_MOBILE), threads=torch.get_num_threads())
    return Ade20kMobile(network, f"{ADE20K_MOBILE.name} {ADE20K_MOBILE.sha256[:8]}")


def _check_sizes(masks: LabelMasks, size: Size | None, photo: Tensor | None) -> list[str]:
    return (
        [] if size is None else masks.check_sizes(size, None if photo is None else (photo.shape[-2], photo.shape[-1]))
    )


def _of_groups(table: Callable[[str], Sequence[str]], region: str) -> Sequence[str]:
    """A table of groups, asked of any region: names that are no groups have no relatives."""
    return table(region) if region in GROUPS else ()


def _is_named(method: SegmentationMethod) -> bool:
    return method in (SegmentationMethod.ade20k, SegmentationMethod.ade20k_mobile)


def _photo(region: str, path: str, device: torch.device) -> Photo:
    try:
        return Photo(Path(path).name, to_frame(read_style(path), device))
    except MediaError as error:
        raise MediaError(f"segmentation.styles.{region}: {error}") from error


def _refined(radius: float, masks: Tensor, frame: Tensor) -> Tensor:
    size = (frame.shape[-2], frame.shape[-1])
    return refine_masks(frame, resize_masks(masks, size).to(frame), radius, EDGE_EPSILON)
