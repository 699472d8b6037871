from pathlib import Path

import pytest
import torch
from torch import Tensor

from photovst.losses.objective import Objective
from photovst.ops.guided_filter import affine_upsample
from photovst.ops.resize import resize
from photovst.optimize.pixels import Pixels
from photovst.optimize.solver import Solver
from photovst.storage import read_npz, write_npz


def _random(height: int = 9, width: int = 13) -> Pixels:
    return Pixels(torch.rand(1, 3, height, width), torch.rand(1, 3, height, width))


def _flow(x: float, y: float, height: int = 9, width: int = 13) -> Tensor:
    return torch.tensor([x, y], dtype=torch.float32).view(1, 2, 1, 1).expand(1, 2, height, width).contiguous()


def test_identity_shows_the_frame() -> None:
    frame = torch.rand(1, 3, 9, 13)
    pixels = Pixels.identity(frame)
    torch.testing.assert_close(pixels.lift(frame), frame, rtol=0, atol=0.5 / 65535 + 1e-7)
    larger = torch.rand(1, 3, 20, 30)
    torch.testing.assert_close(pixels.lift(larger), larger, rtol=0, atol=0.02)


def test_noise_is_faint_around_the_mean_color_and_the_same_for_a_seed() -> None:
    frame = torch.rand(1, 3, 40, 50)
    noise = Pixels.noise(frame, 3).image
    assert noise.shape == frame.shape
    torch.testing.assert_close(noise.mean(dim=(0, 2, 3)), torch.tensor([0.485, 0.456, 0.406]), rtol=0, atol=1e-4)
    assert 0.8e-4 < noise.std(dim=(0, 2, 3)).mean() < 1.2e-4
    assert torch.equal(noise, Pixels.noise(torch.zeros_like(frame), 3).image)
    assert not torch.equal(noise, Pixels.noise(frame, 4).image)


def test_quantized_as_a_file_would() -> None:
    pixels = _random()
    levels = pixels.quantized(255).image * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    assert (levels / 255 - pixels.image).abs().max() <= 0.5 / 255 + 1e-6


def test_lift_at_its_own_size_is_the_picture() -> None:
    pixels = _random()
    lifted = pixels.lift(torch.rand(1, 3, 9, 13))
    assert torch.equal(lifted, pixels.image)
    lifted.zero_()
    assert pixels.image.max() > 0  # a copy


def test_lift_elsewhere_applies_its_local_transforms() -> None:
    pixels, frame = _random(), torch.rand(1, 3, 17, 25)
    expected = affine_upsample(pixels.frame, pixels.image, frame).clamp(0, 1)
    assert torch.equal(pixels.lift(frame), expected)
    recolored = Pixels(0.5 * pixels.frame + 0.2, pixels.frame)
    torch.testing.assert_close(recolored.lift(frame), 0.5 * frame + 0.2, rtol=0, atol=2e-3)


def test_a_fit_starts_from_the_picture_and_leaves_it_alone() -> None:
    pixels, frame = _random(), torch.rand(1, 3, 9, 13)
    before = pixels.image.clone()
    fit = pixels.fit(frame, torch.ones(1, 1, 2, 2))
    assert torch.equal(fit.render().detach(), before)
    with torch.no_grad():
        fit.variables[0].fill_(1.7)
    assert torch.equal(pixels.image, before)
    assert torch.equal(fit.result().image, torch.ones(1, 3, 9, 13))  # clipped
    assert torch.equal(fit.result().frame, frame)
    assert fit.evaluate()[1].item() == 0


def test_a_fit_at_another_size_starts_from_the_lifted_picture() -> None:
    pixels, frame = _random(), torch.rand(1, 3, 17, 25)
    assert torch.equal(pixels.fit(frame, torch.ones(1, 1, 2, 2)).render().detach(), pixels.lift(frame))


def test_the_gradient_of_a_rendered_picture_is_the_pictures() -> None:
    fit = _random().fit(torch.rand(1, 3, 9, 13), torch.ones(1, 1, 2, 2))
    weights = torch.randn(1, 3, 9, 13)
    (gradient,) = torch.autograd.grad((weights * fit.render()).sum(), fit.variables)
    assert torch.equal(gradient, weights)


def test_motion_carries_picture_and_frame() -> None:
    pixels = Pixels.identity(torch.rand(1, 3, 9, 13))
    still = pixels.propagated(_flow(0, 0))
    assert torch.equal(still.image, pixels.image)
    assert torch.equal(still.frame, pixels.frame)
    moved = pixels.propagated(_flow(2, -1))
    assert torch.equal(moved.image[..., 1:, :-2], pixels.image[..., :-1, 2:])
    assert torch.equal(moved.frame[..., 1:, :-2], pixels.frame[..., :-1, 2:])


def test_a_flow_of_another_size_is_brought_to_the_pictures() -> None:
    pixels = Pixels.identity(torch.rand(1, 3, 9, 13))
    twice = pixels.propagated(_flow(4, -2, 18, 26))
    torch.testing.assert_close(twice.image, pixels.propagated(_flow(2, -1)).image)


