import pytest
import torch

from photovst.errors import SettingsError
from photovst.training.mixture import Mixture

from .numbered_source import Chance


def _mixture(seed: int = 0, weights: tuple[float, ...] = (1, 3, 0)) -> Mixture:
    return Mixture((Chance(0), Chance(1), Chance(2)), weights, (2, 3), (1,), seed)


def test_sources_are_drawn_as_often_as_their_weights_say() -> None:
    data = _mixture()
    drawn = [int(data[index].labels[0, 0, 0]) for index in range(2000)]
    assert drawn.count(1) / 2000 == pytest.approx(0.75, abs=0.04)
    assert drawn.count(2) == 0


def test_a_sample_depends_on_seed_and_number_alone() -> None:
    data, other = _mixture(), _mixture(seed=1)
    values = [float(data[index].frames[0, 0, 0, 0]) for index in (0, 1, 2, 1, 0)]
    assert values[0] == values[4] != values[1] == values[3]
    assert float(other[0].frames[0, 0, 0, 0]) != values[0]
    assert torch.equal(_mixture()[12345].frames, data[12345].frames)


def test_errors() -> None:
    for weights in ((0, 0, 0), (1, -1, 1), (1, float("nan"), 1)):
        with pytest.raises(SettingsError, match="the weights of training data are"):
            _mixture(weights=weights)
    with pytest.raises(SettingsError, match="3 sources but 1 weights"):
        _mixture(weights=(1,))
    with pytest.raises(SettingsError, match="samples of 0x4"):
        Mixture((Chance(),), (1,), (0, 4))
    with pytest.raises(SettingsError, match="distances="):
        Mixture((Chance(),), (1,), (4, 4), ())
