import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import map_coordinates

from photovst.errors import MediaError
from photovst.metrics import masks as module

mask_flicker = jaxtyped(typechecker=beartype)(module.mask_flicker)


def _stripes(edge: int) -> torch.Tensor:
    """Two regions that meet at a column."""
    masks = torch.zeros(1, 2, 6, 10)
    masks[:, 0, :, :edge] = 1
    masks[:, 1, :, edge:] = 1
    return masks


def test_still_masks_do_not_flicker() -> None:
    masks, flow = torch.rand(2, 4, 6, 10).softmax(dim=1), torch.zeros(2, 2, 6, 10)
    assert mask_flicker(masks, masks, flow, torch.ones(2, 1, 6, 10)).tolist() == [0, 0]


def test_share_of_changed_columns_and_certainty() -> None:
    flow, sure = torch.zeros(1, 2, 6, 10), torch.ones(1, 1, 6, 10)
    assert mask_flicker(_stripes(4), _stripes(6), flow, sure).item() == pytest.approx(0.2)
    sure[..., 4] = 0
    assert mask_flicker(_stripes(4), _stripes(6), flow, sure).item() == pytest.approx(1 / 9)
    assert mask_flicker(_stripes(4), _stripes(6), flow, 0 * sure).isnan().all()


def test_masks_that_move_with_the_flow_do_not_flicker() -> None:
    flow, sure = torch.zeros(1, 2, 6, 10), torch.ones(1, 1, 6, 10)
    flow[:, 0] = -2  # the previous masks' edge was two columns to the left
    assert mask_flicker(_stripes(6), _stripes(4), flow, sure).item() == 0
    assert mask_flicker(_stripes(4), _stripes(4), flow, sure).item() == pytest.approx(2 / 8)


def test_soft_masks_count_by_their_label() -> None:
    sharp = _stripes(5)
    soft = 0.5 + 0.02 * (sharp - 0.5)
    assert mask_flicker(soft, sharp, torch.zeros(1, 2, 6, 10), torch.ones(1, 1, 6, 10)).item() == 0


def test_matches_scipy_and_numpy() -> None:
    masks, previous = torch.rand(2, 1, 5, 9, 12, dtype=torch.float64)
    masks[..., :4] = masks[:, :1, ..., :4]  # the first of equal masks
    flow, sure = torch.randn(1, 2, 9, 12, dtype=torch.float64), torch.rand(1, 1, 9, 12, dtype=torch.float64)
    y, x = np.mgrid[:9, :12] + flow[0].flip(0).numpy()
    seen = sure[0, 0].numpy() * ((x >= 0) & (x <= 11) & (y >= 0) & (y <= 8))
    warped = [map_coordinates(plane, [y, x], order=1, mode="nearest") for plane in previous[0].numpy()]
    changed = np.argmax(masks[0].numpy(), axis=0) != np.argmax(warped, axis=0)
    expected = (seen * changed).sum() / seen.sum()
    assert 0.2 < expected < 0.98
    assert mask_flicker(masks, previous, flow, sure).item() == pytest.approx(expected, rel=1e-9)


def test_errors() -> None:
    plain = inspect.unwrap(module.mask_flicker)
    masks, flow, sure = _stripes(3), torch.zeros(1, 2, 6, 10), torch.ones(1, 1, 6, 10)
    for given in (
        (masks, masks[:, :1], flow, sure),
        (masks, masks, flow[..., 1:], sure),
        (masks, masks, flow, flow),
    ):
        with pytest.raises(MediaError, match="do not fit; give all at one size, with the same regions"):
            plain(*given)
