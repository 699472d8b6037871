import inspect

import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped

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
