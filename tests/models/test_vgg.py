"""VGG against torchvision's own model, and against the publisher's sequence of the exact VGG-19 up to conv3_1."""

from pathlib import Path

import numpy as np
import pytest
import torch
from random_vgg import random_state
from scipy.ndimage import uniform_filter
from torch import Tensor, nn

from photovst.errors import SettingsError, WeightsError
from photovst.models.torchvision_ops import import_torchvision
from photovst.models.vgg import CONVOLUTIONS, STYLE_LAYERS, Vgg, follow
from photovst.models.vgg_checkpoints import caffe_vgg, torchvision_vgg, vgg19_conv3_1

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

# The last of each block, by its place in torchvision's sequence.
PLACES = {
    "vgg16": {"relu1_2": 3, "relu2_2": 8, "relu3_3": 15, "relu4_3": 22, "relu5_3": 29, "conv3_1": 10, "relu4_2": 20},
    "vgg19": {"relu1_2": 3, "relu2_2": 8, "relu3_4": 17, "relu4_4": 26, "relu5_4": 35, "conv4_2": 21, "relu5_1": 29},
}


@pytest.fixture(scope="module", params=["vgg16", "vgg19"])
def theirs(request: pytest.FixtureRequest) -> tuple[str, nn.Sequential]:
    return request.param, _theirs(request.param)


def _theirs(kind: str) -> nn.Sequential:
    """torchvision's own layers with random weights."""
    import_torchvision()
    from torchvision.models import vgg as models

    plan = {"vgg16": "D", "vgg19": "E"}[kind]
    torch.manual_seed(0)
    features: nn.Sequential = models.make_layers(models.cfgs[plan])
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.normal_(layer.bias, std=0.1)
    return features.requires_grad_(False)


def _state(features: nn.Sequential) -> dict[str, Tensor]:
    return {f"features.{name}": tensor for name, tensor in features.state_dict().items()}


def test_every_layer_is_torchvisions(theirs: tuple[str, nn.Sequential]) -> None:
    kind, sequence = theirs
    encoder = torchvision_vgg(_state(sequence), kind, list(PLACES[kind]))
    frame = torch.rand(1, 3, 45, 38)
    ours = encoder(frame)
    x = (frame - MEAN) / DEVIATION
    seen = {}
    for place, layer in enumerate(sequence):
        x = layer(x.clone())
        seen[place] = x.clone()  # their ReLU works in place
    places = list(PLACES[kind].values())
    assert [ours[name].shape for name in PLACES[kind]] == [seen[place].shape for place in places]
    for name, place in PLACES[kind].items():
        torch.testing.assert_close(ours[name], seen[place], rtol=1e-4, atol=1e-4 * seen[place].abs().max().item())


def test_average_pooling_and_sizes_rounded_up(theirs: tuple[str, nn.Sequential]) -> None:
    kind, sequence = theirs
    options = {"pooling": "average", "ceil": True}
    frame = torch.rand(1, 3, 33, 30)
    ours = torchvision_vgg(_state(sequence), kind, ("relu2_1", "relu3_1"), **options)(frame)
    assert [tuple(planes.shape[-2:]) for planes in ours.values()] == [(17, 15), (9, 8)]
    x = (frame - MEAN) / DEVIATION
    for place in range(7):
        layer = sequence[place]
        x = torch.nn.functional.avg_pool2d(x, 2, ceil_mode=True) if isinstance(layer, nn.MaxPool2d) else layer(x)
    torch.testing.assert_close(ours["relu2_1"], x, rtol=1e-4, atol=1e-4)


def test_caffes_network_reads_blue_first_less_its_mean() -> None:
    sequence = _theirs("vgg19")
    frame = torch.rand(1, 3, 8, 9)
    bgr = 255 * frame.flip(1) - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    ours = caffe_vgg(_state(sequence), ("conv1_1",))(frame)["conv1_1"]
    torch.testing.assert_close(ours, sequence[0](bgr), rtol=1e-4, atol=1e-2)


def test_gain_multiplies_what_is_returned_and_only_that(theirs: tuple[str, nn.Sequential]) -> None:
    kind, sequence = theirs
    frame = torch.rand(1, 3, 16, 16)
    plain = torchvision_vgg(_state(sequence), kind)(frame)
    louder = torchvision_vgg(_state(sequence), kind, gain=3.0)(frame)
    assert list(plain) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"]
    for name, planes in plain.items():
        torch.testing.assert_close(louder[name], 3 * planes)


def test_the_pass_ends_at_the_deepest_layer(theirs: tuple[str, nn.Sequential]) -> None:
    kind, sequence = theirs
    encoder = torchvision_vgg(_state(sequence), kind, ("relu2_1", "relu1_1"))
    assert encoder.names == ["1_1", "1_2", "2_1"]
    assert sum(name.endswith("_kernel") for name, _ in encoder.named_buffers()) == 4
    assert list(encoder(torch.rand(1, 3, 8, 8))) == ["relu1_1", "relu2_1"]


