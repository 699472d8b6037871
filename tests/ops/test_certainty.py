import inspect

import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped

from photovst.errors import MediaError, SettingsError
from photovst.ops import certainty as module

checked = jaxtyped(typechecker=beartype)
forward_backward_certainty = checked(module.forward_backward_certainty)
occluded, motion_boundary = checked(module.occluded), checked(module.motion_boundary)


@pytest.mark.parametrize("kind", ["paper", "coded"])
def test_a_steady_motion_is_certain_where_it_stays_inside(kind) -> None:
    flow = torch.zeros(2, 2, 16, 20)
    flow[:, 0], flow[:, 1] = 2, -1
    certainty = forward_backward_certainty(flow, -flow, kind)
    expected = torch.zeros(2, 1, 16, 20)
    expected[..., 1:, :-2] = 1
    # Only the pixels within the blur's reach of the edge may differ in the coded form.
    assert torch.equal(certainty[..., 5:, :-6], expected[..., 5:, :-6])
    if kind == "paper":
        assert torch.equal(certainty, expected)
    assert certainty.dtype == torch.float32


def test_occlusion_threshold() -> None:
    flow = torch.zeros(1, 2, 8, 9)
    flow[:, 0] = 1
    # |w + w~|^2 = d^2 against .01 (1 + (1 - d)^2) + .5: equal at d = .71225.
    for miss, expected in ((0.70, False), (0.73, True)):
        back = torch.zeros(1, 2, 8, 9)
        back[:, 0] = -1 + miss
        assert occluded(flow, back).all() == expected
        assert (forward_backward_certainty(flow, back)[..., :-1] == 0).all() == expected


def test_motion_boundary_threshold_and_border() -> None:
    flow = torch.zeros(1, 2, 8, 10)
    for slope, expected in ((0.044, False), (0.046, True)):  # slope^2 against .002
        flow[:, 0] = slope * torch.linspace(-4.5, 4.5, 10)
        flow[:, 1] = 0
        boundary = motion_boundary(flow)
        # |w|^2 raises the bar away from the middle; the border's difference is one-sided over two.
        assert boundary[0, 0, :, 4:6].all() == expected
        assert not boundary[0, 0, :, 0].any()
    flow[:, 0] = 0
    flow[:, 1, 4:] = 0.2
    assert motion_boundary(flow)[0, 0, :, 0].tolist() == [i in (3, 4) for i in range(8)]


def test_coded_occlusions_take_their_surroundings_and_boundaries_less() -> None:
    flow, back = torch.zeros(1, 2, 21, 21), torch.zeros(1, 2, 21, 21)
    back[:, 0, 8:13, 8:13] = 3
    paper = forward_backward_certainty(flow, back, "paper")
    coded = forward_backward_certainty(flow, back, "coded")
    assert (paper == 0).sum() == 25
    assert (coded[paper == 0] == 0).all()
    beside = coded[0, 0, 10, 7].item()
    # One pixel out, 25.04 % of a Gaussian of sigma .8 sampled at whole pixels lies on the -1.
    assert beside == pytest.approx(1 - 2 * 0.25044, abs=1e-4)
    assert coded.min() >= 0
    assert coded.max() <= 1


def test_one_pixel_and_empty_batch() -> None:
    assert forward_backward_certainty(torch.zeros(1, 2, 1, 1), torch.zeros(1, 2, 1, 1)).item() == 1
    assert forward_backward_certainty(torch.zeros(0, 2, 4, 4), torch.zeros(0, 2, 4, 4), "coded").shape[0] == 0


def test_errors() -> None:
    plain = inspect.unwrap(module.forward_backward_certainty)
    with pytest.raises(MediaError, match=r"flow is \(1, 2, 4, 5\) but the flow back \(1, 2, 4, 6\)"):
        plain(torch.zeros(1, 2, 4, 5), torch.zeros(1, 2, 4, 6))
    with pytest.raises(SettingsError, match="unknown certainty 'code'; did you mean 'coded'"):
        plain(torch.zeros(1, 2, 4, 5), torch.zeros(1, 2, 4, 5), "code")
