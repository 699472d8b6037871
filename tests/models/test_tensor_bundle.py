"""Checkpoints that TensorFlow wrote (tests/data/README.md), and damaged copies of them."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from bundle_writer import entry, field, table, write_bundle

from photovst.errors import WeightsError
from photovst.models.tensor_bundle import TensorBundle, read_index, read_tensor

WRITTEN = Path(__file__).resolve().parents[1] / "data" / "tensor_bundle"
VALUES = {
    "flags": np.array([True, False, True]),
    "global_step": np.array(2**40 + 7),
    "layer/double": np.array([[math.pi]]),
    "layer/half": np.array([1.5, -0.25, 65504], np.float16),
    "layer/none": np.zeros((0, 3), np.float32),
    "layer/weights": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4) / 8 - 1,
    "layer/weights/Adam": np.full((1, 2, 3, 4), -2, np.float32),
}
INDEX, SHARD = "tiny.index", "tiny.data-00000-of-00001"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of TensorFlow's checkpoint; its prefix."""
    for name in (INDEX, SHARD):
        shutil.copy(WRITTEN / name, tmp_path / name)
    return tmp_path / "tiny"


def test_what_tensorflow_wrote_is_read() -> None:
    bundle = read_index(WRITTEN / "tiny")
    assert list(bundle.variables) == sorted([*VALUES, "parts/sliced", "text"])
    for name, expected in VALUES.items():
        values = read_tensor(bundle, name)
        assert values.dtype == expected.dtype, name
        np.testing.assert_array_equal(values, expected, strict=True)
        assert bundle.variables[name].shape == expected.shape


def test_texts_and_sliced_variables_are_named_and_not_read() -> None:
    bundle = read_index(WRITTEN / "tiny")
    with pytest.raises(WeightsError, match=r"^text of .*tiny is of TensorFlow's type 7, which is not read"):
        read_tensor(bundle, "text")
    assert bundle.variables["parts/sliced"].shape == (4, 2)
    with pytest.raises(WeightsError, match=r"^parts/sliced of .*tiny is kept in parts, which is not read"):
        read_tensor(bundle, "parts/sliced")


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(WeightsError, match=r"holds no 'layer/wieghts'; did you mean 'layer/weights'\?"):
        read_tensor(read_index(WRITTEN / "tiny"), "layer/wieghts")


def test_no_checkpoint_and_one_of_version_1(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.index does not exist; give the path of a checkpoint"):
        read_index(tmp_path / "none")
    with pytest.raises(
        WeightsError, match=r"version1 is a checkpoint of version 1, which is not read; load and save it"
    ):
        read_index(WRITTEN / "version1")


def test_values_cut_short_changed_or_absent(copy: Path) -> None:
    shard = copy.with_name(SHARD)
    whole = shard.read_bytes()
    bundle = read_index(copy)
    variable = bundle.variables["layer/weights"]
    shard.write_bytes(whole[: variable.offset + 5])
    with pytest.raises(WeightsError, match=r"00001 is cut short: it ends within layer/weights; take a fresh copy"):
        read_tensor(bundle, "layer/weights")
    changed = bytearray(whole)
    changed[variable.offset] ^= 1
    shard.write_bytes(changed)
    with pytest.raises(WeightsError, match=r"00001 is damaged: the checksum of layer/weights is another"):
        read_tensor(bundle, "layer/weights")
    shard.unlink()
    with pytest.raises(
        WeightsError, match=r"tiny\.data-00000-of-00001 does not exist, which holds layer/weights; put it"
    ):
        read_tensor(bundle, "layer/weights")


def _with_entries(prefix: Path, entries: dict[bytes, bytes]) -> Path:
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(entries))
    return prefix


def test_an_index_that_contradicts_itself(tmp_path: Path) -> None:
    wrong = entry(np.zeros(3, np.float32), 0, 0).replace(field(5, 12), field(5, 8))
    bundle = read_index(_with_entries(tmp_path / "wrong", {b"": field(1, 1), b"it": wrong}))
    with pytest.raises(WeightsError, match=r"wrong\.index is damaged: it of shape \(3,\) in 8 bytes"):
        read_tensor(bundle, "it")
    with pytest.raises(WeightsError, match=r"big\.index is no index of a checkpoint.*highest byte, which is not read"):
        read_index(_with_entries(tmp_path / "big", {b"": field(1, 1) + field(2, 1)}))
    with pytest.raises(WeightsError, match=r"text\.index is no index of a checkpoint.*take a fresh copy"):
        read_index(_with_entries(tmp_path / "text", {b"": field(1, 1), b"it": b"\xff"}))


def test_files_of_values_are_named_by_number_and_count() -> None:
    assert TensorBundle(Path("a/model.ckpt"), 12, {}).shard(3) == Path("a/model.ckpt.data-00003-of-00012")


def test_the_writer_of_the_tests_is_read(tmp_path: Path) -> None:
    arrays = {"b": np.arange(4000, dtype=np.float32), "a": np.array([[2**40]])}
    bundle = read_index(write_bundle(tmp_path / "made", arrays))
    assert list(bundle.variables) == ["a", "b"]
    for name, expected in arrays.items():
        np.testing.assert_array_equal(read_tensor(bundle, name), expected, strict=True)
