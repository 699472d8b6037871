"""Networks that name what a picture shows, trained on ADE20K [Zhou2017]: mit_semseg's layers, our loading."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photovst.errors import SettingsError, WeightsError
from photovst.models.ade20k_classes import CLASSES
from photovst.models.ade20k_networks import Ade20kNetwork
from photovst.models.checkpoints import ADE20K
from photovst.models.download import Progress
from photovst.models.weight_files import digest, find
from photovst.models.weights import load
from photovst.types import Size

# What synchronized batch normalization keeps for training. Which of it a checkpoint carries depends on the PyTorch
# and on the mit_semseg that saved it; inference reads none of it.
_BOOKKEEPING = ("num_batches_tracked", "_tmp_running_mean", "_tmp_running_var", "_running_iter")


class SemanticNetwork(nn.Module):
    """An encoder and a decoder, ready to be asked and never to be trained.

    Args:
        encoder: gives features of every stage.
        decoder: makes probabilities of them.
        multiple: what divides both sides of a picture it takes.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, multiple: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.multiple = encoder, decoder, multiple
        self.eval().requires_grad_(False)

    def forward(self, pictures: Float[Tensor, "b 3 h w"], size: Size) -> Float[Tensor, "b 150 new_h new_w"]:
        """Probabilities of the 150 classes, at ``size``.

        The decoder resizes before its softmax, as where it was measured.

        Args:
            pictures: RGB less ImageNet's mean over its deviation.
            size: of the result, any.
        """
        features = self.encoder(pictures, return_feature_maps=True)
        probabilities: Tensor = self.decoder(features, segSize=size)
        return probabilities


def load_semseg(network: Ade20kNetwork, progress: Progress | None = None) -> tuple[SemanticNetwork, str]:
    """A network with its published weights, and what they are called: its name and the first digits of their hashes.

    Args:
        network: which.
        progress: told of the bytes of downloads.

    Raises:
        SettingsError: mit_semseg is not installed.
        WeightsError: the weights are not the right files, or are absent and cannot be downloaded.
    """
    _mit_semseg("models")  # before anything is downloaded
    checkpoints = ADE20K[network.name]
    encoder, decoder = (load(checkpoint, progress) for checkpoint in checkpoints)
    hashes = (digest(find(checkpoint))[:8] for checkpoint in checkpoints)
    return semseg(network, encoder, decoder), " ".join((network.name, *hashes))


def semseg(network: Ade20kNetwork, encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor]) -> SemanticNetwork:
    """A network with these weights, on the CPU.

    Args:
        network: which.
        encoder: tensors as in the published checkpoint.
        decoder: likewise.

    Raises:
        SettingsError: mit_semseg is not installed.
        WeightsError: the weights are of another network.
    """
    # Without memory at first: numbers drawn only to be overwritten would take time, and the run's random state.
    with torch.device("meta"):
        empty_encoder = _encoder(network.encoder)
        empty_decoder = _mit_semseg("models").ModelBuilder.build_decoder(
            network.decoder, network.channels, num_class=len(CLASSES), use_softmax=True
        )
    parts = (
        _filled(empty_encoder, encoder, f"encoder of {network.name}"),
        _filled(empty_decoder, decoder, f"decoder of {network.name}"),
    )
    return SemanticNetwork(*parts, network.multiple)


def _encoder(name: str) -> nn.Module:
    # By its classes: mit_semseg's own builder downloads, or unpickles whatever a file holds.
    models = _mit_semseg("models")
    trunk = name.removesuffix("dilated")
    if trunk == "mobilenetv2":
        network = models.MobileNetV2Dilated(_mit_semseg("mobilenet").mobilenetv2(pretrained=False))
    elif trunk == "hrnetv2":
        network = _mit_semseg("hrnet").hrnetv2(pretrained=False)
    else:
        resnet = getattr(_mit_semseg("resnet"), trunk)(pretrained=False)
        network = models.ResnetDilated(resnet) if name.endswith("dilated") else models.Resnet(resnet)
    assert isinstance(network, nn.Module)
    return network


def _filled(part: nn.Module, state: Mapping[str, Tensor], what: str) -> nn.Module:
    """``part`` with the tensors of ``state``, all of them and no others but those of training."""
    own = part.state_dict()
    kept = {name: tensor for name, tensor in state.items() if not name.endswith(_BOOKKEEPING)}
    given = {name: tuple(tensor.shape) for name, tensor in kept.items()}
    expected = {name: tuple(tensor.shape) for name, tensor in own.items() if not name.endswith(_BOOKKEEPING)}
    if wrong := sorted(name for name in expected.keys() | given.keys() if expected.get(name) != given.get(name)):
        name = wrong[0]
        raise WeightsError(
            f"the weights are not those of the {what}: {name} is {given.get(name, 'absent')} there and"
            f" {expected.get(name, 'absent')} in the network ({len(wrong)} tensors differ); give the published ones"
        )
    unread = {name: torch.zeros(own[name].shape, dtype=own[name].dtype) for name in own if name not in expected}
    part.load_state_dict(kept | unread, assign=True)
    return part


def _mit_semseg(module: str) -> ModuleType:
    try:
        return importlib.import_module(f"mit_semseg.models.{module}")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("mit_semseg"):
            raise
        # With its dependencies it would bring a second OpenCV, which overwrites the first: decision 11.
        raise SettingsError(
            "networks trained on ADE20K need the package mit_semseg, which is not installed;"
            " pip install --no-deps mit-semseg==1.0.0"
        ) from error
