"""The segmenter around a network that tells colors apart, and with the real one on annotated photographs."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.ade20k_mobile import Ade20kMobile
from photovst.guidance.groups import GROUP_OF
from photovst.guidance.segmentation import Segmenter
from photovst.models.checkpoints import ADE20K_MOBILE, ADE20K_MOBILE_UINT8, Checkpoint
from photovst.models.deeplab_mobile import DeeplabMobile
from photovst.ops.resize import resize

SIZES = [(48, 64), (512, 512), (30, 100), (64, 20), (7, 300)]


def _colors(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits of a network that takes red for class 1, green for 2 and blue for 3."""
    cells = picture.reshape(128, 4, 128, 4, 3).mean(axis=(1, 3))
    logits = np.full((128, 128, 32), -20, np.float32)
    logits[..., 1:4] = cells / 255 * 20
    return logits


def _mean_color(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One that sees no detail: each pixel is of the color that the picture is of as a whole."""
    return np.broadcast_to(_colors(picture).mean(axis=(0, 1)), (128, 128, 32)).astype(np.float32)


def test_it_is_a_segmenter_of_known_classes() -> None:
    segmenter = Ade20kMobile(_colors, "ade20k_mobile 3960571f")
    assert isinstance(segmenter, Segmenter)
    assert len(segmenter.classes) == 32
    assert segmenter.classes[:4] == ("other", "wall", "building", "sky")
    assert segmenter.classes[27] == "sea"
    assert segmenter.classes[31] == "armchair"
    assert set(segmenter.classes) <= set(GROUP_OF)
    assert segmenter.name == "ade20k_mobile 3960571f crops, 1"
    assert Ade20kMobile(_colors, "ade20k_mobile 3960571f", crops=False).name == "ade20k_mobile 3960571f whole, 1"


@pytest.mark.parametrize("crops", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_where_stays_there_at_any_size(size: tuple[int, int], crops: bool) -> None:
    height, width = size
    frame = torch.zeros(1, 3, height, width)
    frame[:, 0, :, : width // 2] = 1
    frame[:, 1, : height // 2, width // 2 :] = 1
    frame[:, 2, height // 2 :, width // 2 :] = 1
    probabilities = Ade20kMobile(_colors, "colors", crops)(frame)
    assert min(probabilities.shape[-2:]) == 128
    shape = (128 * height / min(size), 128 * width / min(size)) if crops else (128, 128)
    assert probabilities.shape[-2:] == tuple(round(side) for side in shape)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(1, *probabilities.shape[-2:]))
    borders = (resize(probabilities, size)[:, 1:4] - frame).abs().mean()
    assert borders < 0.6 * (1 / height + 1 / width)  # a pixel wide at most


def test_crops_see_what_the_whole_does_not() -> None:
    frame = torch.zeros(1, 3, 40, 120)
    frame[:, 0, :, :40], frame[:, 1, :, 40:80], frame[:, 2, :, 80:] = 1, 1, 1
    probabilities = Ade20kMobile(_mean_color, "colors")(frame)
    assert probabilities.shape == (1, 32, 128, 384)
    thirds = resize(probabilities, (1, 3))[0, 1:4, 0]
    torch.testing.assert_close(thirds, torch.full((3, 3), 1 / 6) + torch.eye(3) / 2, atol=1e-3, rtol=0)
    whole = Ade20kMobile(_mean_color, "colors", crops=False)(frame)
    torch.testing.assert_close(whole[0, 1:4], torch.full((3, 128, 128), 1 / 3), atol=1e-3, rtol=0)


def test_crops_lie_evenly_and_their_mean_is_taken() -> None:
    frame = torch.zeros(1, 3, 40, 60)
    frame[:, 0, :, :30], frame[:, 1, :, 30:] = 1, 1
    probabilities = Ade20kMobile(_mean_color, "colors")(frame)[0, :, 0]
    red = 1 / (1 + np.exp(-20 * (3 / 4 - 1 / 4)))  # what the left one of two squares says; the whole says 1/2
    torch.testing.assert_close(probabilities[1, :64], torch.full((64,), 0.25 + red / 2), atol=1e-3, rtol=0)
    torch.testing.assert_close(probabilities[1:3, 64:128], torch.full((2, 64), 0.5), atol=1e-3, rtol=0)
    torch.testing.assert_close(probabilities[2, 128:], torch.full((64,), 0.25 + red / 2), atol=1e-3, rtol=0)


def test_batches_kinds_and_nothing() -> None:
    segmenter = Ade20kMobile(_colors, "colors")
    frames = torch.rand(2, 3, 20, 30)
    both = segmenter(frames)
    assert torch.equal(both[1:], segmenter(frames[1:]))
    assert not torch.equal(both[:1], both[1:])
    assert segmenter(frames.double()).dtype == torch.float64
    assert segmenter(frames[:0]).shape == (0, 32, 128, 192)
    assert torch.equal(segmenter(frames * 0 + 7), segmenter(frames * 0 + 1))  # above white is white


def test_what_is_not_a_number_is_refused() -> None:
    frame = torch.rand(1, 3, 20, 30)
    frame[0, 1, 2, 3] = float("nan")
    with pytest.raises(
        MediaError, match=r"^a frame to be segmented holds values that are not numbers; check the clip$"
    ):
        Ade20kMobile(_colors, "colors")(frame)


@pytest.mark.parametrize(
    ("checkpoint", "crops", "least"),
    [
        (ADE20K_MOBILE, False, (0.92, 0.87, 0.71)),
        (ADE20K_MOBILE, True, (0.93, 0.87, 0.715)),
        (ADE20K_MOBILE_UINT8, False, (0.86, 0.86, 0.72)),
    ],
    ids=["int8 whole", "int8 crops", "uint8 whole"],
)
def test_accuracy_on_annotated_photographs(
    shared: Path, checkpoint: Checkpoint, crops: bool, least: tuple[float, float, float]
) -> None:
    segmenter = Ade20kMobile(DeeplabMobile(shared / "weights" / checkpoint.file), checkpoint.name, crops)
    found = [_accuracy(segmenter, shared / "data" / "ade20k_samples", index) for index in (1, 2, 3)]
    print(f"{segmenter.name}: " + " ".join(f"{each:.4f}" for each in found))
    assert all(accuracy > bound for accuracy, bound in zip(found, least, strict=True))


def _accuracy(segmenter: Ade20kMobile, samples: Path, index: int) -> float:
    """Share of the pixels of the segmenter's 31 classes that it takes for what they are."""
    truth = torch.from_numpy(cv2.imread(str(samples / f"annotations/ADE_val_0000000{index}.png"), cv2.IMREAD_GRAYSCALE))
    found = resize(segmenter(_photo(samples / f"images/ADE_val_0000000{index}.jpg")), tuple(truth.shape))[0].argmax(0)
    known = (truth > 0) & (truth < 32)
    return (found == truth)[known].float().mean().item()


def _photo(path: Path) -> Tensor:
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
