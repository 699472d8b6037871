"""Held against Magenta's own program: its variables, and what it made of a picture (tests/data/README.md)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_writer import write_bundle
from magenta_weights import random_picture, random_values
from numpy.typing import NDArray

from photovst.errors import WeightsError
from photovst.models.arbitrary import Arbitrary
from photovst.models.magenta import OPTIONS, arbitrary_from_magenta, places

WRITTEN = Path(__file__).resolve().parents[1] / "data" / "magenta"
VARIABLES = {
    name: tuple(map(int, shape.split("x")))
    for name, shape in (line.split() for line in (WRITTEN / "variables.txt").read_text().splitlines())
}


def _frame(picture: NDArray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(0, 3, 1, 2)


def test_names_and_shapes_are_those_of_magentas_program() -> None:
    assert {name: place.shape for name, place in places().items()} == VARIABLES
    names = [place.name for place in places().values()]
    assert len(set(names)) == len(names)
    state = Arbitrary(**OPTIONS).state_dict()
    assert set(names) <= set(state)
    # What the checkpoint does not hold are the biases that normalization takes away.
    assert all(name.endswith(".1.bias") for name in state.keys() - set(names))


def test_the_network_does_what_magentas_program_does(tmp_path: Path) -> None:
    arrays = {name: random_values(name, shape) for name, shape in VARIABLES.items()}
    network = Arbitrary(**OPTIONS).eval()
    network.load_state_dict(arbitrary_from_magenta(write_bundle(tmp_path / "model.ckpt", arrays)))
    with torch.no_grad():
        vectors = network.style_vectors(_frame(random_picture("style", 80, 101)))
        result = network(_frame(random_picture("content", 32, 40)), vectors)
    np.testing.assert_allclose(vectors[0, 0], np.load(WRITTEN / "vector.npy"), atol=2e-5)
    np.testing.assert_allclose(result[0, :, ::4, ::4].permute(1, 2, 0), np.load(WRITTEN / "picture.npy"), atol=1e-4)


def test_each_value_arrives_at_its_place_and_what_a_training_leaves_beside_is_left_out(tmp_path: Path) -> None:
    arrays = {
        name: (place + np.arange(np.prod(shape)) / np.prod(shape)).reshape(shape).astype(np.float32)
        for place, (name, shape) in enumerate(VARIABLES.items())
    }
    beside = [f"Conv/weights/{each}" for each in ("Adam", "Adam_1", "Momentum", "ExponentialMovingAverage")]
    beside += ["beta1_power", "train/beta2_power", "vgg_16/conv1/conv1_1/weights"]
    others = {name: np.full(2, np.nan, np.float32) for name in beside} | {"global_step": np.array(3)}
    state = arbitrary_from_magenta(write_bundle(tmp_path / "model.ckpt", arrays | others))
    for name, place in places().items():
        values = torch.from_numpy(arrays[name])
        expected = torch.einsum("yxio->oiyx", values) if values.ndim == 4 else values
        assert torch.equal(state[place.name].reshape(expected.shape), expected), name
    biases = state.keys() - {place.name for place in places().values()}
    assert len(biases) == 16
    assert not any(bool(state[name].any()) for name in biases)


def test_variables_missing_extra_and_of_another_shape_are_all_named(tmp_path: Path) -> None:
    arrays = {"Conv/biases": np.zeros(64, np.float32), "InceptionV3/Logits/weights": np.zeros(1, np.float32)}
    with pytest.raises(WeightsError) as error:
        arbitrary_from_magenta(write_bundle(tmp_path / "it", arrays))
    text = str(error.value)
    assert "\n" not in text
    lacking = sorted(VARIABLES.keys() - {"Conv/biases"})
    assert text == (
        f"{tmp_path / 'it'} is not the network of Ghiasi et al.: it lacks {', '.join(lacking)}; it has what is none of"
        " its weights: InceptionV3/Logits/weights; it has Conv/biases as (64,), not (100,)"
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [(np.int32(0), "is of int32, not of floating point"), (np.float32(np.nan), "holds what is no number")],
)
def test_values_that_are_no_weights_are_named(tmp_path: Path, values: np.generic, said: str) -> None:
    arrays: dict[str, NDArray] = {name: np.zeros(shape, np.float32) for name, shape in VARIABLES.items()}
    arrays["Conv/weights"] = np.full(VARIABLES["Conv/weights"], values)
    with pytest.raises(WeightsError, match=f"^Conv/weights of .*model.ckpt {said}; take a fresh copy"):
        arbitrary_from_magenta(write_bundle(tmp_path / "model.ckpt", arrays))
