import pytest
import torch

from photovst.losses.content import ContentTerm

IMAGE = torch.zeros(1, 3, 8, 8)


def _features() -> dict[str, torch.Tensor]:
    return {
        "fine": torch.randn(1, 3, 8, 8, dtype=torch.float64),
        "coarse": torch.randn(1, 5, 4, 4, dtype=torch.float64),
    }


def test_own_features_cost_nothing_and_none_cost_one() -> None:
    own = _features()
    term = ContentTerm(own)
    assert term(IMAGE, own).item() == 0
    assert term(IMAGE, {name: 0 * planes for name, planes in own.items()}).item() == pytest.approx(1)
    assert term(IMAGE, {name: 1.3 * planes for name, planes in own.items()}).item() == pytest.approx(0.09)


@pytest.mark.parametrize(("layer", "held"), [(None, "coarse"), ("coarse", "coarse"), ("fine", "fine")])
def test_one_layer_is_held_the_deepest_by_default(layer: str | None, held: str) -> None:
    own, other = _features(), _features()
    expected = ((other[held] - own[held]) ** 2).sum() / (own[held] ** 2).sum()
    term = ContentTerm(own, layer)
    assert term.layer == held
    assert term(IMAGE, other).item() == pytest.approx(expected.item())
    assert term(IMAGE, {**other, held: own[held]}).item() == 0


def test_paper_and_coded_scales() -> None:
    own, other = _features(), _features()
    squares = (other["coarse"] - own["coarse"]).square().numpy()
    assert ContentTerm(own, None, "paper")(IMAGE, other).item() == pytest.approx(squares.mean() / 2)
    assert ContentTerm(own, None, "coded")(IMAGE, other).item() == pytest.approx(squares.mean())


def test_a_frame_without_features_divides_by_no_zero() -> None:
    black = {"fine": torch.zeros(1, 3, 4, 4)}
    assert ContentTerm(black)(IMAGE, black).item() == 0


def test_gradcheck() -> None:
    term = ContentTerm(_features())
    given = _features()["coarse"].requires_grad_()
    assert torch.autograd.gradcheck(lambda planes: term(IMAGE, {"coarse": planes}), given)


def test_errors() -> None:
    with pytest.raises(ValueError, match="no layer 'relu4_2' to hold; choose one of fine, coarse"):
        ContentTerm(_features(), "relu4_2")
