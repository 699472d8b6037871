"""Style and edges on the published pairs of Luan et al. 2017: content untouched, their result, and ours.

    python benchmarks/luan_pairs.py ../shared/data/luan_pairs [--weights FOLDER] [--sides 320,700] [--jobs 2]
        [--regions METHOD] [--pictures FOLDER] [key=value ...]

Style: area-weighted relative Gram distance per region, mean over relu1_1 .. relu5_1 of vgg19_cd16x, which is
not the encoder that is optimized; lower is better; geometric mean over pairs. Edge SSIM: SSIM of the luma's
Sobel gradient magnitude against the content's, with the content's largest magnitude as data range; mean over
pairs. With styler=predicted the photographic network takes the optimizer's place. Regions are the published masks;
with --regions joint, ade20k_mobile ... they are found without them, and the result is judged under the published ones
all the same.
Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from photovst.build import build_encoder
from photovst.build_optimizer import build_optimizer, build_scales
from photovst.build_predicted import build_predictor
from photovst.build_regions import build_regions
from photovst.config import StylerKind
from photovst.datasets.luan_pairs import Pair, choose_pairs, find_pairs
from photovst.guidance.guides import Guides
from photovst.guidance.mask_files import MaskFiles
from photovst.judges.pictures import PairJudge
from photovst.media.images import read_image, write_image
from photovst.media.tensors import resized, to_frame, to_picture
from photovst.models.checkpoints import VGG19_CD16X
from photovst.models.vgg_checkpoints import vgg19_cd16x
from photovst.models.weights import load
from photovst.ops.resize import fit_long_side
from photovst.pairs import Row, summary
from photovst.settings_io import load_settings
from photovst.stylization import Styler

JUDGE = "vgg19_cd16x"


def judge_pair(task: tuple[Pair, int, str, list[str], Path | None, int]) -> Row:
    """Stylize one pair at one size and judge content, published result and ours."""
    pair, side, method, overrides, pictures, threads = task
    torch.set_num_threads(threads)
    assert pair.published is not None  # chosen so
    content, style, published = (read_image(path) for path in (pair.content, pair.style, pair.published))
    content = resized(content, fit_long_side(content.shape[:2], side))
    style = resized(style, fit_long_side(style.shape[:2], side))
    published = resized(published, content.shape[:2])
    frame, photo = to_frame(content), to_frame(style)
    masks = MaskFiles.open(pair.content_mask, pair.style_mask)
    frame_masks = masks.masks(0, content.shape[:2])
    paths = {"content": str(pair.content), "style": str(pair.style), "output": "unused.png"}
    chosen = [f"segmentation.method={method}"]
    if method == "files":
        chosen += [f"segmentation.content={pair.content_mask}", f"segmentation.style={pair.style_mask}"]
    settings = load_settings((), [*chosen, *overrides], paths)
    began = time.perf_counter()
    size = fit_long_side(content.shape[:2], min(build_scales(settings, True)[-1].long_side, side))
    small = to_frame(resized(content, size))
    device = torch.device("cpu")
    regions = build_regions(settings, [small], photo, 1)
    styler: Styler
    predictor = build_predictor(settings, device)
    if settings.styler is StylerKind.predicted:
        assert predictor is not None  # there is one where something is predicted
        styler = predictor.grids(settings, regions, still=True)
    else:
        start = None if predictor is None else predictor.grids(settings, regions, still=True).grid
        styler = build_optimizer(settings, build_encoder(settings, device), regions, True, None, start)
    done = styler.stylize(Guides(small, regions.of(0, small)), None)
    ours = to_picture(done.parametrization.lift(frame))
    seconds = time.perf_counter() - began
    if pictures is not None:
        row = [content, ours, published, resized(style, content.shape[:2])]
        write_image(pictures / f"{pair.name}_{side}.png", np.hstack(row))

    judge = PairJudge({JUDGE: vgg19_cd16x(load(VGG19_CD16X))}, frame, photo, frame_masks, masks.photo_masks)
    figures = {
        name: judge(to_frame(picture))
        for name, picture in (("content", content), ("published", published), ("ours", ours))
    }
    return Row(pair.name, figures, seconds)


def line(row: Row) -> str:
    content, published, ours = (row.figures[name] for name in ("content", "published", "ours"))
    return (
        f"  {row.pair:3s} {content.style[JUDGE]:.3f} {published.style[JUDGE]:.4f} {ours.style[JUDGE]:.4f} |"
        f" {published.edge:.3f} {ours.edge:.3f} | {row.seconds:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--weights", type=Path, help="folder of vgg19_cd16x.pth; PHOTOVST_WEIGHTS when not given")
    parser.add_argument("--sides", default="320,700", help="longer sides in pixels, with commas")
    parser.add_argument("--only", default="all", help="numbers of pairs, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="pairs at a time; more than 1 makes times meaningless")
    parser.add_argument("--regions", default="files", help="segmentation.method; 'files' reads the published masks")
    parser.add_argument("--pictures", type=Path, help="write content | ours | published | style here")
    parser.add_argument("overrides", nargs="*", help="settings, such as objective.structure.weight=0.1")
    options = parser.parse_intermixed_args()
    if options.weights:
        os.environ["PHOTOVST_WEIGHTS"] = str(options.weights)
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    pairs = [pair for pair in choose_pairs(find_pairs(options.pairs), options.only) if pair.published is not None]
    cv2.setNumThreads(1)
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    figures: dict[str, Any] = {}
    for side in map(int, options.sides.split(",")):
        tasks = [(pair, side, options.regions, options.overrides, options.pictures, threads) for pair in pairs]
        if options.jobs > 1:
            with ProcessPoolExecutor(options.jobs) as pool:
                rows = list(pool.map(judge_pair, tasks))
        else:
            rows = [judge_pair(task) for task in tasks]
        print(f"\n{side} px: style of content, published, ours | edge SSIM of published, ours | seconds")
        for row in rows:
            print(line(row))
        of_all = {name: summary([row.figures[name] for row in rows]) for name in rows[0].figures}
        whole = Row("all", of_all, statistics.median(row.seconds for row in rows))
        print(line(whole))
        figures[str(side)] = {
            **{f"style_{name}": of_all[name].style[JUDGE] for name in ("content", "published", "ours")},
            **{f"edge_{name}": of_all[name].edge for name in ("published", "ours")},
            "seconds": whole.seconds,
        }
    print(
        json.dumps({"benchmark": "luan_pairs", "regions": options.regions, "overrides": options.overrides, **figures})
    )


if __name__ == "__main__":
    main()
