"""What one evaluation of the whole objective costs, over the bare encoder's forward and backward pass.

    python benchmarks/objective.py [--encoders vgg19,vgg19_cd16x] [--regions 3] [--soft] [--runs 7] [--precision NAME]

The objective is that of the preset luan2017 with total variation: style on five layers by region, content, matting
Laplacian. VGG-19 gets random weights of its own size, for time does not depend on them; vgg19_cd16x needs its weights
(PHOTOVST_WEIGHTS). Both are timed by turns in one process, medians; the ratio counts. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from photovst.guidance.guides import Guides
from photovst.guidance.regions import StylePhoto
from photovst.media.scenes import Look, Scene, photograph
from photovst.media.tensors import to_frame
from photovst.models.checkpoints import VGG19_CD16X
from photovst.models.precision import InPrecision
from photovst.models.vgg import CONTENT_LAYER, STYLE_LAYERS
from photovst.models.vgg_checkpoints import LAYERS, torchvision_places, torchvision_vgg, vgg19_cd16x
from photovst.models.weights import load
from photovst.optimize.frame_terms import FrameTerms, Recipe

SIZES = ((180, 320), (466, 700))
WIDTHS = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}
"""Channels by block."""
WEIGHTS = {"style": 1.0, "content": 0.05, "photorealism": 100.0, "smoothness": 1e-3}


def random_vgg19() -> nn.Module:
    """VGG-19 with random weights."""
    state, before = {}, 3
    for name, place in torchvision_places("vgg19").items():
        width = WIDTHS[name[0]]
        state[f"features.{place}.weight"] = torch.randn(width, before, 3, 3) * (2 / (9 * before)) ** 0.5
        state[f"features.{place}.bias"] = torch.zeros(width)
        before = width
    return torchvision_vgg(state, "vgg19", LAYERS)


def build(name: str) -> nn.Module:
    return random_vgg19() if name == "vgg19" else vgg19_cd16x(load(VGG19_CD16X), LAYERS)


def regions(picture: Tensor, count: int, soft: bool) -> Tensor:
    """Horizontal bands: each pixel in one, as in painted masks, or a little in all, as in joint regions."""
    height, width = picture.shape[-2:]
    bands = torch.arange(count, device=picture.device)[:, None]
    if soft:
        rows = torch.linspace(0, count - 1, height, device=picture.device)
        masks = (-8 * (rows - bands).square()).softmax(dim=0)
    else:
        masks = (torch.arange(height, device=picture.device) * count // height == bands).float()
    return masks[None, :, :, None].expand(-1, -1, -1, width).contiguous()


def seconds(work: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoders", default="vgg19,vgg19_cd16x")
    parser.add_argument("--regions", type=int, default=3)
    parser.add_argument("--soft", action="store_true", help="every pixel a little in every region")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    figures = {}
    for name in options.encoders.split(","):
        encoder = build(name).to(device)
        if options.precision == "bfloat16":
            encoder = InPrecision(encoder, torch.bfloat16)
        for size in SIZES:
            frame = to_frame(Scene(3, Look.day, size, 1).frame(0), device)
            photo = to_frame(photograph(Look.sunset, 11, size), device)
            recipe = Recipe(WEIGHTS, style_layers=dict.fromkeys(STYLE_LAYERS, 0.2), content_layer=CONTENT_LAYER)
            photo_masks, masks = (regions(picture, options.regions, options.soft) for picture in (photo, frame))
            terms = FrameTerms(recipe, encoder, [StylePhoto("photo", photo, photo_masks)])
            objective = terms.objective(Guides(frame, masks), frame, max(size))
            image = (0.5 * frame + 0.5 * photo).requires_grad_(True)

            def bare(image: Tensor = image, encoder: nn.Module = encoder) -> None:
                torch.autograd.grad(sum(planes.sum() for planes in encoder(image).values()), image)

            def whole(image: Tensor = image, objective: Callable[[Tensor], object] = objective) -> None:
                torch.autograd.grad(objective(image).total, image)  # type: ignore[attr-defined]

            times: dict[str, list[float]] = {"bare": [], "whole": []}
            for run in range(options.runs + 1):
                for which, work in (("bare", bare), ("whole", whole)):
                    took = seconds(work, device)
                    if run:  # the first is for warming up
                        times[which].append(took)
            middle = {which: statistics.median(values) for which, values in times.items()}
            ratio = statistics.median(w / b for w, b in zip(times["whole"], times["bare"], strict=True))
            figures[f"{name} {size[1]}x{size[0]}"] = {**middle, "ratio": ratio}
            print(
                f"{name:12s} {size[1]}x{size[0]}: encoder {1e3 * middle['bare']:.0f} ms, objective"
                f" {1e3 * middle['whole']:.0f} ms, ratio {ratio:.2f}",
                flush=True,
            )
    about = {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "regions": options.regions,
        "soft": options.soft,
    }
    print(
        json.dumps(
            {"benchmark": "objective", "cores": os.cpu_count(), "precision": options.precision, **about, **figures}
        )
    )


if __name__ == "__main__":
    main()
