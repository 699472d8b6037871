"""Any picture's style in one pass: a style prediction network, and a transform network that it sets [Ghiasi2017].

The prediction network P says a picture in 100 numbers, its style vector, and from these every scale and shift of the
transform network T: three convolutions, residual blocks, two enlarging convolutions and a last one, each followed by
conditional instance norm. In the published program the first three are not: no style reaches the way in, and batch
normalization stands there (``contract_norm``).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from photovst.models.conditional_norm import conditional_norm
from photovst.models.fixed_norm import FixedNorm
from photovst.models.residual import STRIDE, convolution, padded_to
from photovst.models.style_predictors import Mobile, PredictorKind, masked_mean
from photovst.ops.color_transfer import MEASURES, color_measures, with_colors
from photovst.ops.masks import resize_masks

ContractNorm = Literal["conditional", "batch"]


class Arbitrary(nn.Module):
    """``network(frame, vectors) -> frame`` of the same size, both RGB in [0, 1].

    Args:
        predictor: ``inception``, as published, or ``mobile``.
        width: channels of T's first layer; twice and four times as many follow.
        blocks: residual blocks of T.
        bottleneck: numbers of a style vector.
        contract_norm: behind the convolutions on the way in: ``conditional`` norm, as behind all others, or ``batch``
            norm with statistics that stay, as in the published weights.
        colors: whether a style vector also holds mean and deviation of the style's colors, and results are given these
            [Reinhard2001]: T need not learn what can be computed.
    """

    def __init__(
        self,
        predictor: PredictorKind = "mobile",
        width: int = 32,
        blocks: int = 5,
        bottleneck: int = 100,
        contract_norm: ContractNorm = "conditional",
        colors: bool = False,
    ) -> None:
        super().__init__()
        self.colors = colors
        self.said, self.vector_size = bottleneck, bottleneck + (MEASURES if colors else 0)
        self.predictor = _predictor(predictor)
        self.bottleneck = nn.Linear(self.predictor.channels, bottleneck)  # type: ignore[arg-type]
        deep = 4 * width
        self.styles_contract = contract_norm == "conditional"
        entry = (width, 2 * width, deep)
        contract = [convolution(3, width, 9), convolution(width, 2 * width, 3, 2), convolution(2 * width, deep, 3, 2)]
        if not self.styles_contract:
            contract = [layer.append(FixedNorm(depth)) for layer, depth in zip(contract, entry, strict=True)]
        self.contract = nn.ModuleList(contract)
        self.residual = nn.ModuleList([convolution(deep, deep, 3) for _ in range(2 * blocks)])
        self.expand = nn.ModuleList(
            [convolution(deep, 2 * width, 3), convolution(2 * width, width, 3), convolution(width, 3, 9)]
        )
        self.depths = (*(entry if self.styles_contract else ()), *([deep] * 2 * blocks), 2 * width, width, 3)
        self.gammas = nn.ModuleList([nn.Linear(bottleneck, depth) for depth in self.depths])
        self.betas = nn.ModuleList([nn.Linear(bottleneck, depth) for depth in self.depths])
        for scales in self.gammas:
            nn.init.ones_(scales.bias)  # type: ignore[arg-type]
        for shifts in self.betas:
            nn.init.zeros_(shifts.bias)  # type: ignore[arg-type]

    def freeze_prediction(self, frozen: bool = True) -> None:
        """Have training change T only, or all again."""
        for part in (self.predictor, self.bottleneck, self.gammas, self.betas):
            part.requires_grad_(not frozen)

    def style_vectors(
        self, picture: Float[Tensor, "b 3 h w"], masks: Float[Tensor, "b k _h _w"] | None = None
    ) -> Float[Tensor, "b k vector"]:
        """The style vector of each region of a picture; of the whole where there are no masks."""
        features = self.predictor(picture)
        pooled = features.mean(dim=(2, 3))[:, None] if masks is None else masked_mean(features, masks)
        vectors: Tensor = self.bottleneck(pooled)
        return torch.cat([vectors, color_measures(picture, masks)], dim=2) if self.colors else vectors

    def forward(
        self,
        frame: Float[Tensor, "b 3 h w"],
        vectors: Float[Tensor, "b k vector"],
        masks: Float[Tensor, "b k _h _w"] | None = None,
    ) -> Float[Tensor, "b 3 h w"]:
        """The frame in the style of its vectors: one, or one a region."""
        return self.with_features(frame, vectors, masks)[0]

    def with_features(
        self,
        frame: Float[Tensor, "b 3 h w"],
        vectors: Float[Tensor, "b k vector"],
        masks: Float[Tensor, "b k _h _w"] | None = None,
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b c _qh _qw"]]:
        """The same, and the features behind the residual blocks, a quarter the size, rounded up."""
        height, width = frame.shape[-2:]
        said = vectors[..., : self.said]
        settings = [(gamma(said), beta(said)) for gamma, beta in zip(self.gammas, self.betas, strict=True)]
        given, masks = masks, None if masks is None else _padded_like(masks, height, width)
        layers = iter(settings)

        def normed(features: Tensor) -> Tensor:
            gamma, beta = next(layers)
            return conditional_norm(features, gamma, beta, masks)

        features = padded_to(frame, STRIDE)
        for layer in self.contract:
            features = layer(features)
            features = (normed(features) if self.styles_contract else features).relu()
        for first, second in zip(self.residual[::2], self.residual[1::2], strict=True):
            features = features + normed(second(normed(first(features)).relu()))
        inner = features
        for layer in self.expand[:2]:
            features = normed(layer(F.interpolate(features, scale_factor=2.0, mode="nearest"))).relu()
        drawn = torch.sigmoid(normed(self.expand[2](features)))[..., :height, :width]
        return (with_colors(drawn, vectors[..., self.said :], given) if self.colors else drawn), inner


def _predictor(kind: PredictorKind) -> nn.Module:
    if kind == "mobile":
        return Mobile()
    from photovst.models.inception import Inception  # torchvision takes a second to import

    return Inception()


def _padded_like(masks: Tensor, height: int, width: int) -> Tensor:
    """Masks continued as the frame is, which they may be smaller than."""
    if height % STRIDE == 0 and width % STRIDE == 0:
        return masks
    at_size = resize_masks(masks, (height, width))
    return F.pad(at_size, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
