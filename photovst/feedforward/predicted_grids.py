"""Color transforms of frames, predicted from the style vectors of photographs; nothing is optimized."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import NumericalError
from photovst.feedforward.style_weights import StyleWeights
from photovst.guidance.guides import Guides
from photovst.models.photographic import Photographic
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.frame_optimizer import OnIteration
from photovst.optimize.grid_prior import GridPrior
from photovst.optimize.neighbors import Earlier, Stylized, neighbors_of
from photovst.optimize.parametrization import Parametrization

LEAST_CHANGE = 1 / 255
"""A change of color below this is none to see."""


class PredictedGrids:
    """Predicts the grid of each frame of a shot; the predicted kind of `Styler`.

    Args:
        network: predicts them.
        vectors: of each style, for each region of the shot.
        weights: how the styles are blended, over time.
        own: share of the frame's own style in each region: 1 leaves it as it is, as far as the network can.
        prior: what grids are held to where they are optimized further.
        steadiness: share of the earlier frame's grid in a new one, where there is an earlier frame.
    """

    def __init__(
        self,
        network: Photographic,
        vectors: Float[Tensor, "styles k vector"],
        weights: StyleWeights,
        own: Float[Tensor, " k"],
        prior: GridPrior,
        steadiness: float = 0.0,
    ) -> None:
        self._network, self._vectors, self._weights = network, vectors, weights
        self._own, self._prior, self._steadiness = own, prior, steadiness

    @torch.no_grad()
    def grid(self, guides: Guides) -> BilateralGrid:
        """The grid of a frame by itself.

        Raises:
            NumericalError: what is predicted is no number.
        """
        frame, masks = guides.frame, guides.masks
        shares = self._vectors.new_tensor(self._weights.at(guides.time))
        vectors = torch.einsum("s,skv->kv", shares, self._vectors)[None]
        if bool(self._own.any()):
            own = self._network.style_vectors(frame, masks)
            vectors = torch.lerp(vectors, own, self._own[None, :, None])
        grid = self._network.grids(frame, vectors, masks)[0].contiguous()
        if not bool(grid.isfinite().all()):
            raise NumericalError(
                f"the network predicts what is no number for frame {guides.index}; train it again, or leave"
                " predicted.network out"
            )
        return BilateralGrid(grid, self._prior)

    def stylize(
        self, guides: Guides, earlier: Earlier | None = None, on_iteration: OnIteration | None = None
    ) -> Stylized:
        """The prediction for a frame, with its share of the earlier one's, carried along the flow if there is any."""
        result = self.grid(guides)
        former = neighbors_of(guides, earlier or Earlier()).get(1)
        if self._steadiness and former is not None:
            still = former.motion is None
            carried = former.stylized.parametrization if still else former.carried
            assert isinstance(carried, BilateralGrid)  # its own
            share = self._steadiness if still else self._steadiness * former.flow.certainty_to_previous
            result = result.blended(carried, share)
        return Stylized(result, guides.frame, {}, 0, 0)

    def drift(self, guides: Guides, blended: Parametrization, expected: float | None) -> float:
        """Distance (root mean square) of a blended picture to the own prediction, over that of this to the frame."""
        own, frame = self.grid(guides).lift(guides.frame), guides.frame
        change = (own - frame).square().mean().sqrt()
        return float((blended.lift(frame) - own).square().mean().sqrt() / change.clamp_min(LEAST_CHANGE))
