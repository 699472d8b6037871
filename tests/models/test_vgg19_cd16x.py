from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from photovst.errors import SettingsError, WeightsError
from photovst.models.checkpoints import VGG19_CD16X
from photovst.models.vgg import STYLE_LAYERS
from photovst.models.vgg_checkpoints import vgg19_cd16x
from photovst.models.weights import load

WIDTHS = {1: (16, 16), 2: (32, 32), 3: (64,) * 4, 4: (128,) * 4, 5: (128,)}
VGG19_WIDTHS = {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}


def _random_weights() -> dict[str, Tensor]:
    shapes, before = {"conv0": (3, 3, 1, 1)}, 3
    for block, widths in WIDTHS.items():
        for index, width in enumerate(widths, start=1):
            shapes[f"conv{block}{index}"] = (width, before, 3, 3)
            before = width
        shapes[f"conv{block}1_aux"] = (VGG19_WIDTHS[block], widths[0], 1, 1)
    weights = {}
    for name, shape in shapes.items():
        fan_in = shape[1] * shape[2] * shape[3]
        weights[f"{name}.weight"] = torch.randn(shape) * (2 / fan_in) ** 0.5
        weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0])
    return weights


@pytest.fixture(params=["random", "published"])
def weights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    if request.param == "random":
        return _random_weights()
    shared: Path = request.getfixturevalue("shared")
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(shared / "weights"))
    return load(VGG19_CD16X)


def _plainly(weights: dict[str, Tensor], frame: Tensor) -> dict[str, Tensor]:
    """The network written out: reflect, 3x3, ReLU; halve between blocks; widen the first of each block."""

    def conv(x: Tensor, name: str) -> Tensor:
        kernel = weights[f"{name}.weight"]
        if kernel.shape[-1] == 3:
            x = torch.cat([x[:, :, 1:2], x, x[:, :, -2:-1]], dim=2)
            x = torch.cat([x[..., 1:2], x, x[..., -2:-1]], dim=3)
        patches = F.unfold(x, kernel.shape[-1])
        product = kernel.flatten(1) @ patches + weights[f"{name}.bias"][:, None]
        size = (x.shape[2] - kernel.shape[-1] + 1, x.shape[3] - kernel.shape[-1] + 1)
        return product.view(1, -1, *size)

    x, features = conv(frame, "conv0"), {}
    for block, widths in WIDTHS.items():
        if block > 1:
            x = x[..., : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
            x = x.unflatten(3, (-1, 2)).amax(dim=4).unflatten(2, (-1, 2)).amax(dim=3)
        for index in range(1, len(widths) + 1):
            x = conv(x, f"conv{block}{index}").clamp_min(0)
            if index == 1:
                features[f"relu{block}_1"] = conv(x, f"conv{block}1_aux").clamp_min(0)
    return features


@pytest.mark.parametrize("size", [(32, 48), (45, 50)])
def test_matches_the_network_written_out(weights: dict[str, Tensor], size: tuple[int, int]) -> None:
    frame = torch.rand(1, 3, *size)
    ours, plain = vgg19_cd16x(weights)(frame), _plainly(weights, frame)
    assert list(ours) == list(plain) == list(STYLE_LAYERS)
    for layer, planes in plain.items():
        assert ours[layer].shape[1] == VGG19_WIDTHS[int(layer[4])]
        scale = planes.abs().max().item()
        assert scale > 0
        torch.testing.assert_close(ours[layer], planes, rtol=0, atol=1e-5 * scale)


def test_a_pass_that_ends_early_gives_the_same(weights: dict[str, Tensor]) -> None:
    frame = torch.rand(1, 3, 32, 48)
    whole = vgg19_cd16x(weights)(frame)
    for layers in (("relu1_1",), ("relu3_1", "relu2_1"), ("relu5_1",)):
        part = vgg19_cd16x(weights, layers)(frame)
        assert set(part) == set(layers)
        for layer, planes in part.items():
            assert torch.equal(planes, whole[layer])


def test_what_lies_deeper_than_asked_for_is_not_even_kept() -> None:
    encoder = vgg19_cd16x(_random_weights(), ("relu1_1", "relu2_1"))
    kept = {name.removesuffix("_kernel") for name, _ in encoder.named_buffers() if name.endswith("_kernel")}
    assert kept == {"preprocess", "conv1_1", "conv1_2", "conv2_1", "head_relu1_1", "head_relu2_1"}


def test_layers_between_come_without_a_head() -> None:
    features = vgg19_cd16x(_random_weights(), ("relu4_1", "relu4_2"))(torch.rand(1, 3, 32, 32))
    assert {layer: planes.shape[1] for layer, planes in features.items()} == {"relu4_1": 512, "relu4_2": 128}


@pytest.mark.parametrize(("short", "layers"), [(32, 5), (31, 4), (16, 4), (15, 3), (5, 2), (2, 1)])
def test_a_small_frame_gets_the_layers_it_can_fill(short: int, layers: int) -> None:
    encoder = vgg19_cd16x(_random_weights())
    for frame in (torch.rand(1, 3, short, 80), torch.rand(1, 3, 80, short)):
        assert tuple(encoder(frame)) == STYLE_LAYERS[:layers]


def test_the_weights_are_copied_and_never_trained() -> None:
    weights = _random_weights()
    encoder, frame = vgg19_cd16x(weights), torch.rand(1, 3, 32, 32)
    before = encoder(frame)["relu5_1"]
    for tensor in weights.values():
        tensor.zero_()
    assert torch.equal(encoder(frame)["relu5_1"], before)
    assert list(encoder.parameters()) == []


def test_gradient_in_double() -> None:
    encoder = vgg19_cd16x(_random_weights(), ("relu1_1", "relu2_1"))
    frame = torch.rand(1, 3, 6, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f: tuple(encoder(f).values()), frame, fast_mode=True)


def test_errors() -> None:
    with pytest.raises(
        SettingsError, match=r"^the encoder has no layer 'relu5_2'; choose from conv1_1, relu1_1, conv1_2"
    ):
        vgg19_cd16x(_random_weights(), ("relu1_1", "relu5_2"))
    weights = _random_weights()
    del weights["conv32.bias"]
    with pytest.raises(
        WeightsError, match=r"^the weights hold no 'conv32\.bias', so they are of another network; give"
    ):
        vgg19_cd16x(weights)
