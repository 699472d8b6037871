"""How good a picture is: style by several encoders, edges kept, and distance from a local recoloring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.losses.objective import Encoder
from photovst.metrics.fidelity import ssim_edge
from photovst.metrics.lpips import Lpips
from photovst.metrics.style import style_gram
from photovst.models.checkpoints import VGG19_CD16X, VGG19_CONV3_1, Checkpoint
from photovst.models.lpips import lpips_present, lpips_vgg16
from photovst.models.steerable import Steerable
from photovst.models.vgg_checkpoints import vgg19_cd16x, vgg19_conv3_1
from photovst.models.weight_files import present
from photovst.models.weights import load
from photovst.ops.masks import resize_masks
from photovst.ops.matting import matting_energy, matting_statistics

Judges = dict[str, Encoder]
"""Encoders that measure style, by the names that stand beside their figures."""

_VGGS: dict[str, tuple[Checkpoint, Callable[[Mapping[str, Tensor]], Encoder]]] = {
    "vgg19_cd16x": (VGG19_CD16X, vgg19_cd16x),
    "vgg19_conv3_1": (VGG19_CONV3_1, vgg19_conv3_1),
}


def lpips_here() -> Lpips | None:
    """LPIPS by VGG-16 if its weights are on this machine; nothing is downloaded for a judge."""
    return Lpips(*lpips_vgg16()) if lpips_present() else None


def names_here() -> list[str]:
    """The judges whose weights are on this machine; nothing is loaded."""
    return ["steerable", *(name for name, (checkpoint, _) in _VGGS.items() if present(checkpoint))]


def judges_here() -> tuple[Judges, list[str]]:
    """The judges whose weights are on this machine, and the names of the others; nothing is downloaded for a judge."""
    here = names_here()
    judges: Judges = {"steerable": Steerable()}
    judges |= {name: build(load(checkpoint)) for name, (checkpoint, build) in _VGGS.items() if name in here}
    return judges, [name for name in _VGGS if name not in here]


@dataclass(frozen=True)
class Figures:
    """What is measured of one picture.

    ``style`` is `style_gram` by judge; ``edge`` is `ssim_edge` with the content's largest gradient for range;
    ``matting`` the matting Laplacian's energy per pixel, in 1e-6.
    """

    style: dict[str, float]
    edge: float
    matting: float


class PairJudge:
    """Measures pictures made from one content and one photograph.

    Args:
        judges: encoders by name.
        content: RGB in [0, 1].
        photo: the photograph, at any size.
        masks: regions of the content, at its size.
        photo_masks: regions of the photograph, at any size.
    """

    def __init__(
        self,
        judges: Judges,
        content: Float[Tensor, "1 3 h w"],
        photo: Float[Tensor, "1 3 photo_h photo_w"],
        masks: Float[Tensor, "1 k h w"],
        photo_masks: Float[Tensor, "1 k _h _w"],
    ) -> None:
        self._judges, self._content, self._masks = judges, content, masks
        self._photo_masks = resize_masks(photo_masks, (photo.shape[-2], photo.shape[-1]))
        self._matting = matting_statistics(content)
        with torch.no_grad():
            self._wanted = {name: encoder(photo) for name, encoder in judges.items()}

    @torch.no_grad()
    def __call__(self, picture: Float[Tensor, "1 3 h w"]) -> Figures:
        """The figures of a picture of the content's size."""
        style = {
            name: float(style_gram(encoder(picture), self._wanted[name], self._masks, self._photo_masks))
            for name, encoder in self._judges.items()
        }
        pixels = picture.shape[-2] * picture.shape[-1]
        matting = float(matting_energy(picture, self._matting)) / pixels * 1e6
        return Figures(style, float(ssim_edge(picture, self._content, None)), matting)
