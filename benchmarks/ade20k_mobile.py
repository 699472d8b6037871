"""How accurate, steady and fast the small network for ADE20K is, by file and by what it is shown.

    python benchmarks/ade20k_mobile.py DATA [--threads 2]

DATA holds ``ade20k_samples/`` and ``davis/``, and beside it lies ``weights/``. "whole" is the picture pressed into a
square, "mirror" the mean of that and its mirror image, "crops" the mean of that and square crops. Prints the share of
pixels of the network's 31 classes that it takes for what they are, mean over the photographs as they are (4:3) and cut
to other shapes; the share of pixels whose label changes along the flow (DIS) of the first eight frames of each clip;
and the least milliseconds of a 16:9 picture. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from torch import Tensor

from photovst.guidance.ade20k_mobile import Ade20kMobile
from photovst.guidance.dis import Dis
from photovst.guidance.flow import flow_pair
from photovst.media.images import read_image
from photovst.media.tensors import to_frame
from photovst.metrics.masks import mask_flicker
from photovst.models.checkpoints import ADE20K_MOBILE, ADE20K_MOBILE_UINT8
from photovst.models.deeplab_mobile import DeeplabMobile
from photovst.ops.resize import resize

SHAPES = {"4:3": None, "16:9": 16 / 9, "2.39:1": 2.39, "9:16": 9 / 16}
WORKING = (180, 320)
Ask = Callable[[Tensor], Tensor]


def cut(picture: Tensor, shape: float | None) -> Tensor:
    """The middle of a picture in this shape."""
    height, width = picture.shape[-2:]
    new_height, new_width = (
        (height, width) if shape is None else (min(height, round(width / shape)), min(width, round(height * shape)))
    )
    top, left = (height - new_height) // 2, (width - new_width) // 2
    return picture[..., top : top + new_height, left : left + new_width]


def accuracy(ask: Ask, photo: Tensor, truth: Tensor) -> float:
    found = resize(ask(photo), (truth.shape[-2], truth.shape[-1])).argmax(dim=1)
    known = (truth > 0) & (truth < 32)
    return (found == truth[0])[known[0]].float().mean().item()


def flicker(ask: Ask, frames: list[Tensor]) -> float:
    small = [resize(frame, WORKING) for frame in frames]
    masks = [resize(ask(frame), WORKING) for frame in frames]
    pairs = [flow_pair(Dis(), a, b) for a, b in itertools.pairwise(small)]
    changes = [
        mask_flicker(b, a, pair.to_previous, pair.certainty_to_previous).item()
        for (a, b), pair in zip(itertools.pairwise(masks), pairs, strict=True)
    ]
    return statistics.mean(changes)


def milliseconds(ask: Ask, frame: Tensor) -> float:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        ask(frame)
        times.append(time.perf_counter() - began)
    return 1000 * min(times)


def mirrored(ask: Ask) -> Ask:
    return lambda frame: (ask(frame) + ask(frame.flip(-1)).flip(-1)) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    samples = options.data / "ade20k_samples"
    names = sorted(path.stem for path in (samples / "images").iterdir())
    photos = [to_frame(read_image(samples / "images" / f"{name}.jpg")) for name in names]
    truths = [cv2.imread(str(samples / "annotations" / f"{name}.png"), cv2.IMREAD_GRAYSCALE) for name in names]
    annotated = [(photo, torch.from_numpy(truth)[None, None]) for photo, truth in zip(photos, truths, strict=True)]
    clips = {
        folder.name: [to_frame(read_image(path)) for path in sorted((folder / "frames").iterdir())[:8]]
        for folder in sorted((options.data / "davis").iterdir())
    }
    wide = cut(resize(photos[0], (810, 1080)), 16 / 9)
    rows = []
    for checkpoint in (ADE20K_MOBILE, ADE20K_MOBILE_UINT8):
        network = DeeplabMobile(options.data.parent / "weights" / checkpoint.file, options.threads)
        whole = Ade20kMobile(network, checkpoint.name, crops=False)
        kinds: dict[str, Ask] = {
            "whole": whole, "mirror": mirrored(whole), "crops": Ade20kMobile(network, checkpoint.name)
        }  # fmt: skip
        for kind, ask in kinds.items():
            row: dict[str, str | float] = {"weights": checkpoint.name, "shown": kind}
            for shape, ratio in SHAPES.items():
                row[shape] = statistics.mean(accuracy(ask, cut(p, ratio), cut(t, ratio)) for p, t in annotated)
            row |= {name: flicker(ask, frames) for name, frames in clips.items()}
            rows.append({**row, "ms": milliseconds(ask, wide)})
    print(" ".join(f"{name:>{max(8, len(name))}s}" for name in rows[0]))
    for row in rows:
        cells = (v if isinstance(v, str) else f"{v:.0f}" if n == "ms" else f"{v:.3f}" for n, v in row.items())
        print(" ".join(f"{cell:>{max(8, len(name))}s}" for cell, name in zip(cells, row, strict=True)))
    print(json.dumps({"benchmark": "ade20k_mobile", "rows": rows}))


if __name__ == "__main__":
    main()
