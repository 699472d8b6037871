import math

import pytest
import torch
from torch import Tensor

from photovst.errors import SettingsError
from photovst.models.torchvision_ops import import_torchvision
from photovst.ops.flow_color import color_wheel, flow_color


def _color(x: float, y: float, full: float = 1.0) -> Tensor:
    return flow_color(torch.tensor([x, y], dtype=torch.float64).view(1, 2, 1, 1), full).flatten()


def test_rest_is_white_and_right_is_red() -> None:
    assert _color(0, 0).tolist() == [1, 1, 1]
    assert _color(1, 0).tolist() == [1, 0, 0]
    assert _color(1, -0.0).tolist() == [1, 0, 0]
    assert _color(0.5, 0).tolist() == [1, 0.5, 0.5]
    assert _color(3, 0, full=4.0).tolist() == [1, 0.25, 0.25]
    assert _color(7, 0).tolist() == [0.75, 0, 0]


@pytest.mark.parametrize("place", range(54))
def test_hue_goes_by_angle(place: int) -> None:
    # Steps of a 54th turn from the right over down: yellow from 15 on, green from 21, cyan 25, blue 36, magenta 49.
    angle = 2 * math.pi * place / 54
    expected = color_wheel()[place]
    torch.testing.assert_close(_color(math.cos(angle), math.sin(angle)), expected, atol=1e-6, rtol=0)
    half = _color(0.5 * math.cos(angle), 0.5 * math.sin(angle))
    torch.testing.assert_close(half, 0.5 + 0.5 * expected, atol=1e-6, rtol=0)


def test_the_wheel_has_its_corners_and_goes_straight_between() -> None:
    wheel = color_wheel()
    assert wheel.shape == (55, 3)
    corners = {0: (1, 0, 0), 15: (1, 1, 0), 21: (0, 1, 0), 25: (0, 1, 1), 36: (0, 0, 1), 49: (1, 0, 1)}
    for place, color in corners.items():
        assert tuple(wheel[place].tolist()) == color
    torch.testing.assert_close(wheel[12], torch.tensor([1, 12 / 15, 0], dtype=torch.float64))
    torch.testing.assert_close(wheel[54], torch.tensor([1, 0, 1 / 6], dtype=torch.float64))


def test_torchvision_shows_the_same() -> None:
    import_torchvision()
    from torchvision.utils import flow_to_image

    flow = torch.randn(3, 2, 20, 30, generator=torch.Generator().manual_seed(0))
    theirs = flow_to_image(flow).float()
    ours = 255 * flow_color(flow, flow.norm(dim=1).max().item())
    assert (theirs - ours).abs().max() < 2  # theirs rounds twice


def test_values_stay_in_range_and_errors() -> None:
    colors = flow_color(100 * torch.randn(2, 2, 9, 9), 3.0)
    assert colors.shape == (2, 3, 9, 9)
    assert colors.min() >= 0
    assert colors.max() <= 1
    for full in (0.0, -1.0, float("nan")):
        with pytest.raises(SettingsError, match=f"flow of {full} pixels cannot be shown in full color"):
            flow_color(torch.zeros(1, 2, 2, 2), full)
