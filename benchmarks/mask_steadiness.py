"""How steady, true and quick masks along a clip are, by how often the segmenter is asked.

    python benchmarks/mask_steadiness.py DATA [--frames 24] [--every 1 2 4 8] [--strips FOLDER] [--persistence 0.8 ...]

DATA holds ``davis/`` and ``luan_pairs/``, and beside it lies ``weights/``. Masks have a working size of 320 pixels. For
each clip and segmenter, "alone" is each frame's own segmentation, refined to edges and not carried. Flicker is the
share of pixels whose label changes along the flow: DIS, which also carries masks, on clips of DAVIS, exact flow on
procedural scenes, where "own" is the same by the DIS flow that carries. Truth is, on scenes, the share of pixels that
the exact labels have too (each joint region standing for the label it mostly covers; named groups for themselves, where
they have a label); on clips of DAVIS the overlap (intersection over union) of persons and vehicles with the annotated
object. Milliseconds are the median of `MaskTrack.step`. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photovst.guidance.ade20k_mobile import Ade20kMobile
from photovst.guidance.brightened import Brightened
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.flow import FlowPair
from photovst.guidance.groups import GROUPS
from photovst.guidance.in_groups import InGroups
from photovst.guidance.joint import JointRegions
from photovst.guidance.mask_track import MaskTrack
from photovst.guidance.segmentation import Segmenter
from photovst.guide_stream import TRUSTED
from photovst.media.images import read_image, write_image
from photovst.media.scenes import LABELS, Look, Scene
from photovst.media.tensors import resized, to_frame
from photovst.metrics.masks import mask_flicker
from photovst.models.checkpoints import ADE20K_MOBILE
from photovst.models.deeplab_mobile import DeeplabMobile
from photovst.ops.masks import normalize_masks

SOURCE, WORKING = (270, 480), (180, 320)
SMALLEST = 0.02
"""Groups of a smaller share of a clip are left out."""
COLORS = torch.tensor([[0, 0.3, 1], [1, 0.2, 0.1], [0.1, 0.9, 0.2], [1, 0.9, 0], [0.9, 0, 0.9], [0, 0.9, 0.9]])
Labels = list[NDArray[np.uint8]]


@dataclass
class Sequence:
    """A clip at the working size; ``large`` is what a segmenter sees."""

    frames: list[Tensor]
    large: list[Tensor]
    motions: list[FlowPair | None]
    judges: list[tuple[Tensor, Tensor] | None]
    """Flow to the frame before and certainty."""
    labels: Labels | None = None
    objects: Labels | None = None


def sequence(large: list[NDArray[np.uint8]], frames: list[NDArray[np.uint8]]) -> Sequence:
    small = [to_frame(frame) for frame in frames]
    estimated = EstimatedMotion(Dis())
    pairs = [estimated.between(a, b, (0, 1)) for a, b in itertools.pairwise(small)]
    judges = [(pair.to_previous, pair.certainty_to_previous) for pair in pairs]
    return Sequence(small, [to_frame(frame) for frame in large], [None, *pairs], [None, *judges])


def davis(folder: Path, count: int) -> Sequence:
    pictures = [read_image(path) for path in sorted((folder / "frames").iterdir())[:count]]
    clip = sequence([resized(p, SOURCE) for p in pictures], [resized(p, WORKING) for p in pictures])
    masks = [read_image(path) for path in sorted((folder / "object_masks").iterdir())[:count]]
    clip.objects = [(resized(mask, WORKING)[..., 0] > 127).astype(np.uint8) for mask in masks]
    return clip


def scene(look: Look, seed: int, count: int) -> Sequence:
    made = Scene(seed, look, WORKING, count)
    pictures = [made.frame(t) for t in range(count)]
    clip = sequence(pictures, pictures)
    clip.labels = [made.labels(t) for t in range(count)]
    for t in range(1, count):
        flow = torch.from_numpy(made.flow_to_previous(t)).permute(2, 0, 1)[None].contiguous()
        clip.judges[t] = flow, torch.from_numpy(~made.occlusion_to_previous(t)).float()[None, None]
    return clip


def flicker(masks: list[Tensor], judges: list[tuple[Tensor, Tensor] | None]) -> float:
    steps = zip(masks[1:], masks, judges[1:], strict=False)
    return statistics.mean(float(mask_flicker(now, before, *judge)) for now, before, judge in steps if judge)


def truth(masks: list[Tensor], clip: Sequence, groups: list[str] | None) -> float | None:
    shown = np.concatenate([mask.argmax(dim=1).numpy() for mask in masks])
    if clip.labels is not None:
        labels = np.stack(clip.labels)
        if groups is None:
            together = [np.bincount(labels[shown == k], minlength=len(LABELS)).max() for k in range(masks[0].shape[1])]
            return float(sum(together) / labels.size)
        places = np.array([groups.index(label) if label in groups else -1 for label in LABELS])[labels]
        return float((shown == places)[places >= 0].mean())
    wanted = [k for k, name in enumerate(groups or ()) if name in ("person", "vehicle")]
    if clip.objects is None or not wanted:
        return None
    found, objects = np.isin(shown, wanted), np.stack(clip.objects) > 0
    return float((found & objects).sum() / (found | objects).sum())


def tracked(track: MaskTrack, clip: Sequence, own: list[Tensor], every: int) -> tuple[list[Tensor], float]:
    masks, times = [], []
    track.begin()
    for t, frame in enumerate(clip.frames):
        motion = clip.motions[t]
        # As runs have it: a frame of which too little is known is segmented out of turn.
        due = t % every == 0 or motion is None or float(motion.certainty_to_previous.mean()) < TRUSTED
        began = time.perf_counter()
        masks.append(track.step(frame, own[t] if due else None, motion))
        times.append(time.perf_counter() - began)
    return masks, 1000 * statistics.median(times)


def joint(clip: Sequence, photo: Tensor) -> tuple[list[Tensor], None]:
    regions = JointRegions.fit(clip.frames[::8], photo, 2, 6)
    return [regions.probabilities(frame) for frame in clip.frames], None


def named(clip: Sequence, segmenter: Segmenter) -> tuple[list[Tensor], list[str]]:
    own = [segmenter(frame) for frame in clip.large]
    share = torch.cat(own).mean(dim=(0, 2, 3))
    kept = [g for g in range(len(GROUPS)) if share[g] >= SMALLEST]
    return [normalize_masks(part[:, kept]) for part in own], [GROUPS[g] for g in kept]


def strip(path: Path, clip: Sequence, rows: list[list[Tensor]]) -> None:
    """Frames from left to right, one row of masks below another."""
    times = [*range(4, min(9, len(clip.frames))), len(clip.frames) - 1]
    pictures = [torch.cat([clip.frames[t][0] for t in times], dim=2)]
    for masks in rows:
        colored = [torch.einsum("khw,kc->chw", masks[t][0], COLORS.repeat(3, 1)[: masks[t].shape[1]]) for t in times]
        pictures.append(0.45 * pictures[0] + 0.55 * torch.cat(colored, dim=2))
    write_image(path, (torch.cat(pictures, dim=1).permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--strips", type=Path, help="write pictures of the masks over time here")
    defaults = {"persistence": 0.85, "hysteresis": 0.15, "radius": 0.03, "epsilon": 1e-4}
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=float, default=value)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = {name: float(getattr(options, name)) for name in defaults}
    photo = to_frame(read_image(options.data / "luan_pairs" / "04" / "style.png"))
    network = DeeplabMobile(options.data.parent / "weights" / ADE20K_MOBILE.file, options.threads)
    segmenter = InGroups(Brightened(Ade20kMobile(network, ADE20K_MOBILE.name)))
    clips: dict[str, Callable[[], Sequence]] = {
        folder.name: lambda folder=folder: davis(folder, options.frames)  # type: ignore[misc]
        for folder in sorted((options.data / "davis").iterdir())
    }
    for number, (look, seed) in enumerate(zip(Look, (3, 11), strict=False)):
        clips[f"scene_{number}"] = lambda look=look, seed=seed: scene(look, seed, options.frames)  # type: ignore[misc]
    rows = []
    print(f"{'clip':15s} {'segmenter':13s} masks    flicker  ratio    own  ratio  truth  ms")
    for name, load in clips.items():
        clip = load()
        for method, (own, groups) in {"joint": joint(clip, photo), "ade20k_mobile": named(clip, segmenter)}.items():
            # No motion, no carrying.
            alone = Sequence(clip.frames, clip.large, [None] * len(clip.frames), clip.judges)
            results = {"alone": tracked(MaskTrack(**{**settings, "persistence": 0, "hysteresis": 0}), alone, own, 1)}
            results |= {f"every {n}": tracked(MaskTrack(**settings), clip, own, n) for n in options.every}
            carrying = [(m.to_previous, m.certainty_to_previous) if m else None for m in clip.motions]
            floor = [flicker(results["alone"][0], judges) for judges in (clip.judges, carrying)]
            for kind, (masks, milliseconds) in results.items():
                seen, seen_own, true = flicker(masks, clip.judges), flicker(masks, carrying), truth(masks, clip, groups)
                print(
                    f"{name:15s} {method:13s} {kind:8s} {seen:.5f} {seen / floor[0]:6.3f} {seen_own:.5f}"
                    f" {seen_own / floor[1]:5.3f} {'' if true is None else f'{true:.4f}':6s} {milliseconds:3.0f}",
                    flush=True,
                )
                row = {"flicker": seen, "flicker_own_flow": seen_own, "truth": true, "ms": milliseconds}
                rows.append({"clip": name, "segmenter": method, "masks": kind, **row})
            if options.strips:
                options.strips.mkdir(parents=True, exist_ok=True)
                strip(options.strips / f"{name}_{method}.png", clip, [masks for masks, _ in results.values()])
    print(json.dumps({"benchmark": "mask_steadiness", **settings, "rows": rows}))


if __name__ == "__main__":
    main()
