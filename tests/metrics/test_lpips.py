"""LPIPS against torchmetrics' network with the published linear weights, which its package holds."""

from pathlib import Path

import pytest
import torch
from random_vgg import random_state
from torch import Tensor, nn

from photovst.errors import MediaError, WeightsError
from photovst.metrics.lpips import Lpips, lpips
from photovst.models import lpips as models
from photovst.models.checkpoints import LPIPS_VGG16, VGG16
from photovst.models.torchvision_ops import import_torchvision
from photovst.models.vgg_checkpoints import torchvision_vgg
from photovst.models.weight_files import verify

WIDTHS = {"relu1_2": 3, "relu2_2": 5, "relu3_3": 4}


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """Their network, its backbone with random weights: nothing is downloaded."""
    import_torchvision()
    from torchmetrics.functional.image.lpips import _LPIPS

    torch.manual_seed(0)
    network = _LPIPS(pretrained=True, net="vgg", pnet_rand=True)
    for layer in network.net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.normal_(layer.bias, std=0.1)
    return network.eval()


@pytest.fixture(scope="module")
def published() -> Path:
    """The published linear weights."""
    import_torchvision()
    import torchmetrics.functional.image.lpips as module

    return Path(module.__file__).parent / "lpips_models" / "vgg.pth"


@pytest.fixture(scope="module")
def ours(theirs: nn.Module, published: Path) -> Lpips:
    state = {
        f"features.{name.split('.', 2)[2]}": tensor for name, tensor in theirs.named_parameters() if "slice" in name
    }
    weights = models.linear_weights(torch.load(published, weights_only=True, map_location="cpu"))
    return Lpips(torchvision_vgg(state, "vgg16", models.LAYERS), weights)


def _features(seed: int, batch: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sides = zip(WIDTHS.items(), (8, 4, 2), strict=True)
    return {
        layer: torch.randn(batch, width, side, side + 1, dtype=torch.float64, generator=generator)
        for (layer, width), side in sides
    }


def _weights() -> dict[str, Tensor]:
    return {layer: torch.rand(width, dtype=torch.float64) for layer, width in WIDTHS.items()}


def test_matches_torchmetrics(theirs: nn.Module, ours: Lpips) -> None:
    output, reference = torch.rand(2, 2, 3, 40, 51)
    output = 0.5 * output + 0.5 * reference
    expected = theirs(output, reference, normalize=True).flatten()
    assert expected.min() > 0.05
    torch.testing.assert_close(ours(output, reference), expected, atol=1e-5, rtol=0)


def test_equal_pictures_give_0_and_order_does_not_matter(ours: Lpips) -> None:
    output, reference = torch.rand(2, 1, 3, 32, 32)
    assert ours(output, output).tolist() == [0]
    assert ours(output, reference).item() == ours(reference, output).item() > 0


def test_closed_forms() -> None:
    first, weights = _features(1), _weights()
    scaled = {layer: 3 * features for layer, features in first.items()}
    assert lpips(scaled, first, weights).abs().max() < 1e-7  # lengths do not count
    turned = {layer: -features for layer, features in first.items()}
    squares = {layer: (features / features.norm(dim=1, keepdim=True)) ** 2 for layer, features in first.items()}
    expected = sum(
        4 * torch.einsum("bchw,c->b", squares[layer], weights[layer]) / squares[layer][0, 0].numel() for layer in WIDTHS
    )
    torch.testing.assert_close(lpips(turned, first, weights), expected, rtol=1e-6, atol=0)


def test_no_features_at_all_are_alike_and_differentiable() -> None:
    weights = _weights()
    nothing = {layer: torch.zeros_like(features).requires_grad_() for layer, features in _features(1).items()}
    figure = lpips(nothing, {layer: features.detach() for layer, features in nothing.items()}, weights)
    assert figure.tolist() == [0, 0]
    figure.sum().backward()
    assert all(features.grad.isfinite().all() for features in nothing.values())


def test_gradcheck() -> None:
    other, weights, layers = _features(2, batch=1), _weights(), list(WIDTHS)
    given = [features.requires_grad_() for features in _features(1, batch=1).values()]

    def figure(*features: Tensor) -> Tensor:
        return lpips(dict(zip(layers, features, strict=True)), other, weights)

    assert torch.autograd.gradcheck(figure, given, fast_mode=True)


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors(ours: Lpips) -> None:
    with pytest.raises(
        MediaError, match=r"layer relu1_2 is \(1, 64, 32, 33\) and \(1, 64, 32, 32\); give pictures of one"
    ):
        ours(torch.rand(1, 3, 32, 33), torch.rand(1, 3, 32, 32))
    with pytest.raises(MediaError, match="no layer relu5_3: their picture is too small for it; give a larger one"):
        ours(torch.rand(1, 3, 12, 12), torch.rand(1, 3, 12, 12))


def test_the_published_weights_have_the_hash_of_the_table(published: Path) -> None:
    assert verify(published, LPIPS_VGG16) == LPIPS_VGG16.sha256
    assert published.stat().st_size / 1e6 == LPIPS_VGG16.megabytes


def test_both_files_make_the_network(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "user"))
    (tmp_path / LPIPS_VGG16.file).write_bytes(published.read_bytes())
    assert not models.lpips_present()
    (tmp_path / VGG16.file).write_bytes(b"")
    assert models.lpips_present()
    real = models.load
    state = random_state("vgg16", 4)
    monkeypatch.setattr(models, "load", lambda file, progress: state if file is VGG16 else real(file, progress))
    encoder, weights = models.lpips_vgg16()
    assert list(encoder(torch.rand(1, 3, 32, 32))) == list(weights) == list(models.LAYERS)
    assert [len(weight) for weight in weights.values()] == [64, 128, 256, 512, 512]
    assert all((weight >= 0).all() for weight in weights.values())


def test_other_weights_are_refused() -> None:
    with pytest.raises(
        WeightsError, match=r"no 'lin0\.model\.1\.weight', so they are not those of LPIPS; fetch lpips_vgg16"
    ):
        models.linear_weights({"lin.weight": torch.ones(3)})
