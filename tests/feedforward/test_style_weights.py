import numpy as np

from photovst.feedforward.style_weights import StyleWeights


def test_linear_between_and_held_outside() -> None:
    weights = StyleWeights.of([(1.0, {"a": 1.0}), (3.0, {"a": 0.5, "b": 0.5}), (4.0, {"b": 1.0, "c": 0.0})])
    assert weights.names == ("a", "b")
    assert weights.moves
    assert weights.at(0) == weights.at(1) == (1, 0)
    assert weights.at(2) == (0.75, 0.25)
    assert weights.at(3.5) == (0.25, 0.75)
    assert weights.at(9) == (0, 1)
    np.testing.assert_allclose([sum(weights.at(t)) for t in np.linspace(0, 5, 17)], 1)


def test_at_rest() -> None:
    weights = StyleWeights.of([(0.0, {"a": 0.25, "b": 0.75})])
    assert not weights.moves
    assert weights.at(7) == (0.25, 0.75)
