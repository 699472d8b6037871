import pytest
import torch
from torch import Tensor
from torch.nn import functional

from photovst.losses.temporal import TemporalTerm


def _references(count: int, height: int = 4, width: int = 5) -> list[tuple[Tensor, Tensor]]:
    return [
        (torch.rand(1, 3, height, width, dtype=torch.float64), torch.rand(1, 1, height, width, dtype=torch.float64))
        for _ in range(count)
    ]


@pytest.mark.parametrize("loss", ["mse", "smooth_l1"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_static_clip_costs_nothing(loss, count: int) -> None:
    frame = torch.rand(1, 3, 4, 5)
    references = [(frame, torch.rand(1, 1, 4, 5)) for _ in range(count)]
    image = frame.clone().requires_grad_()
    value = TemporalTerm(references, loss)(image, {})
    value.backward()
    assert value.item() == 0
    assert image.grad is not None
    assert not image.grad.any()


def test_closed_form_beside_the_target() -> None:
    ((target, certainty),) = references = _references(1)
    # 1/D sum c d^2 over 3 H W values, one certainty for the three colors.
    assert TemporalTerm(references)(target + 0.2, {}).item() == pytest.approx(0.04 * certainty.mean().item())
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    expected = (certainty[0].numpy() * (image - target)[0].numpy() ** 2).sum() / (3 * 4 * 5)
    assert TemporalTerm(references)(image, {}).item() == pytest.approx(expected)


def test_smooth_l1_in_closed_form_on_both_sides_of_beta() -> None:
    target, certainty = torch.rand(1, 3, 4, 5, dtype=torch.float64), torch.ones(1, 1, 4, 5, dtype=torch.float64)
    term = TemporalTerm([(target, certainty)], "smooth_l1", beta=0.1)
    assert term(target + 0.09, {}).item() == pytest.approx(0.09**2)
    assert term(target - 0.4, {}).item() == pytest.approx(2 * 0.1 * 0.4 - 0.1**2)


def test_equals_the_losses_of_pytorch() -> None:
    target, image = torch.rand(2, 1, 3, 6, 7, dtype=torch.float64)
    references = [(target, torch.ones(1, 1, 6, 7, dtype=torch.float64))]
    assert TemporalTerm(references)(image, {}).item() == pytest.approx(functional.mse_loss(image, target).item())
    for beta in (0.05, 0.3):
        theirs = functional.smooth_l1_loss(image, target, beta=beta).item()
        assert TemporalTerm(references, "smooth_l1", beta)(image, {}).item() == pytest.approx(2 * beta * theirs)


@pytest.mark.parametrize("loss", ["mse", "smooth_l1"])
def test_several_references_add_up(loss) -> None:
    references, image = _references(3), torch.rand(1, 3, 4, 5, dtype=torch.float64)
    alone = sum(TemporalTerm([reference], loss)(image, {}).item() for reference in references)
    assert TemporalTerm(references, loss)(image, {}).item() == pytest.approx(alone)


@pytest.mark.parametrize("loss", ["mse", "smooth_l1"])
def test_coded_counts_values_from_0_to_255(loss) -> None:
    references, image = _references(2), torch.rand(1, 3, 4, 5, dtype=torch.float64)
    on_bytes = [(255 * target, certainty) for target, certainty in references]
    expected = TemporalTerm(on_bytes, loss, beta=255 * 0.05)(255 * image, {}).item()
    for scale in ("coded", "paper"):
        assert TemporalTerm(references, loss, beta=0.05, scale=scale)(image, {}).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", ["mse", "smooth_l1"])
def test_uncertain_pixels_are_free(loss) -> None:
    target, certainty = torch.rand(1, 3, 4, 5), torch.ones(1, 1, 4, 5)
    certainty[..., 2:, :] = 0
    image = target.clone()
    image[..., 2:, :] += 5
    term = TemporalTerm([(target, certainty)], loss, beta=1.0)
    assert term(image, {}).item() == 0
    image[0, 0, 0, 0] += 1
    assert term(image, {}).item() == pytest.approx(1 / 60)


@pytest.mark.parametrize("loss", ["mse", "smooth_l1"])
def test_gradcheck_and_no_gradient_into_the_references(loss) -> None:
    references = [(w.requires_grad_(), c.requires_grad_()) for w, c in _references(2, 3, 4)]
    term = TemporalTerm(references, loss)
    image = torch.rand(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda i: term(i, {}), image)
    term(image, {}).backward()
    assert all(target.grad is None and certainty.grad is None for target, certainty in references)


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    whole = (torch.rand(1, 3, 4, 5), torch.rand(1, 1, 4, 5))
    message = r"the target is \(4, 5\) but its certainty \(2, 5\); give both at the frame's size"
    with pytest.raises(ValueError, match=message):
        TemporalTerm([(whole[0], torch.rand(1, 1, 2, 5))])
    with pytest.raises(ValueError, match=r"certainty \(4, 6\); give both at the frame's size, here \(4, 5\)"):
        TemporalTerm([whole, (torch.rand(1, 3, 4, 6), torch.rand(1, 1, 4, 6))])
    with pytest.raises(ValueError, match="no reference; give one or more, or leave the term out"):
        TemporalTerm([])
    for beta in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=f"beta of the temporal term is {beta}; give a number above 0"):
            TemporalTerm([whole], beta=beta)
    with pytest.raises(ValueError, match="the temporal loss is 'l1'; choose mse or smooth_l1"):
        TemporalTerm([whole], "l1")