def test_blended_ends_at_both() -> None:
    one, other = _random(), _random()
    near = {"rtol": 0, "atol": 1e-5}  # as it is stored
    torch.testing.assert_close(one.blended(other, 0.0).image, one.image, **near)
    assert torch.equal(one.blended(other, 1.0).frame, other.frame)
    torch.testing.assert_close(one.blended(other, 0.25).image, 0.75 * one.image + 0.25 * other.image, **near)


def test_blended_place_by_place() -> None:
    one, other = _random(), _random()
    share = torch.zeros(1, 1, *one.image.shape[-2:])
    share[..., 4:] = 1
    mixed = one.blended(other, share)
    torch.testing.assert_close(mixed.image[..., :4], one.image[..., :4], rtol=0, atol=1e-5)
    torch.testing.assert_close(mixed.image[..., 4:], other.image[..., 4:], rtol=0, atol=1e-5)
    assert torch.equal(mixed.frame[..., 4:], other.frame[..., 4:])


def test_a_picture_of_another_size_is_brought_to_this_one() -> None:
    frame = torch.rand(1, 3, 24, 32)
    small = Pixels.identity(resize(frame, (12, 16)))
    mixed = Pixels.identity(frame).blended(small, 0.5)
    assert mixed.image.shape == frame.shape
    assert (mixed.image - frame).abs().mean() < 0.1


@pytest.mark.parametrize("how", ["identity", "result", "propagated"])
def test_what_a_frame_ends_with_is_stored_bit_by_bit(how: str, tmp_path: Path) -> None:
    # Or a resumed run would go on from other numbers than one that was never stopped.
    pixels = _random()
    made = {
        "identity": lambda: Pixels.identity(pixels.frame),
        "result": lambda: pixels.fit(pixels.frame, torch.ones(1, 1, 2, 2)).result(),
        "propagated": lambda: pixels.propagated(_flow(0.3, -0.7)),
    }[how]()
    write_npz(tmp_path / "state.npz", made.state())
    restored = _random(4, 5).restored(read_npz(tmp_path / "state.npz"))
    assert torch.equal(restored.image, made.image)
    assert torch.equal(restored.frame, made.frame)
    again = restored.restored(restored.state())
    assert torch.equal(again.image, made.image)


def test_all_16_bit_levels_survive() -> None:
    levels = torch.arange(65536, dtype=torch.float64).view(1, 1, 256, 256).expand(1, 3, 256, 256) / 65535
    frame = levels.float()
    assert torch.equal(Pixels.identity(frame).image, frame)
    state = Pixels.identity(frame).state()["image"]
    assert state[0].ravel().tolist() == list(range(65536))


@pytest.mark.parametrize(("height", "width"), [(9, 13), (1, 5), (16, 16)])
def test_levels_are_drawn_up_to_the_picture(height: int, width: int) -> None:
    start = Pixels(torch.rand(1, 3, height, width), torch.rand(1, 3, height, width), levels=4)
    fit = start.fit(start.frame, torch.ones(1, 1, height, width))
    sizes = [tuple(v.shape[-2:]) for v in fit.variables]
    expected = [(height, width)]
    while len(expected) < 4 and max(expected[-1]) > 1:
        expected.append(((expected[-1][0] + 1) // 2, (expected[-1][1] + 1) // 2))
    assert sizes == expected
    torch.testing.assert_close(fit.render().detach(), start.image)  # nothing has changed yet
    with torch.no_grad():
        for variable in fit.variables[1:]:
            variable += 0.1
    # A level's constant is one of the picture.
    torch.testing.assert_close(fit.render().detach(), start.image + 0.1 * (len(expected) - 1))
    result = fit.result()
    assert result.levels == 4
    torch.testing.assert_close(result.image, fit.render().detach().clamp(0, 1), rtol=0, atol=1e-5)


def test_levels_reach_the_same_minimum_sooner() -> None:
    # Neighbours hold together, one corner is pulled: with pixels alone the pull has to walk.
    frame = torch.full((1, 3, 32, 32), 0.2)

    def term(image: Tensor, features: object) -> Tensor:
        smooth = image.diff(dim=2).square().sum() + image.diff(dim=3).square().sum()
        return smooth + (image[..., :4, :4] - 0.8).square().sum()

    left = {}
    for levels in (1, 6):
        fit = Pixels(frame, frame, levels).fit(frame, torch.ones(1, 1, 32, 32))
        Solver(tolerance=0).minimize(fit, Objective(lambda image: {}, {"term": term}, {"term": 1.0}), 30)
        left[levels] = (fit.render() - 0.8).abs().max().item()  # the minimum is one color
    assert left[6] < 0.02
    assert left[1] > 0.1


def test_gradcheck_through_the_levels() -> None:
    frame = torch.rand(1, 3, 5, 6, dtype=torch.float64)
    fit = Pixels(frame, frame, levels=3).fit(frame, torch.ones(1, 1, 5, 6, dtype=torch.float64))
    # Its arguments are ignored: gradcheck changes the variables of the fit themselves, entry by entry.
    assert torch.autograd.gradcheck(lambda *_: fit.render().square(), fit.variables)
