"""How well regions found without masks stand in for the hand-made ones of the published pairs of Luan et al. 2017.

    python benchmarks/segmentation.py pairs ../shared/data/luan_pairs [--weights FOLDER] [--only 02,14] [--side 320]
        [--no-style] [--low 2] [--high 6] [key=value ...]

IoU: soft, mean over the hand-made labels of both pictures. A region stands for one label in content and style
alike: at most one region a label (``one``: the best assignment), or any number (``many``: a region goes to the
label it overlaps most, over both pictures). Style: distance to the photograph under the hand-made masks, by
vgg19_cd16x, of the result optimized with the found regions over that of the result optimized with the hand-made
ones; geometric mean over pairs; 1 is as good as by hand. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path

import cv2
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from photovst.build import build_encoder
from photovst.build_optimizer import build_optimizer, build_scales
from photovst.config import Settings
from photovst.guidance.guides import Guides
from photovst.guidance.joint import JointRegions
from photovst.guidance.mask_files import MaskFiles
from photovst.losses.objective import Encoder
from photovst.media.images import read_image
from photovst.media.tensors import resized, to_frame
from photovst.metrics.style import style_gram
from photovst.models.checkpoints import VGG19_CD16X
from photovst.models.vgg_checkpoints import vgg19_cd16x
from photovst.models.weights import load
from photovst.ops.masks import normalize_masks, resize_masks
from photovst.ops.resize import fit_long_side, resize
from photovst.published_pairs import choose_pairs, find_pairs
from photovst.settings_io import load_settings

Masks = tuple[Tensor, Tensor]
"""Of content and style, each ``(1, K, H, W)`` at its picture's size."""


def soft_iou(regions: Masks, hand: Masks, groups: dict[int, list[int]]) -> float:
    """Mean IoU of the labels, each against the sum of its regions; a label without any counts 0."""
    scores = []
    for found, wanted in zip(regions, hand, strict=True):
        for label in range(wanted.shape[1]):
            ours, theirs = found[0, groups.get(label, [])].sum(dim=0), wanted[0, label]
            union = float(torch.maximum(ours, theirs).sum())
            if union > 0:
                scores.append(float(torch.minimum(ours, theirs).sum()) / union)
    return statistics.mean(scores)


def assignments(regions: Masks, hand: Masks) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Regions of each label: at most one, and any number."""
    overlap = torch.zeros(regions[0].shape[1], hand[0].shape[1])
    iou = torch.zeros_like(overlap)
    for found, wanted in zip(regions, hand, strict=True):
        inside = torch.einsum("khw,lhw->kl", found[0], wanted[0])
        overlap += inside / wanted[0, 0].numel()
        iou += inside / (found[0].sum(dim=(1, 2))[:, None] + wanted[0].sum(dim=(1, 2)) - inside).clamp_min(1e-6)
    one = {int(label): [int(k)] for k, label in zip(*linear_sum_assignment(-iou.numpy()), strict=True)}
    nearest = overlap.argmax(dim=1).tolist()
    return one, {label: [k for k, chosen in enumerate(nearest) if chosen == label] for label in set(nearest)}


def style_distance(
    settings: Settings, encoder: Encoder, judge: Encoder, pictures: Masks, regions: Masks, hand: Masks
) -> float:
    """Of the still optimized with these regions, judged under the hand-made masks."""
    frame, photo = pictures
    longest = min(build_scales(settings, True)[-1].long_side, max(frame.shape[-2:]))
    size = fit_long_side((frame.shape[-2], frame.shape[-1]), longest)
    optimizer = build_optimizer(settings, encoder, photo, regions[1], still=True)
    masks = normalize_masks(resize_masks(regions[0], size).clamp_min(0))
    result = optimizer.stylize(Guides(resize(frame, size), masks), None).parametrization.lift(frame)
    with torch.no_grad():
        return float(style_gram(judge(result), judge(photo), *hand))


def pairs(options: argparse.Namespace) -> None:
    settings = load_settings((), options.overrides, {"content": "a.png", "style": "b.png", "output": "unused.png"})
    encoder = build_encoder(settings, torch.device("cpu"))
    judge = vgg19_cd16x(load(VGG19_CD16X)) if options.style else None
    rows: list[dict[str, float]] = []
    print("pair regions | IoU one, many | style by hand, found, ratio")
    for pair in choose_pairs(find_pairs(options.folder), options.only):
        content, style = (read_image(path) for path in (pair.content, pair.style))
        pictures = (
            to_frame(resized(content, fit_long_side(content.shape[:2], options.side))),
            to_frame(resized(style, fit_long_side(style.shape[:2], options.side))),
        )
        sizes = [(picture.shape[-2], picture.shape[-1]) for picture in pictures]
        files = MaskFiles.open(pair.content_mask, pair.style_mask)
        hand = (files.masks(0, sizes[0]), resize_masks(files.photo_masks, sizes[1]))
        joint = JointRegions.fit([pictures[0]], pictures[1], options.low, options.high, settings.seed)
        regions = (joint.masks(pictures[0]), resize_masks(joint.photo_masks, sizes[1]))
        one, many = (soft_iou(regions, hand, groups) for groups in assignments(regions, hand))
        row = {"pair": pair.number, "regions": len(joint.centers), "one": one, "many": many}
        shown = f"  {pair.name} {len(joint.centers)} | {one:.3f} {many:.3f}"
        if judge is not None:
            by_hand, found = (
                style_distance(settings, encoder, judge, pictures, masks, hand) for masks in (hand, regions)
            )
            row |= {"by_hand": by_hand, "found": found, "ratio": found / by_hand}
            shown += f" | {by_hand:.4f} {found:.4f} {found / by_hand:.2f}"
        print(shown, flush=True)
        rows.append(row)
    means = {name: statistics.mean(row[name] for row in rows) for name in ("regions", "one", "many")}
    if judge is not None:
        means["ratio"] = statistics.geometric_mean(row["ratio"] for row in rows)
    print("  all " + " ".join(f"{name} {value:.3f}" for name, value in means.items()))
    figures = {"low": options.low, "high": options.high, "side": options.side, "overrides": options.overrides}
    print(json.dumps({"benchmark": "segmentation pairs", **figures, **means, "pairs": rows}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("pairs", help="regions against the hand-made masks of the published pairs")
    part.add_argument("folder", type=Path)
    part.add_argument("--weights", type=Path, help="folder of vgg19_cd16x.pth; PHOTOVST_WEIGHTS when not given")
    part.add_argument("--only", default="all", help="numbers of pairs, with commas")
    part.add_argument("--side", type=int, default=320, help="longer side in pixels")
    part.add_argument("--no-style", dest="style", action="store_false", help="leave out the slow part")
    part.add_argument("--low", type=int, default=2, help="fewest regions")
    part.add_argument("--high", type=int, default=6, help="most regions")
    part.add_argument("overrides", nargs="*", help="settings, such as schedule.still_iterations=0")
    part.set_defaults(run=pairs)
    options = parser.parse_args()
    if options.weights:
        os.environ["PHOTOVST_WEIGHTS"] = str(options.weights)
    cv2.setNumThreads(1)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    options.run(options)


if __name__ == "__main__":
    main()
