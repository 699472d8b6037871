import numpy as np
import pytest
import torch
from scipy.interpolate import griddata
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.media.scenes import Look, Scene
from photovst.ops.splat import fill_holes, splat


def _motion(height: int, width: int, right: float = 0.0, down: float = 0.0, batch: int = 1) -> Tensor:
    return torch.tensor([float(right), float(down)]).view(1, 2, 1, 1).expand(batch, 2, height, width).contiguous()


@pytest.mark.parametrize("size", [(1, 1), (7, 10), (16, 33)])
def test_zero_flow_is_the_identity_bit_by_bit(size: tuple[int, int]) -> None:
    image = torch.randn(2, 4, *size)
    pushed, weight = splat(image, torch.zeros(2, 2, *size))
    assert torch.equal(pushed, image)
    assert torch.equal(weight, torch.ones_like(weight))
    assert torch.equal(fill_holes(pushed, weight), image)


def test_whole_pixels_shift_exactly() -> None:
    image = torch.rand(2, 3, 8, 9)
    pushed, weight = splat(image, _motion(8, 9, right=2, down=-3, batch=2))
    assert torch.equal(pushed[..., :5, 2:], image[..., 3:, :-2])
    expected = torch.zeros(2, 1, 8, 9)
    expected[..., :5, 2:] = 1
    assert torch.equal(weight, expected)
    assert not (pushed * (1 - weight)).any()


def test_half_a_pixel_is_shared_by_two_and_what_meets_is_averaged() -> None:
    image = torch.tensor([[0.2, 0.6, 1.0]]).view(1, 1, 1, 3)
    pushed, weight = splat(image, _motion(1, 3, right=0.5))
    assert weight.flatten().tolist() == [0.5, 1, 1]
    assert pushed.flatten().tolist() == pytest.approx([0.2, 0.4, 0.8])
    flow = torch.zeros(1, 2, 1, 3)
    flow[0, 0, 0] = torch.tensor([1.0, 0, -1])
    pushed, weight = splat(image, flow)
    assert weight.flatten().tolist() == [0, 3, 0]
    assert pushed.flatten().tolist() == pytest.approx([0, 0.6, 0])


def test_mass_is_conserved_and_what_leaves_the_picture_is_gone() -> None:
    image = torch.rand(2, 3, 20, 24, dtype=torch.float64)
    flow = 3 * torch.randn(2, 2, 20, 24, dtype=torch.float64)
    image[..., :10, :] = image[..., -10:, :] = image[..., :10] = image[..., -10:] = 0
    image[..., 9:11, 9:15] = 1
    flow.clamp_(-8, 8)
    pushed, weight = splat(image, flow)
    torch.testing.assert_close((pushed * weight).sum(dim=(2, 3)), image.sum(dim=(2, 3)))
    pushed, weight = splat(image, _motion(20, 24, right=100, batch=2).double())
    assert not pushed.any()
    assert not weight.any()


