"""The networks that the package mit_semseg publishes for ADE20K, as its config files describe them [Zhou2017]."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ade20kNetwork:
    """One encoder with one decoder, and how they were trained.

    Args:
        name: what it is called here.
        encoder: in mit_semseg's words, as are those that follow.
        decoder: likewise.
        channels: of the encoder's last features (``fc_dim``).
        multiple: what divides both sides of a picture it takes (``padding_constant``).
        epoch: of the published checkpoint.
    """

    name: str
    encoder: str
    decoder: str
    channels: int
    multiple: int
    epoch: int

    @property
    def folder(self) -> str:
        """Where its checkpoints are published."""
        return f"ade20k-{self.encoder}-{self.decoder}"


# From the fastest to the best; mean IoU as published, over five scales: 33.8, 38.8, 42.1, 42.5, 41.6, 42.7, 43.2.
# The config file of resnet101dilated began as a copy of resnet50dilated's, epoch 20 included; published is epoch 25.
_ALL = (
    Ade20kNetwork("mobilenetv2dilated", "mobilenetv2dilated", "c1_deepsup", 320, 8, 20),
    Ade20kNetwork("resnet18dilated", "resnet18dilated", "ppm_deepsup", 512, 8, 20),
    Ade20kNetwork("resnet50dilated", "resnet50dilated", "ppm_deepsup", 2048, 8, 20),
    Ade20kNetwork("resnet101dilated", "resnet101dilated", "ppm_deepsup", 2048, 8, 25),
    Ade20kNetwork("resnet50_upernet", "resnet50", "upernet", 2048, 32, 30),
    Ade20kNetwork("resnet101_upernet", "resnet101", "upernet", 2048, 32, 50),
    Ade20kNetwork("hrnetv2", "hrnetv2", "c1", 720, 32, 30),
)

NETWORKS: dict[str, Ade20kNetwork] = {network.name: network for network in _ALL}
"""All of them by name."""
