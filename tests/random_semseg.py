"""Networks as mit_semseg builds them, with random numbers in place of the published weights, which are not at hand."""

import pytest
import torch
from torch import Tensor, nn

from photovst.models.ade20k_networks import Ade20kNetwork


def theirs(network: Ade20kNetwork, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """mit_semseg's own encoder, decoder and module around them: the oracle."""
    models = pytest.importorskip(
        "mit_semseg.models.models", reason="no mit_semseg: pip install --no-deps mit-semseg==1.0.0"
    )
    with monkeypatch.context() as patch:
        # Given no file it would download one; of a file it takes what is there.
        patch.setattr(models.torch, "load", lambda *_, **__: {})
        encoder = models.ModelBuilder.build_encoder(network.encoder, network.channels, weights="a file")
    decoder = models.ModelBuilder.build_decoder(network.decoder, network.channels, use_softmax=True)
    module: nn.Module = models.SegmentationModule(encoder, decoder, None)
    # Statistics of a picture, as if trained: else a hundred random layers give probabilities all alike, or 0 and 1.
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.momentum = 1.0
    with torch.no_grad():
        module.train()({"img_data": torch.randn(2, 3, 64, 96)}, segSize=(8, 12))
    return module.eval()


def halves(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """State of its encoder and of its decoder."""
    return module.encoder.state_dict(), module.decoder.state_dict()
