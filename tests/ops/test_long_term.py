import pytest
import torch
from torch import Tensor

from photovst.errors import MediaError
from photovst.ops.long_term import long_term_certainties


def _row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


def test_each_pixel_is_held_to_the_nearest_that_saw_it() -> None:
    seen = [_row(1, 0, 0, 0), _row(1, 1, 0, 0), _row(1, 1, 1, 0)]
    assert [c.flatten().tolist() for c in long_term_certainties(seen)] == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_the_nearer_ones_are_the_plain_certainties() -> None:
    # The third against .5 + .6, not against .5 + the .1 that is left of the second.
    first, second, third = long_term_certainties([_row(0.5), _row(0.6), _row(0.9)])
    assert (first.item(), third.item()) == (0.5, 0)
    assert second.item() == pytest.approx(0.1)
    far = long_term_certainties([_row(0.2), _row(0.1), _row(0.7)])
    assert [c.item() for c in far] == pytest.approx([0.2, 0.0, 0.4])


def test_binary_ones_share_out_what_any_frame_saw() -> None:
    certainties = [(torch.rand(2, 1, 9, 11) > 0.5).float() for _ in range(4)]
    held = torch.stack(long_term_certainties(certainties)).sum(dim=0)
    assert torch.equal(held, torch.stack(certainties).amax(dim=0))


def test_one_or_none_stay_as_they_are_and_nothing_is_changed() -> None:
    assert long_term_certainties([]) == []
    certainties = [torch.rand(1, 1, 3, 4) for _ in range(3)]
    before = [certainty.clone() for certainty in certainties]
    assert torch.equal(long_term_certainties(certainties[:1])[0], before[0])
    long_term_certainties(certainties)
    assert all(torch.equal(a, b) for a, b in zip(certainties, before, strict=True))


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    with pytest.raises(MediaError, match=r"are \(1, 1, 4, 5\), \(1, 1, 2, 5\); give all at this frame's size"):
        long_term_certainties([torch.ones(1, 1, 4, 5), torch.ones(1, 1, 2, 5)])
