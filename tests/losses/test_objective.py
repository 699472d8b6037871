from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from photovst.losses.objective import Objective


class Encoder:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        return {"doubled": 2 * image}


def brightness(image: Tensor, features: Mapping[str, Tensor]) -> Tensor:
    return image.mean()


def energy(image: Tensor, features: Mapping[str, Tensor]) -> Tensor:
    return features["doubled"].square().mean()


def test_the_total_is_the_weighted_sum_and_the_values_are_unweighted() -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    objective = Objective(Encoder(), {"brightness": brightness, "energy": energy}, {"energy": 10.0, "brightness": 0.5})
    breakdown = objective(image)
    mean, square = image.mean().item(), image.square().mean().item()
    assert list(breakdown.values) == ["brightness", "energy"]
    assert breakdown.weights == {"energy": 10.0, "brightness": 0.5}
    assert breakdown.numbers() == pytest.approx(
        {"brightness": mean, "energy": 4 * square, "total": 0.5 * mean + 40 * square}
    )
    (gradient,) = torch.autograd.grad(breakdown.total, image)
    torch.testing.assert_close(gradient, (0.5 + 80 * image.detach()) / 60)


def test_the_picture_is_encoded_once_an_evaluation() -> None:
    encoder = Encoder()
    objective = Objective(encoder, {"a": energy, "b": energy, "c": brightness}, {"a": 1.0, "b": 1.0, "c": 1.0})
    for count in (1, 2):
        objective(torch.rand(1, 3, 4, 5))
        assert encoder.calls == count


def test_unreported_terms_move_the_picture_but_are_not_told_of() -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    terms, weights = {"brightness": brightness, "energy": energy}, {"energy": 10.0, "brightness": 0.5}
    whole, part = Objective(Encoder(), terms, weights), Objective(Encoder(), terms, weights, frozenset({"energy"}))
    assert whole(image).reported.item() == whole(image).total.item()
    assert part(image).reported.item() == pytest.approx(0.5 * image.mean().item())
    gradients = [torch.autograd.grad(objective(image).total, image)[0] for objective in (whole, part)]
    assert torch.equal(*gradients)
    assert part(image).numbers() == whole(image).numbers()


def test_gradcheck() -> None:
    objective = Objective(Encoder(), {"a": energy, "b": brightness}, {"a": 3.0, "b": 2.0})
    image = torch.rand(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda i: objective(i).total, image)


def test_terms_and_weights_must_have_the_same_names() -> None:
    with pytest.raises(ValueError, match=r"terms \['style'\] and weights \['content', 'style'\] must have the same"):
        Objective(Encoder(), {"style": energy}, {"style": 1.0, "content": 1.0})
    with pytest.raises(ValueError, match=r"terms \['content'\] and weights \['style'\]"):
        Objective(Encoder(), {"content": energy}, {"style": 1.0})
    with pytest.raises(ValueError, match="the same names, one or more"):
        Objective(Encoder(), {}, {})
