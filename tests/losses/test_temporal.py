import pytest
import torch

from photovst.losses.temporal import TemporalTerm


def test_zero_at_its_target_and_in_closed_form_beside_it() -> None:
    target = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    certainty = torch.rand(1, 1, 4, 5, dtype=torch.float64)
    term = TemporalTerm(target, certainty)
    assert term(target, {}).item() == 0
    # 1/D sum c d^2 over 3 H W values, one certainty for the three colors.
    assert term(target + 0.2, {}).item() == pytest.approx(0.04 * certainty.mean().item())
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    expected = (certainty[0].numpy() * (image - target)[0].numpy() ** 2).sum() / (3 * 4 * 5)
    assert term(image, {}).item() == pytest.approx(expected)


def test_uncertain_pixels_are_free() -> None:
    target, certainty = torch.rand(1, 3, 4, 5), torch.ones(1, 1, 4, 5)
    certainty[..., 2:, :] = 0
    image = target.clone()
    image[..., 2:, :] += 5
    assert TemporalTerm(target, certainty)(image, {}).item() == 0
    image[0, 0, 0, 0] += 1
    assert TemporalTerm(target, certainty)(image, {}).item() == pytest.approx(1 / 60)


def test_gradcheck_and_no_gradient_into_the_target() -> None:
    target = torch.rand(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    certainty = torch.rand(1, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    term = TemporalTerm(target, certainty)
    image = torch.rand(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda i: term(i, {}), image)
    term(image, {}).backward()
    assert target.grad is None
    assert certainty.grad is None


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    message = r"the target is \(4, 5\) but its certainty \(2, 5\); give both at the frame's size"
    with pytest.raises(ValueError, match=message):
        TemporalTerm(torch.rand(1, 3, 4, 5), torch.rand(1, 1, 2, 5))
