import inspect

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import map_coordinates

from photovst.errors import MediaError, SettingsError
from photovst.ops import warp as module

checked = jaxtyped(typechecker=beartype)
warp, inside, compose = checked(module.warp), checked(module.inside), checked(module.compose)
resize_flow = checked(module.resize_flow)

SIZES = [(1, 1), (1, 7), (5, 3), (64, 128), (135, 241), (272, 641)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_zero_flow_is_the_identity_bit_by_bit(size: tuple[int, int], padding) -> None:
    image = torch.randn(2, 3, *size)
    assert torch.equal(warp(image, torch.zeros(2, 2, *size), padding), image)


def test_whole_pixels_shift_exactly() -> None:
    image = torch.randn(1, 2, 50, 333)
    flow = torch.zeros(1, 2, 50, 333)
    flow[:, 0], flow[:, 1] = 3, -2
    moved = warp(image, flow)
    assert torch.equal(moved[..., 2:, :-3], image[..., :-2, 3:])
    assert torch.equal(moved[..., :2, :-3], image[..., :1, 3:].expand(-1, -1, 2, -1))
    assert torch.equal(warp(image, flow, "zeros")[..., :2, :], torch.zeros(1, 2, 2, 333))


@pytest.mark.parametrize(("padding", "mode"), [("border", "nearest"), ("zeros", "grid-constant")])
def test_matches_scipy(padding, mode: str) -> None:
    image = torch.rand(1, 2, 21, 34, dtype=torch.float64)
    flow = 6 * torch.randn(1, 2, 21, 34, dtype=torch.float64)
    y, x = np.mgrid[:21, :34].astype(float)
    at = [y + flow[0, 1].numpy(), x + flow[0, 0].numpy()]
    theirs = np.stack([map_coordinates(plane, at, order=1, mode=mode) for plane in image[0].numpy()])
    torch.testing.assert_close(warp(image, flow, padding)[0], torch.from_numpy(theirs), rtol=1e-9, atol=1e-9)


def test_float32_positions_are_good_to_a_ten_thousandth_pixel() -> None:
    ramp = torch.arange(1500.0).expand(1, 1, 3, 1500)
    flow = torch.zeros(1, 2, 3, 1500)
    flow[:, 0] = 0.3
    error = (warp(ramp, flow) - ramp - 0.3)[..., :-1].abs().max()
    assert error < 3e-4


@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_gradcheck(padding) -> None:
    torch.manual_seed(1)
    image = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    # Bilinear lookup has a kink at whole pixels: stay off them.
    flow = torch.randint(-3, 4, (1, 2, 5, 6)).double() + 0.2 + 0.6 * torch.rand(1, 2, 5, 6)
    flow = flow.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda i, f: warp(i, f, padding), (image, flow))


def test_inside() -> None:
    flow = torch.zeros(1, 2, 3, 4)
    assert inside(flow).all()
    flow[:, 0] = 0.5
    assert inside(flow)[0, 0].tolist() == [[True, True, True, False]] * 3
    flow[:, 0], flow[:, 1] = 0, -1
    assert inside(flow)[0, 0].tolist() == [[False] * 4, [True] * 4, [True] * 4]


def test_compose_of_affine_motions_is_their_product() -> None:
    size = (20, 30)
    ab = module.positions(torch.zeros(1, 2, *size)) * -0.1 + 1  # p -> .9 p + 1
    bc = module.positions(torch.zeros(1, 2, *size)) * 0.05 - 0.5  # p -> 1.05 p - .5
    ac = module.positions(torch.zeros(1, 2, *size)) * (0.9 * 1.05 - 1) + 1.05 - 0.5
    torch.testing.assert_close(compose(ab, bc), ac, rtol=0, atol=1e-5)
    zero = torch.zeros_like(ab)
    assert torch.equal(compose(ab, zero), ab)
    assert torch.equal(compose(zero, bc), bc)


def test_resize_flow_rescales_values_by_each_axis() -> None:
    flow = torch.stack([torch.full((12, 20), 4.0), torch.full((12, 20), 6.0)])[None]
    half = resize_flow(flow, (4, 10))
    assert torch.allclose(half[:, 0], torch.tensor(2.0))
    assert torch.allclose(half[:, 1], torch.tensor(2.0))
    assert torch.allclose(resize_flow(half, (12, 20)), flow)
    assert torch.equal(resize_flow(flow, (12, 20)), flow)


def test_empty_batch() -> None:
    assert warp(torch.rand(0, 3, 5, 6), torch.rand(0, 2, 5, 6)).shape == (0, 3, 5, 6)


def test_errors() -> None:
    plain = inspect.unwrap(module.warp)
    with pytest.raises(MediaError, match=r"picture is \(1, 3, 4, 5\) but the flow \(1, 2, 4, 6\); .* resize_flow"):
        plain(torch.rand(1, 3, 4, 5), torch.rand(1, 2, 4, 6))
    with pytest.raises(MediaError, match=r"but the flow \(1, 3, 4, 5\)"):
        plain(torch.rand(1, 3, 4, 5), torch.rand(1, 3, 4, 5))
    with pytest.raises(SettingsError, match="unknown padding 'boarder'; did you mean 'border'"):
        plain(torch.rand(1, 3, 4, 5), torch.rand(1, 2, 4, 5), "boarder")
    with pytest.raises(SettingsError, match="cannot resize to 0x5"):
        inspect.unwrap(module.resize_flow)(torch.rand(1, 2, 4, 5), (0, 5))
