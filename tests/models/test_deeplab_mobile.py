"""The network cut before its labels, against the whole one's labels."""

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from photovst.errors import SettingsError, WeightsError
from photovst.models.checkpoints import ADE20K_MOBILE, ADE20K_MOBILE_UINT8, Checkpoint
from photovst.models.deeplab_mobile import DeeplabMobile, _without_greeting, without_labels
from photovst.models.weight_files import find

BOTH = pytest.mark.parametrize("checkpoint", [ADE20K_MOBILE, ADE20K_MOBILE_UINT8], ids=lambda each: each.name)


@pytest.fixture
def square(shared: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(shared / "data" / "ade20k_samples" / "images" / "ADE_val_00000001.jpg"))
    return cv2.cvtColor(cv2.resize(picture, (512, 512)), cv2.COLOR_BGR2RGB)


def _labels(path: Path, picture: NDArray[np.uint8]) -> tuple[NDArray[np.int32], float]:
    """What the published file says, and the step of its logits."""
    whole = Interpreter(model_path=str(path))
    whole.allocate_tensors()
    whole.set_tensor(whole.get_input_details()[0]["index"], picture[None])
    whole.invoke()
    steps = [tensor["quantization"][0] for tensor in whole.get_tensor_details() if "BiasAdd" in tensor["name"]]
    return whole.get_tensor(whole.get_output_details()[0]["index"])[0], steps[-1]


def _enlarged(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinearly to four times the size as the file's own step does it: pixel i of 512 looks at i / 4."""
    place = np.arange(512) / 4
    low, share = np.floor(place).astype(int), place % 1
    high = np.minimum(low + 1, 127)
    rows = logits[low] * (1 - share)[:, None, None] + logits[high] * share[:, None, None]
    return rows[:, low] * (1 - share)[:, None] + rows[:, high] * share[:, None]


@BOTH
def test_its_logits_give_the_labels_of_the_published_file(
    shared: Path, square: NDArray[np.uint8], checkpoint: Checkpoint
) -> None:
    path = shared / "weights" / checkpoint.file
    labels, step = _labels(path, square)
    logits = DeeplabMobile(path)(square)
    assert logits.shape == (128, 128, 32)
    assert logits.dtype == np.float32
    levels = np.floor(_enlarged(np.rint(logits.astype(np.float64) / step)) + 0.5)
    np.testing.assert_array_equal(levels.argmax(axis=2), labels)
    assert len(np.unique(labels)) > 4


@BOTH
def test_the_same_bytes_from_any_number_of_threads(
    shared: Path, square: NDArray[np.uint8], checkpoint: Checkpoint
) -> None:
    path = shared / "weights" / checkpoint.file
    one, two = DeeplabMobile(path), DeeplabMobile(path, threads=2)
    logits = one(square)
    other = one(square[::-1].copy())
    assert not np.array_equal(other, logits)
    np.testing.assert_array_equal(one(square), logits)
    np.testing.assert_array_equal(two(square), logits)


@BOTH
def test_the_shared_files_are_the_published_ones(
    shared: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(shared / "weights"))
    assert find(checkpoint).stat().st_size / 1e6 == pytest.approx(checkpoint.megabytes, abs=1e-3)


def test_another_network_is_refused(shared: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(without_labels(shared / "weights" / ADE20K_MOBILE.file))
    with pytest.raises(WeightsError, match=r"cut\.tflite is not the network of ade20k_mobile: its graph does not end"):
        DeeplabMobile(cut)
    (tmp_path / "text.tflite").write_text("no network")
    with pytest.raises(WeightsError, match=r"text\.tflite is not .*: it is no \.tflite file; give the published file$"):
        DeeplabMobile(tmp_path / "text.tflite")


def test_without_litert_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(
        SettingsError, match=r"^segmentation\.method=ade20k_mobile needs LiteRT, .*'pip install ai-edge-"
    ):
        DeeplabMobile(Path("any.tflite"))


def test_nothing_but_trouble_is_said_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with _without_greeting():
        os.write(2, b"INFO: Created a delegate.\nERROR: something is wrong\n")
    assert capfd.readouterr().err == "ERROR: something is wrong\n"