@pytest.mark.parametrize(("short", "ceil", "layers"), [(16, False, 5), (15, False, 4), (2, False, 2), (1, True, 5)])
def test_a_small_frame_gets_the_layers_it_can_fill(short: int, ceil: bool, layers: int) -> None:
    encoder = _tiny(ceil=ceil)
    assert tuple(encoder(torch.rand(1, 3, short, 40))) == STYLE_LAYERS[:layers]


def _tiny(**options: bool) -> Vgg:
    return torchvision_vgg(random_state("vgg19", channels=3), "vgg19", STYLE_LAYERS, **options)


def test_masks_follow_the_network() -> None:
    masks = torch.zeros(1, 2, 13, 16, dtype=torch.float64)
    masks[:, 0, :, 5:] = 1
    masks[:, 1] = 1 - masks[:, 0]
    picture = torch.rand(1, 3, 13, 16)
    followed = follow(masks, _tiny(ceil=True)(picture), CONVOLUTIONS["vgg19"])
    down = follow(masks, _tiny()(picture), CONVOLUTIONS["vgg19"])
    assert {layer: tuple(at.shape[-2:]) for layer, at in down.items()} == {
        "relu1_1": (13, 16), "relu2_1": (6, 8), "relu3_1": (3, 4), "relu4_1": (1, 2)
    }  # fmt: skip
    assert {layer: tuple(at.shape[-2:]) for layer, at in followed.items()} == {
        "relu1_1": (13, 16), "relu2_1": (7, 8), "relu3_1": (4, 4), "relu4_1": (2, 2), "relu5_1": (1, 1)
    }  # fmt: skip
    # One 3x3 mean by hand: the border of the regions softens over a pixel a side, that of the picture fades.
    np.testing.assert_allclose(followed["relu1_1"][0, 0], uniform_filter(masks[0, 0].numpy(), 3, mode="constant"))
    twice = uniform_filter(followed["relu1_1"][0, 0].numpy(), 3, mode="constant")
    half = twice[:12].reshape(6, 2, 8, 2).mean(axis=(1, 3))
    third = uniform_filter(half, 3, mode="constant")
    even = follow(masks[..., :12, :], _tiny()(picture[..., :12, :]), CONVOLUTIONS["vgg19"])["relu2_1"][0, 0]
    np.testing.assert_allclose(even[:4], third[:4])  # above what the thirteenth row reaches


def test_gradient_in_double() -> None:
    encoder = _tiny()
    frame = torch.rand(1, 3, 16, 17, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f: tuple(encoder(f).values()), frame, fast_mode=True)


def test_the_order_of_layers_is_the_publishers(shared: Path) -> None:
    path = shared / "weights" / "vgg19_normalised_conv3_1.pth"
    weights = torch.load(path, weights_only=True, map_location="cpu")
    # As published: 1x1, then (reflect, 3x3, ReLU) with poolings where the numbers leave room for one.
    sizes = {key.split(".")[0]: tensor.shape for key, tensor in weights.items() if key.endswith("weight")}
    layers: dict[str, nn.Module] = {}
    for number in range(18):
        if str(number) in sizes:
            out, into, side, _ = sizes[str(number)]
            layers[str(number)] = nn.Conv2d(into, out, side)
        elif str(number + 1) in sizes:
            layers[str(number)] = nn.ReflectionPad2d(1)
        elif number in (7, 14):
            layers[str(number)] = nn.MaxPool2d(2)
        else:
            layers[str(number)] = nn.ReLU()
    sequence = nn.Sequential()
    for name, layer in layers.items():
        sequence.add_module(name, layer)
    sequence.load_state_dict(weights)
    frame = torch.rand(1, 3, 37, 42)
    ours = vgg19_conv3_1(weights)(frame)
    assert list(ours) == ["relu1_1", "relu2_1", "relu3_1"]
    with torch.no_grad():
        for layer, end in (("relu1_1", 4), ("relu2_1", 11), ("relu3_1", 18)):
            expected = sequence[:end](frame)
            torch.testing.assert_close(ours[layer], expected, rtol=1e-4, atol=1e-4)
    assert 0.2 < ours["relu3_1"].mean() < 5  # each channel's mean activation is about 1


def test_errors(theirs: tuple[str, nn.Sequential]) -> None:
    kind, sequence = theirs
    state = _state(sequence)
    with pytest.raises(
        SettingsError, match=r"^the encoder has no layer 'relu6_1'; choose from conv1_1, relu1_1, conv1_2"
    ):
        torchvision_vgg(state, kind, ("relu6_1",))
    del state["features.5.weight"]
    with pytest.raises(
        WeightsError, match=r"^the weights hold no 'features\.5\.weight', so they are of another network"
    ):
        torchvision_vgg(state, kind)
