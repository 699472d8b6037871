"""How well regions found without masks stand in for the hand-made ones of the published pairs of Luan et al. 2017.

    python benchmarks/segmentation.py ../shared/data/luan_pairs [--regions joint] [--only 02,14] [--side 320]
        [--pictures FILE.png] [key=value ...]

IoU: soft, mean over the hand-made labels of both pictures. A region stands for one label in content and style
alike: at most one region a label (``one``: the best assignment), or any number (``many``: a region goes to the
label it overlaps most, over both pictures). What they buy in style is told by luan_pairs.py --regions. Ends with one
line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from photovst.build_regions import build_regions
from photovst.datasets.luan_pairs import Pair, choose_pairs, find_pairs
from photovst.highlights import overlay
from photovst.media.images import read_image, write_image
from photovst.media.tensors import resized, to_frame, to_picture
from photovst.ops.masks import resize_masks
from photovst.ops.resize import fit_long_side
from photovst.settings_io import load_settings

PATHS = {"content": "a.png", "style": "b.png", "output": "unused.png"}

Frames = tuple[Tensor, Tensor]
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


def pair_regions(pair: Pair, method: str, side: int, overrides: list[str]) -> tuple[Masks, Masks, Frames]:
    """Regions found, those by hand, and the pictures, at this size."""
    content, style = (to_frame(_small(read_image(path), side)) for path in (pair.content, pair.style))
    found, hand = (
        build_regions(load_settings((), [f"segmentation.method={name}", *more, *overrides], PATHS), [content], style, 1)
        for name, more in (
            (method, []),
            ("files", [f"segmentation.content={pair.content_mask}", f"segmentation.style={pair.style_mask}"]),
        )
    )
    size = (style.shape[-2], style.shape[-1])
    both = [(regions.of(0, content), resize_masks(regions.photo, size)) for regions in (found, hand)]
    return both[0], both[1], (content, style)


def sheet(found: Masks, hand: Masks, frames: Frames) -> NDArray[np.uint8]:
    """Content and photograph, each as it is, with the regions found, and with those by hand."""
    row = []
    for picture, ours, theirs in zip(frames, found, hand, strict=True):
        plain = to_picture(picture)
        row += [plain, overlay(plain, ours), overlay(plain, theirs)]
    return np.hstack([cv2.resize(picture, (240, 160), interpolation=cv2.INTER_AREA) for picture in row])


def _small(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return resized(picture, fit_long_side(picture.shape[:2], side))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--regions", default="joint", help="segmentation.method")
    parser.add_argument("--only", default="all", help="numbers of pairs, with commas")
    parser.add_argument("--side", type=int, default=320, help="longer side in pixels")
    parser.add_argument("--pictures", type=Path, help="write content | found | by hand | style | found | by hand here")
    parser.add_argument("overrides", nargs="*", help="settings, such as segmentation.edges=0.02")
    options = parser.parse_intermixed_args()
    cv2.setNumThreads(1)
    rows: list[dict[str, float]] = []
    sheets = []
    print("pair regions | IoU one, many")
    for pair in choose_pairs(find_pairs(options.pairs), options.only):
        found, hand, frames = pair_regions(pair, options.regions, options.side, options.overrides)
        one, many = (soft_iou(found, hand, groups) for groups in assignments(found, hand))
        rows.append({"pair": pair.number, "regions": found[0].shape[1], "one": one, "many": many})
        sheets.append(sheet(found, hand, frames))
        print(f"  {pair.name} {found[0].shape[1]} | {one:.3f} {many:.3f}", flush=True)
    means = {name: statistics.mean(row[name] for row in rows) for name in ("regions", "one", "many")}
    print("  all " + " ".join(f"{name} {value:.3f}" for name, value in means.items()))
    if options.pictures:
        write_image(options.pictures, np.vstack(sheets))
    what = {"regions_by": options.regions, "side": options.side, "overrides": options.overrides}
    print(json.dumps({"benchmark": "segmentation", **what, **means, "pairs": rows}))


if __name__ == "__main__":
    main()
