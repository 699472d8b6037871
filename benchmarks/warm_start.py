"""How many evaluations a predicted start saves the optimizer: on the published pairs, at an equal final loss.

    python benchmarks/warm_start.py ../shared/data/luan_pairs [--efforts .2,.5,1] [--only 02,04] [key=value ...]

Each pair is optimized as a still at the working sizes of a clip, from the content at schedule.effort=1, and from the
photographic network's prediction at several efforts. What the prediction saves is the share of evaluations at which its
loss is down to that of the content's, between two efforts by linear interpolation. Evaluations at all sizes count one
each. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import cv2
import torch

from photovst.build import build_encoder
from photovst.build_optimizer import build_optimizer
from photovst.build_predicted import build_predictor
from photovst.build_regions import build_regions
from photovst.datasets.luan_pairs import Pair, choose_pairs, find_pairs
from photovst.guidance.guides import Guides
from photovst.media.images import read_image
from photovst.media.tensors import resized, to_frame
from photovst.ops.resize import fit_long_side
from photovst.settings_io import load_settings

SIDE = 320


def optimized(pair: Pair, start: str, effort: float, overrides: list[str]) -> tuple[float, int]:
    """Final loss and evaluations of one pair."""
    chosen = [
        "segmentation.method=files", f"segmentation.content={pair.content_mask}",
        f"segmentation.style={pair.style_mask}", f"schedule.start={start}", f"schedule.effort={effort}",
        "schedule.still_iterations=0", *overrides,
    ]  # fmt: skip
    paths = {"content": str(pair.content), "style": str(pair.style), "output": "unused.png"}
    settings = load_settings((), chosen, paths)
    device = torch.device("cpu")
    content, style = read_image(pair.content), read_image(pair.style)
    frame = to_frame(resized(content, fit_long_side(content.shape[:2], SIDE)))
    photo = to_frame(resized(style, fit_long_side(style.shape[:2], SIDE)))
    regions = build_regions(settings, [frame], photo, 1)
    predictor = build_predictor(settings, device)
    predict = None if predictor is None else predictor.grids(settings, regions).grid
    # Not as a still: the grid and the sizes are those of a clip's first frame.
    optimizer = build_optimizer(settings, build_encoder(settings, device), regions, False, None, predict)
    done = optimizer.stylize(Guides(frame, regions.of(0, frame)), None)
    return done.losses["total"], done.evaluations


def evaluations_for(loss: float, tried: list[tuple[float, int]]) -> float | None:
    """Evaluations at which a loss is reached; None where it never is."""
    for (before, fewer), (after, more) in zip([(float("inf"), 0), *tried], tried, strict=False):
        if after <= loss:
            if before == float("inf"):
                return float(more)
            return fewer + (more - fewer) * (before - loss) / (before - after)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--only", default="all", help="numbers of pairs, with commas")
    parser.add_argument("--efforts", default=".1,.2,.35,.5,.75,1", help="of the predicted start, ascending")
    parser.add_argument("overrides", nargs="*", help="settings, such as predicted.network=FILE")
    options = parser.parse_intermixed_args()
    cv2.setNumThreads(1)
    efforts = [float(each) for each in options.efforts.split(",")]
    shares, reached = [], 0
    print("pair: loss and evaluations from the content | the same from the prediction, by effort | share")
    pairs = [pair for pair in choose_pairs(find_pairs(options.pairs), options.only) if pair.published is not None]
    for pair in pairs:
        loss, evaluations = optimized(pair, "content", 1.0, options.overrides)
        tried = [optimized(pair, "predicted", effort, options.overrides) for effort in efforts]
        needed = evaluations_for(loss, tried)
        shares.append(float("inf") if needed is None else needed / evaluations)
        reached += needed is not None
        shown = "  ".join(f"{each:.4f}/{count}" for each, count in tried)
        print(f"  {pair.name}: {loss:.4f}/{evaluations} | {shown} | {shares[-1]:.2f}", flush=True)
    median = statistics.median(shares)
    print(f"median share {median:.2f}; {reached} of {len(shares)} pairs reach the loss")
    print(
        json.dumps(
            {
                "benchmark": "warm_start",
                "overrides": options.overrides,
                "median_share": median,
                "reached": reached,
                "pairs": len(shares),
            }
        )
    )


if __name__ == "__main__":
    main()
