"""The figures of an evaluation: their order, which way is better, and in which words. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from photovst.evaluation import Metric, known
from photovst.judges.figures import ClipFigures, mean, recorded_flicker

Better = Literal["lower", "higher", "floor"]

PLAIN: tuple[tuple[str, Better, str], ...] = (
    ("e_stab", "lower", "root of the mean square difference to the frame before, {flow}"),
    ("e_warp_short", "lower", "mean square difference of frames 1 apart where they correspond, {flow}"),
    (
        "e_warp_long",
        "lower",
        "mean square difference of frames 10 apart where they correspond, at most 50 pairs, {flow}",
    ),
    ("e_warp_detail", "lower", "e_warp_short over the variance of detail, by the same of the input"),
    ("ssim_adjacent", "floor", "SSIM of 100x100 patches of neighboring frames, unwarped"),
    ("ssim_content", "higher", "SSIM to the input, mean of R, G and B"),
    ("ssim_edge", "higher", "SSIM of gradient magnitudes to the input's, its largest for range"),
    ("matting_energy", "lower", "energy of the input's matting Laplacian a pixel, at most 8 frames and 320 px"),
    (
        "histogram",
        "lower",
        "Wasserstein distance of Lab to the photograph's, at most 8 frames and 320 px, {regions}",
    ),
    ("lpips", "lower", "LPIPS of VGG-16 to the input, at most 8 frames"),
    ("flow_coverage", "higher", "share of pixels with a certainty above 0.5, {flow}"),
)
"""Name, better way and protocol of the figures that are fields of `ClipFigures`."""

ABSENT = {
    "e_warp_long": "no two frames 10 apart in a shot have known motion",
    "ssim_adjacent": "frames are smaller than a patch, or there is one only",
    "histogram": "no photograph was given",
    "lpips": "its weights are not here; 'photovst weights list' says how to get them",
    "e_warp_detail": "the input has no error to compare with",
}
NO_PAIR = "no two neighboring frames of a shot have known motion"


def metrics(
    result: ClipFigures,
    floor: ClipFigures,
    flow: str,
    regions: str | None,
    records: Sequence[Mapping[str, Any]] = (),
) -> tuple[Metric, ...]:
    """All figures of a clip, with those of its content, in the order of tables.

    Args:
        result: of the clip.
        floor: of its content.
        flow: what motion was judged along.
        regions: under which regions style was judged, where there is a photograph.
        records: frame records of the run that made the clip, which know the flicker of its regions.
    """
    found = []
    for judge in floor.style:
        value = known(result.style.get(judge))
        protocol = f"Gram distance to the photograph's by {judge}, at most 8 frames and 320 px, {regions} regions"
        why = None if value is not None else "what was optimized with it is not judged by it; --own-encoder does"
        found.append(Metric(f"style_gram.{judge}", protocol, value, known(floor.style[judge]), "lower", why))
    for name, better, words in PLAIN:
        value, of_input = (known(getattr(each, name)) for each in (result, floor))
        why = None if value is not None else ABSENT.get(name, NO_PAIR)
        protocol = words.format(flow=flow, regions=f"{regions} regions")
        found.append(Metric(name, protocol, value, of_input, better, why))
    sharp, of_input = (mean(each.sharpness) for each in (result, floor))
    words = "variance of the Laplacian of luma, mean"
    found.append(Metric("sharpness", words, known(sharp), known(of_input), "floor"))
    kept, of_input = result.sharpness_kept, floor.sharpness_kept
    words = "sharpness of the last tenth over that of the first"
    found.append(Metric("sharpness_kept", words, known(kept), known(of_input), "floor"))
    flicker = known(recorded_flicker(records))
    why = None if flicker is not None else "no run recorded it: one region, one frame, or no flow"
    found.append(
        Metric(
            "mask_flicker", "share of pixels whose region changes along the run's own flow", flicker, None, "lower", why
        )
    )
    return tuple(found)


def series(result: ClipFigures, floor: ClipFigures) -> dict[str, list[float | None]]:
    """Values a frame, of the clip and, with ``.floor`` at the end of the name, of its content."""
    found: dict[str, list[float | None]] = {}
    for name, field in (("e_warp_short", "warp_at"), ("ssim_adjacent", "adjacent_at"), ("sharpness", "sharpness")):
        found[name] = [known(value) for value in getattr(result, field)]
        found[f"{name}.floor"] = [known(value) for value in getattr(floor, field)]
    for name, field in (("ssim_content", "content_at"), ("ssim_edge", "edge_at")):
        found[name] = [known(value) for value in getattr(result, field)]
    return {name: values for name, values in found.items() if any(value is not None for value in values)}
