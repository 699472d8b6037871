import inspect
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.ndimage import sobel
from skimage.metrics import structural_similarity
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.metrics import fidelity

checked = jaxtyped(typechecker=beartype)
ssim, ssim_content = checked(fidelity.ssim), checked(fidelity.ssim_content)
ssim_edge, gradient_magnitude = checked(fidelity.ssim_edge), checked(fidelity.gradient_magnitude)

OPTIONS = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def _pair(height: int = 23, width: int = 31) -> tuple[Tensor, Tensor]:
    first = torch.rand(2, 3, height, width, dtype=torch.float64)
    return first, (0.6 * first + 0.3 * torch.rand_like(first)).clamp(0, 1)


def _luma(image: Tensor) -> np.ndarray:
    return np.tensordot(np.array([0.299, 0.587, 0.114]), image.numpy(), axes=1)


def _edges(image: Tensor) -> np.ndarray:
    luma = _luma(image)
    return np.hypot(sobel(luma, 0, mode="nearest"), sobel(luma, 1, mode="nearest")) / 8


@pytest.mark.parametrize("data_range", [1.0, 0.05])
def test_ssim_matches_scikit_image(data_range: float) -> None:
    first, second = _pair()
    theirs = [
        structural_similarity(a.numpy(), b.numpy(), channel_axis=0, data_range=data_range, **OPTIONS)
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(ssim(first, second, data_range).numpy(), theirs, rtol=1e-9)
    single = ssim(first.float(), second.float(), data_range)
    np.testing.assert_allclose(single.numpy(), theirs, atol=1e-4)
    if data_range == 1.0:
        np.testing.assert_allclose(ssim_content(first, second).numpy(), theirs, rtol=1e-9)


def test_one_window_and_equal_pictures() -> None:
    first, second = _pair(11, 11)
    assert ssim(first, first).tolist() == pytest.approx([1, 1])
    theirs = structural_similarity(first[0].numpy(), second[0].numpy(), channel_axis=0, data_range=1.0, **OPTIONS)
    assert ssim(first, second)[0].item() == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("size", [(11, 11), (23, 31), (271, 483)])  # the last goes plane by plane
def test_equal_pictures_give_exactly_1(size: tuple[int, int]) -> None:
    picture = torch.rand(2, 3, *size)
    threads = torch.get_num_threads()
    try:
        for torch_threads in (1, 2):
            torch.set_num_threads(torch_threads)
            assert ssim(picture, picture).tolist() == [1, 1]
            assert ssim(0.01 * picture, 0.01 * picture, 0.01).tolist() == [1, 1]
            assert ssim_edge(picture, picture, None).tolist() == [1, 1]
    finally:
        torch.set_num_threads(threads)


def test_a_pair_alone_and_in_a_batch_are_alike() -> None:
    # Planes are compared some at a time: each keeps its own range.
    output, content = torch.rand(2, 5, 3, 150, 190) * torch.linspace(0.2, 1, 5).view(5, 1, 1, 1)
    for data_range in (1.0, None):
        alone = [ssim_edge(a[None], b[None], data_range).item() for a, b in zip(output, content, strict=True)]
        assert ssim_edge(output, content, data_range).tolist() == pytest.approx(alone, rel=1e-6)


def test_float32_is_as_good_as_float64() -> None:
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 6, 8), size=(90, 120), mode="bilinear")
    for first, second in (_pair(90, 120), (smooth.double(), 0.8 * smooth.double() + 0.1)):
        single = ssim(first.float(), second.float())
        assert single.tolist() == pytest.approx(ssim(first, second).tolist(), abs=1e-6)


def test_constant_pictures_in_closed_form() -> None:
    a, b = torch.full((1, 1, 12, 14), 0.2), torch.full((1, 1, 12, 14), 0.6)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert ssim(a, b).item() == pytest.approx(expected, rel=1e-3)


def test_gradient_magnitude_of_a_ramp_is_its_slope_and_matches_scipy() -> None:
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(9.0), indexing="ij")
    ramp = (0.03 * x - 0.04 * y)[None, None]
    inner = gradient_magnitude(ramp)[..., 1:-1, 1:-1]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.05))
    image = torch.rand(1, 3, 9, 12, dtype=torch.float64)
    ours = gradient_magnitude(torch.from_numpy(_luma(image[0]))[None, None])
    np.testing.assert_allclose(ours[0, 0].numpy(), _edges(image[0]), rtol=1e-9, atol=1e-12)


def test_edge_ssim_matches_scipy_and_scikit_image() -> None:
    output, content = _pair()
    for given in (1.0, None):
        theirs = []
        for a, b in zip(output, content, strict=True):
            edges, reference = _edges(a), _edges(b)
            data_range = reference.max() if given is None else given
            theirs.append(structural_similarity(edges, reference, data_range=data_range, **OPTIONS))
        np.testing.assert_allclose(ssim_edge(output, content, given).numpy(), theirs, rtol=1e-8)


def test_edge_ssim_is_blind_to_brightness_not_to_contrast() -> None:
    content = 0.5 * torch.rand(1, 3, 20, 24)
    assert ssim_edge(content + 0.4, content).item() == pytest.approx(1, abs=1e-4)
    assert ssim_edge(0.3 * content, content).item() < 0.9
    flat = torch.full((1, 3, 20, 24), 0.5)
    assert ssim_edge(flat, flat, None).item() == 1
    assert ssim_edge(content, flat, None).item() < 0.7


def test_gradcheck() -> None:
    first, second = (x[:1, :1, :12, :11].clone().requires_grad_() for x in _pair())
    assert torch.autograd.gradcheck(ssim, (first, second), fast_mode=True)


def test_published_results_keep_their_measured_edges(shared: Path) -> None:
    # The figures of the docs: a change of definition has to be seen here.
    folder = shared / "data" / "luan_pairs" / "02"
    pictures = []
    for name in ("luan_result.png", "content.png"):
        picture = cv2.cvtColor(cv2.imread(str(folder / name)), cv2.COLOR_BGR2RGB)
        small = cv2.resize(picture, (320, 180), interpolation=cv2.INTER_AREA)
        pictures.append(torch.from_numpy(small).permute(2, 0, 1)[None].double() / 255)
    assert ssim_edge(*pictures).item() == pytest.approx(0.836, abs=0.002)
    assert ssim_edge(*pictures, None).item() == pytest.approx(0.623, abs=0.002)


def test_errors() -> None:
    first, second = _pair()
    for plain in (inspect.unwrap(fidelity.ssim), inspect.unwrap(fidelity.ssim_edge)):
        with pytest.raises(MediaError, match=r"compare are \(2, 3, 23, 31\) and \(2, 3, 22, 31\); resize one"):
            plain(first, second[..., 1:, :])
        with pytest.raises(MediaError, match="10x31 is smaller than SSIM's 11x11 window"):
            plain(first[..., :10, :], second[..., :10, :])
        with pytest.raises(SettingsError, match=r"data range of SSIM is 0\.0; give a number above 0"):
            plain(first, second, 0.0)
