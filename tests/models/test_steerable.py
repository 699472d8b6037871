import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch import Tensor

from photovst.models.steerable import OPPONENT, SAMPLES, Steerable, oriented_filters


def test_filters_have_no_mean_and_unit_size() -> None:
    bank = oriented_filters().double()
    assert bank.shape == (12, 1, 7, 7)
    torch.testing.assert_close(bank.sum(dim=(1, 2, 3)), torch.zeros(12, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(bank.abs().sum(dim=(1, 2, 3)), torch.ones(12, dtype=torch.float64))


def test_even_filters_are_even_and_odd_ones_odd() -> None:
    bank = oriented_filters()
    turned = bank.flip((2, 3))  # by half a turn
    torch.testing.assert_close(turned[:6], bank[:6], rtol=0, atol=1e-6)
    torch.testing.assert_close(turned[6:], -bank[6:], rtol=0, atol=1e-6)


def test_filters_are_turned_from_one_to_the_next() -> None:
    bank = oriented_filters(orientations=4)
    quarter = bank.transpose(2, 3)  # the first looks across columns, the third across rows
    torch.testing.assert_close(quarter[0], bank[2], rtol=0, atol=1e-6)
    torch.testing.assert_close(quarter[4], bank[6], rtol=0, atol=1e-6)


def test_a_filter_answers_most_to_its_own_direction_and_wavelength() -> None:
    x = torch.arange(64, dtype=torch.float32)
    stripes = (0.5 + 0.5 * torch.sin(2 * torch.pi * x / 4.5)).expand(1, 1, 64, 64)
    answers = torch.nn.functional.conv2d(stripes, oriented_filters()).abs().amax(dim=(2, 3))[0]
    assert answers[:6].argmax() == 0
    assert answers[6:].argmax() == 0
    assert answers[3] < 0.05 * answers[0]


def _responses(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Colors, distances from gray, filter responses."""
    return features[:, :3], features[:, 3:9], features[:, 9:]


def test_a_constant_frame_has_colors_and_no_responses() -> None:
    color = torch.tensor([0.7, 0.5, 0.1])
    frame = color.view(1, 3, 1, 1).expand(1, 3, 32, 48)
    for planes in Steerable(chroma=2.0)(frame).values():
        colors, distances, responses = _responses(planes)
        opponent = torch.tensor(OPPONENT) @ color * torch.tensor([1.0, 2.0, 2.0])
        torch.testing.assert_close(colors, opponent.view(1, 3, 1, 1).expand_as(colors))
        middle = opponent - torch.tensor([0.5, 0.0, 0.0])
        expected = torch.cat([middle.relu(), (-middle).relu()]).view(1, 6, 1, 1).expand_as(distances)
        torch.testing.assert_close(distances, expected)
        assert responses.abs().max() < 1e-5


def test_responses_match_scipy() -> None:
    frame = torch.rand(1, 3, 12, 17, dtype=torch.float64)
    _, _, responses = _responses(Steerable(levels=1, gain=7.0, chroma=2.0)(frame)["level0"])
    opponent = np.tensordot(np.array(OPPONENT), frame[0].numpy(), axes=1)
    bank = oriented_filters().double()[:, 0].numpy()
    # Chroma is doubled, and its filters halved: only luma sees even filters.
    planes = [(opponent[0], kernel) for kernel in bank]
    planes += [(opponent[channel], kernel) for channel in (1, 2) for kernel in bank[6:]]
    expected = np.stack([7 * correlate(plane, kernel, mode="nearest") for plane, kernel in planes])
    signed = (responses[:, :24] - responses[:, 24:])[0].numpy()
    np.testing.assert_allclose(signed, expected, rtol=0, atol=1e-5)
    assert (responses >= 0).all()
    assert (torch.minimum(responses[:, :24], responses[:, 24:]) == 0).all()


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        ((64, 96), [(64, 96), (32, 48), (16, 24), (8, 12), (4, 6)]),
        ((45, 80), [(45, 80), (22, 40), (11, 20), (5, 10)]),
        ((7, 300), [(7, 300)]),
        ((1, 1), [(1, 1)]),
    ],
)
def test_levels_halve_until_they_would_be_too_small(size: tuple[int, int], levels: list[tuple[int, int]]) -> None:
    features = Steerable()(torch.rand(2, 3, *size))
    assert list(features) == [f"level{i}" for i in range(len(levels))]
    assert [tuple(planes.shape) for planes in features.values()] == [(2, 57, *level) for level in levels]


def test_fewer_levels_and_another_minimum() -> None:
    frame = torch.rand(1, 3, 64, 64)
    assert list(Steerable(levels=2)(frame)) == ["level0", "level1"]
    assert list(Steerable(minimum=16)(frame)) == ["level0", "level1", "level2"]


def test_a_level_is_the_first_of_a_frame_of_its_size() -> None:
    frame = torch.rand(1, 3, 32, 48)
    half = torch.nn.functional.avg_pool2d(frame, 2)
    torch.testing.assert_close(Steerable()(frame)["level1"], Steerable()(half)["level0"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("size", [(200, 330), (167, 241)])
def test_a_stride_leaves_samples_of_large_levels_out(stride: int, size: tuple[int, int]) -> None:
    frame = torch.rand(1, 3, *size)
    every, some = Steerable()(frame), Steerable(stride=stride)(frame)
    for level, (name, planes) in enumerate(every.items()):
        step = min(stride, max(1, (size[1] >> level) // SAMPLES))
        torch.testing.assert_close(some[name], planes[..., ::step, ::step], rtol=0, atol=1e-5)
    assert some["level0"].shape[-1] < every["level0"].shape[-1]
    assert some["level2"].shape == every["level2"].shape


def test_gradcheck() -> None:
    encoder = Steerable(levels=2, minimum=2, stride=2)
    frame = torch.rand(1, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    assert all(planes.dtype == torch.float64 for planes in encoder(frame).values())
    assert torch.autograd.gradcheck(lambda f: tuple(encoder(f).values()), frame, fast_mode=True)


def test_nothing_is_trained() -> None:
    assert list(Steerable().parameters()) == []
