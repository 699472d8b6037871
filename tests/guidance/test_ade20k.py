"""Segmentation against mit_semseg's own test pipeline, with random weights: the published ones are not at hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from random_semseg import halves, theirs
from torch import Tensor, nn

from photovst.errors import MediaError, SettingsError
from photovst.guidance.ade20k import Ade20k, shown_size
from photovst.guidance.segmentation import Segmenter
from photovst.models.ade20k_classes import CLASSES
from photovst.models.ade20k_networks import NETWORKS
from photovst.models.semseg import SemanticNetwork, semseg
from photovst.models.torchvision_ops import import_torchvision


@pytest.fixture(scope="module")
def both() -> tuple[nn.Module, SemanticNetwork]:
    """mit_semseg's smallest network and ours with the same weights."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        torch.manual_seed(0)
        oracle = theirs(NETWORKS["mobilenetv2dilated"], monkeypatch)
    return oracle, semseg(NETWORKS["mobilenetv2dilated"], *halves(oracle))


@pytest.fixture
def network(both: tuple[nn.Module, SemanticNetwork]) -> SemanticNetwork:
    return both[1]


def _their_mean(oracle: nn.Module, path: Path, scales: tuple[int, ...], multiple: int) -> Tensor:
    """As its test program does it: every scale of a picture file, probabilities at the picture's size, their mean."""
    import_torchvision()
    from mit_semseg.dataset import TestDataset

    options = SimpleNamespace(imgSizes=scales, imgMaxSize=1000, padding_constant=multiple)
    item = TestDataset([{"fpath_img": str(path)}], options)[0]
    height, width = item["img_ori"].shape[:2]
    with torch.no_grad():
        parts = [oracle({"img_data": picture}, segSize=(height, width)) for picture in item["img_data"]]
    return sum(part / len(parts) for part in parts)


def _picture(path: Path, height: int, width: int) -> Tensor:
    """A random picture with large and small parts, in a file and as a frame."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (height // 8, width // 8, 3), np.uint8))
    fine = random.integers(-30, 31, (height, width, 3))
    levels = np.clip(np.asarray(coarse.resize((width, height))).astype(int) + fine, 0, 255).astype(np.uint8)
    Image.fromarray(levels).save(path)
    return torch.from_numpy(levels).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize(
    ("size", "scales"), [((97, 131), (300, 450)), ((403, 240), (75, 123)), ((40, 399), (300, 150))]
)
def test_it_is_what_mit_semsegs_test_program_gives(
    both: tuple[nn.Module, SemanticNetwork], tmp_path: Path, size: tuple[int, int], scales: tuple[int, ...]
) -> None:
    frame = _picture(tmp_path / "picture.png", *size)
    probabilities = Ade20k(both[1], "random", scales, long_side=max(size))(frame)
    expected = _their_mean(both[0], tmp_path / "picture.png", scales, 8)
    assert 0.02 < probabilities.amax(1).mean() < 0.9  # neither flat nor saturated: it tells
    assert probabilities.flatten(2).argmax(1).unique().numel() > 5
    torch.testing.assert_close(probabilities, expected, rtol=0, atol=1e-6)


def test_sides_are_rounded_as_the_network_wants_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upernet = NETWORKS["resnet50_upernet"]
    oracle = theirs(upernet, monkeypatch)
    frame = _picture(tmp_path / "picture.png", 50, 70)
    probabilities = Ade20k(semseg(upernet, *halves(oracle)), "random", scales=(70, 90))(frame)
    expected = _their_mean(oracle, tmp_path / "picture.png", (70, 90), 32)
    torch.testing.assert_close(probabilities, expected, rtol=0, atol=1e-6)


def test_sizes_shown() -> None:
    assert shown_size((512, 683), 300, 8) == (304, 400)
    assert shown_size((512, 683), 300, 32) == (320, 416)
    assert shown_size((1920, 1080), 600, 8) == (1000, 568)  # the longer side is the limit
    assert shown_size((1, 3000), 600, 8) == (8, 1000)


def test_large_frames_give_small_probabilities(network: SemanticNetwork) -> None:
    frame = torch.rand(1, 3, 90, 160)
    segmenter = Ade20k(network, "random", scales=(48,), long_side=40)
    small = segmenter(frame)
    assert small.shape == (1, 150, 23, 40)
    torch.testing.assert_close(small.sum(1), torch.ones(1, 23, 40))
    assert segmenter(frame[..., :30, :36]).shape == (1, 150, 30, 36)


def test_batch_dtype_and_empty_batch(network: SemanticNetwork) -> None:
    segmenter = Ade20k(network, "random", scales=(48, 64), long_side=32)
    frames = torch.rand(3, 3, 40, 50)
    together = segmenter(frames)
    torch.testing.assert_close(together[1:2], segmenter(frames[1:2]), rtol=1e-4, atol=1e-6)
    assert not together.requires_grad
    assert segmenter(frames.double()).dtype == torch.float64
    assert segmenter(frames[:0]).shape == (0, 150, 26, 32)


def test_scales_are_averaged(network: SemanticNetwork) -> None:
    frame = torch.rand(1, 3, 40, 50)
    one, other, mean = (Ade20k(network, "random", scales=scales)(frame) for scales in ((48,), (80,), (48, 80)))
    torch.testing.assert_close(mean, (one + other) / 2)
    assert not torch.allclose(one, other)


def test_it_is_a_segmenter_whose_name_tells_all_that_matters(network: SemanticNetwork) -> None:
    segmenter = Ade20k(network, "random")
    assert isinstance(segmenter, Segmenter)
    assert segmenter.classes == CLASSES
    others = (Ade20k(network, "other"), Ade20k(network, "random", (300,)), Ade20k(network, "random", long_side=200))
    assert len({segmenter.name, *(other.name for other in others)}) == 4
    assert " cpu" in segmenter.name


@pytest.mark.usefixtures("shapes_unchecked")
def test_what_cannot_be_segmented_is_refused(network: SemanticNetwork) -> None:
    with pytest.raises(
        SettingsError, match=r"^scales \(\), long side 320; give one scale or more, and each at least 1$"
    ):
        Ade20k(network, "random", scales=())
    with pytest.raises(SettingsError, match=r"scales \(300, 0\), long side 320"):
        Ade20k(network, "random", scales=(300, 0))
    with pytest.raises(SettingsError, match="long side 0"):
        Ade20k(network, "random", long_side=0)
    segmenter = Ade20k(network, "random", scales=(48,))
    with pytest.raises(MediaError, match="not finite numbers"):
        segmenter(torch.full((1, 3, 8, 8), float("nan")))
    with pytest.raises(MediaError, match="a frame of 0x8 pixels shows nothing"):
        segmenter(torch.rand(1, 3, 0, 8))