def test_equals_one_pixel_after_the_other() -> None:
    image, flow = torch.rand(3, 6, 7, dtype=torch.float64), 2 * torch.randn(2, 6, 7, dtype=torch.float64)
    total, weight = np.zeros((3, 6, 7)), np.zeros((6, 7))
    for i in range(6):
        for j in range(7):
            x, y = j + flow[0, i, j].item(), i + flow[1, i, j].item()
            for row in range(6):
                for column in range(7):
                    # A pixel's bilinear weight is a tent of width one around it.
                    share = max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row))
                    weight[row, column] += share
                    total[:, row, column] += share * image[:, i, j].numpy()
    ours, seen = splat(torch.stack([image, 2 * image]), torch.stack([flow, flow]))
    expected = total / np.where(weight > 0, weight, 1)
    np.testing.assert_allclose(seen[0, 0].numpy(), weight, atol=1e-12)
    np.testing.assert_allclose(ours[0].numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(ours[1].numpy(), 2 * expected, atol=1e-12)


def test_a_pushed_frame_is_the_next_one_where_that_shows_the_same() -> None:
    scene = Scene(3, Look.day, (64, 96), 2, camera_speed=0.05)
    this, following = (torch.from_numpy(scene.frame(t)).permute(2, 0, 1)[None] / 255 for t in (0, 1))
    flow = torch.from_numpy(scene.flow_to_next(0)).permute(2, 0, 1)[None]
    shown = torch.from_numpy(~scene.occlusion_to_previous(1))[None, None]
    pushed, weight = splat(this, flow)
    error = ((pushed - following).square() * shown).mean()
    assert error < 0.15 * ((this - following).square() * shown).mean()
    assert 0 < (weight < 0.1).float().mean() < 0.3


def test_the_same_input_gives_the_same_bits_and_a_flow_without_number_nothing() -> None:
    image, flow = torch.rand(1, 3, 64, 64), 4 * torch.randn(1, 2, 64, 64)
    once, again = (fill_holes(*splat(image, flow)) for _ in range(2))
    assert torch.equal(once, again)
    pushed, weight = splat(image, torch.full_like(flow, float("nan")))
    assert not pushed.any()
    assert not weight.any()


def test_holes_of_any_shape_take_their_surroundings_and_no_more() -> None:
    for size in ((1, 1), (1, 9), (5, 1), (13, 22), (16, 32), (31, 17)):
        image = torch.rand(2, 3, *size)
        weight = (torch.rand(2, 1, *size) > 0.7).float()
        weight[..., 0, 0] = 1
        filled = fill_holes(image, weight)
        assert torch.equal(filled * weight, image * weight)
        known = image.where(weight > 0, float("nan"))
        least = known.nan_to_num(9).amin(dim=(2, 3), keepdim=True)
        most = known.nan_to_num(-9).amax(dim=(2, 3), keepdim=True)
        assert ((filled >= least - 1e-6) & (filled <= most + 1e-6)).all()
        flat = torch.full_like(image, 0.37)
        torch.testing.assert_close(fill_holes(flat * weight, weight), flat, rtol=0, atol=1e-6)


def test_filling_does_not_see_what_lies_in_the_hole_nor_the_order_of_axes() -> None:
    image, weight = torch.rand(1, 3, 20, 26), torch.ones(1, 1, 20, 26)
    weight[..., 6:15, 4:19] = 0
    filled = fill_holes(image, weight)
    spoiled = image.clone()
    spoiled[..., 6:15, 4:19] = 1e6
    assert torch.equal(fill_holes(spoiled, weight), filled)
    for turned in (lambda t: t.flip(-1), lambda t: t.flip(-2), lambda t: t.transpose(-1, -2)):
        other = fill_holes(turned(image).contiguous(), turned(weight).contiguous())
        torch.testing.assert_close(other, turned(filled))


def test_filling_is_near_linear_interpolation() -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, 40), torch.linspace(0, 1, 56), indexing="ij")
    image = (0.3 * x + 0.4 * y + 0.1 * torch.sin(6 * x)).double()
    weight = torch.ones(40, 56)
    weight[10:21, 20:32] = 0
    filled = fill_holes(image[None, None], weight[None, None].double())[0, 0]
    hole = weight.numpy() == 0
    theirs = griddata(np.argwhere(~hole), image.numpy()[~hole], np.argwhere(hole))
    apart = np.abs(filled.numpy()[hole] - theirs)
    around = image[9:22, 19:33]
    assert apart.max() < 0.25 * (around.max() - around.min())
    assert apart.mean() < 0.1 * (around.max() - around.min())


def test_the_threshold_says_what_a_hole_is() -> None:
    image = torch.tensor([0.0, 9.0, 1.0, 1.0]).view(1, 1, 1, 4)
    weight = torch.tensor([1.0, 0.3, 1.0, 0.0]).view(1, 1, 1, 4)
    kept, dropped = fill_holes(image, weight, 0.3), fill_holes(image, weight, 0.31)
    assert kept[..., 1].item() == 9
    assert 0 < dropped[..., 1].item() < 1
    # Without any weight it is a hole whatever the threshold.
    image[..., 3] = 50
    assert fill_holes(image, weight, 0.0)[..., 3].item() < 9


def test_a_picture_that_is_all_hole_stays_and_the_others_are_filled() -> None:
    image, weight = torch.rand(2, 3, 6, 8), torch.zeros(2, 1, 6, 8)
    assert torch.equal(fill_holes(image, weight), image)
    weight[1, :, 2, 3] = 1
    filled = fill_holes(image, weight)
    assert torch.equal(filled[0], image[0])
    torch.testing.assert_close(filled[1], image[1, :, 2:3, 3:4].expand(-1, 6, 8))
    assert fill_holes(image[:0], weight[:0]).shape[0] == 0


def test_errors() -> None:
    with pytest.raises(SettingsError, match=r"threshold of holes is -0\.5; give a number of 0 or more"):
        fill_holes(torch.rand(1, 3, 4, 5), torch.ones(1, 1, 4, 5), -0.5)


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors_of_shapes() -> None:
    with pytest.raises(MediaError, match=r"picture is \(1, 3, 4, 5\) but the flow \(1, 2, 4, 6\); give \(batch, 2"):
        splat(torch.rand(1, 3, 4, 5), torch.zeros(1, 2, 4, 6))
    with pytest.raises(MediaError, match=r"picture is \(1, 3, 4, 5\) but its weight \(1, 3, 4, 5\); give one of"):
        fill_holes(torch.rand(1, 3, 4, 5), torch.ones(1, 3, 4, 5))
