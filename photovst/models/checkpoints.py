"""The published weights that photovst can use: what each file is, where it comes from, and its hash."""

from __future__ import annotations

from dataclasses import dataclass

from photovst.errors import WeightsError, did_you_mean
from photovst.models.ade20k_networks import NETWORKS, Ade20kNetwork


@dataclass(frozen=True)
class Checkpoint:
    """One published file of weights.

    Args:
        name: what it is called on the command line.
        file: its name in a folder of weights.
        sha256: all 64 digits, or as many of the first as the publisher gives, none included.
        hash_from: who says that this is its hash.
        megabytes: its size in millions of bytes; None where it is not published.
        licence: of the weights.
        citation: of the work to cite, a key of docs/references.bib.
        origin: what it is and who made it.
        url: where it is published; None where no address is known.
    """

    name: str
    file: str
    sha256: str
    hash_from: str
    megabytes: float | None
    licence: str
    citation: str
    origin: str
    url: str | None = None

    @property
    def size(self) -> str:
        """Its size as a person reads it."""
        if self.megabytes is None:
            return "size not published"
        return f"{self.megabytes:.1f} MB" if self.megabytes >= 0.1 else f"{1000 * self.megabytes:.1f} kB"


# torchvision gives sizes in units of 1024 x 1024 bytes: 548.051 and 527.796.
VGG19 = Checkpoint(
    name="vgg19",
    file="vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
    hash_from="the publisher's file name",
    megabytes=574.673,
    licence="BSD-3-Clause",
    citation="Simonyan2014",
    origin="VGG-19 as torchvision trained it, VGG19_Weights.IMAGENET1K_V1",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
)

VGG16 = Checkpoint(
    name="vgg16",
    file="vgg16-397923af.pth",
    sha256="397923af",
    hash_from="the publisher's file name",
    megabytes=553.434,
    licence="BSD-3-Clause",
    citation="Simonyan2014",
    origin="VGG-16 as torchvision trained it, VGG16_Weights.IMAGENET1K_V1",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
)

# The weights of LPIPS for the channels of the one above; its publisher's package holds the same file.
LPIPS_VGG16 = Checkpoint(
    name="lpips_vgg16",
    file="lpips_vgg16_v0.1.pth",
    sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    hash_from="the list of files in the publisher's package lpips 0.1.4",
    megabytes=0.007289,
    licence="BSD-2-Clause",
    citation="Zhang2018",
    origin="the linear weights of LPIPS 0.1 for vgg16, lpips/weights/v0.1/vgg.pth of richzhang/PerceptualSimilarity",
    url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth",
)

VGG19_CAFFE = Checkpoint(
    name="vgg19_caffe",
    file="vgg19-d01eb7cb.pth",
    sha256="d01eb7cb",
    hash_from="the publisher's file name",
    megabytes=None,
    licence="CC-BY-4.0",
    citation="Simonyan2014",
    origin="VGG-19 as its authors trained it in Caffe, converted by J. Johnson (jcjohnson/pytorch-vgg); takes BGR from"
    " 0 to 255 less the mean",
    url="https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth",
)

# Its address names the commit that added the file, so that it stays the same whatever becomes of the branch.
VGG19_CD16X = Checkpoint(
    name="vgg19_cd16x",
    file="vgg19_cd16x.pth",
    sha256="9417c34d0d8d621bc6af78be745f1b8d30f5f210efa01e50655c60eb3770816b",
    hash_from="recorded at the first download; none is published",
    megabytes=3.862,
    licence="MIT",
    citation="Wang2020",
    origin="VGG-19 distilled to a sixteenth, trained_models/wct_se_16x_new/20191109-211322_E20.pth of"
    " MingSun-Tse/Collaborative-Distillation",
    url="https://raw.githubusercontent.com/MingSun-Tse/Collaborative-Distillation/"
    "75c1b81c1dbea11c96d3fb04e96f207dee16dcbb/trained_models/wct_se_16x_new/20191109-211322_E20.pth",
)

VGG19_CONV3_1 = Checkpoint(
    name="vgg19_conv3_1",
    file="vgg19_normalised_conv3_1.pth",
    sha256="ff8506173d3a17e7b0fbfbff242c00b6827cfbcd7c21852b46806ae6a3fd7b09",
    hash_from="recorded at the first download; none is published",
    megabytes=2.223,
    licence="Apache-2.0",
    citation="Gatys2016",
    origin="the exact VGG-19 from conv1_1 to conv3_1, each channel scaled to a mean activation of 1",
)

# Sizes as torchvision gives them, in units of 1024 x 1024 bytes: 20.129 and 3.821.
RAFT_LARGE = Checkpoint(
    name="raft_large",
    file="raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    sha256="ff5fadd5",
    hash_from="the publisher's file name",
    megabytes=21.107,
    licence="BSD-3-Clause",
    citation="Teed2020",
    origin="RAFT as torchvision trained it on FlyingChairs, FlyingThings3D, Sintel, KITTI and HD1K,"
    " Raft_Large_Weights.C_T_SKHT_V2",
    url="https://download.pytorch.org/models/raft_large_C_T_SKHT_V2-ff5fadd5.pth",
)

RAFT_SMALL = Checkpoint(
    name="raft_small",
    file="raft_small_C_T_V2-01064c6d.pth",
    sha256="01064c6d",
    hash_from="the publisher's file name",
    megabytes=4.007,
    licence="BSD-3-Clause",
    citation="Teed2020",
    origin="RAFT's small form as torchvision trained it on FlyingChairs and FlyingThings3D, Raft_Small_Weights.C_T_V2",
    url="https://download.pytorch.org/models/raft_small_C_T_V2-01064c6d.pth",
)

_MLPERF = "https://github.com/mlcommons/mobile_models/raw/main/v0_7/tflite"

ADE20K_MOBILE = Checkpoint(
    name="ade20k_mobile",
    file="deeplabv3_mnv2_ade20k_int8.tflite",
    sha256="3960571f5e2de1cec771a8f7a15b86f31b94cceccac8d993addbc1e29829de6a",
    hash_from="recorded at the first download; none is published",
    megabytes=2.938,
    licence="Apache-2.0",
    citation="Chen2018",
    origin="DeepLabv3+ on MobileNetV2 for 31 classes of ADE20K, of MLPerf Mobile 0.7, quantized channel by channel",
    url=f"{_MLPERF}/deeplabv3_mnv2_ade20k_int8.tflite",
)

ADE20K_MOBILE_UINT8 = Checkpoint(
    name="ade20k_mobile_uint8",
    file="deeplabv3_mnv2_ade20k_uint8.tflite",
    sha256="2d58c681d81b5e181816b81cc815b82edf3daad905b4d7d35afade80aee93b5f",
    hash_from="recorded at the first download; its MD5 is the one in the settings of MLPerf's app, 1b0a50e3...",
    megabytes=2.349,
    licence="Apache-2.0",
    citation="Chen2018",
    origin="the same network trained for quantization layer by layer; less accurate and slower than ade20k_mobile",
    url=f"{_MLPERF}/deeplabv3_mnv2_ade20k_uint8.tflite",
)


def _ade20k(network: Ade20kNetwork, part: str) -> Checkpoint:
    file = f"{part}_epoch_{network.epoch}.pth"
    return Checkpoint(
        name=f"ade20k_{network.name}_{part}",
        file=f"{network.folder}-{file}",
        sha256="",
        hash_from="recorded at the first use",
        megabytes=None,
        licence="BSD-3-Clause",
        citation="Zhou2017",
        origin=f"the {part} of {network.encoder} with {network.decoder}, as CSAILVision/semantic-segmentation-pytorch"
        " trained it on ADE20K",
        # The server answers http only, and publishes no hash.
        url=f"http://sceneparsing.csail.mit.edu/model/pytorch/{network.folder}/{file}",
    )


ADE20K: dict[str, tuple[Checkpoint, Checkpoint]] = {
    network.name: (_ade20k(network, "encoder"), _ade20k(network, "decoder")) for network in NETWORKS.values()
}
"""Encoder and decoder of each of `NETWORKS`."""

# Magenta's README gives the address, and neither a hash nor a size; its licence is that of the repository.
GHIASI2017 = Checkpoint(
    name="ghiasi2017",
    file="arbitrary_style_transfer.tar.gz",
    sha256="",
    hash_from="recorded at the first use",
    megabytes=None,
    licence="Apache-2.0",
    citation="Ghiasi2017",
    origin="the network of any style as Magenta trained it on ImageNet, Painter by Numbers and the Describable Textures"
    " Dataset, TensorFlow's checkpoint; 'photovst weights import' makes a network of it",
    url="https://storage.googleapis.com/download.magenta.tensorflow.org/models/arbitrary_style_transfer.tar.gz",
)

CHECKPOINTS = (
    *(VGG19, VGG16, LPIPS_VGG16, VGG19_CAFFE, VGG19_CD16X, VGG19_CONV3_1, RAFT_LARGE, RAFT_SMALL),
    *(ADE20K_MOBILE, ADE20K_MOBILE_UINT8, GHIASI2017),
    *(checkpoint for pair in ADE20K.values() for checkpoint in pair),
)


def checkpoint_named(name: str) -> Checkpoint:
    """The checkpoint of a name.

    Raises:
        WeightsError: there is none.
    """
    by_name = {checkpoint.name: checkpoint for checkpoint in CHECKPOINTS}
    if name not in by_name:
        raise WeightsError(f"no weights are called {name!r}; {did_you_mean(name, by_name)}")
    return by_name[name]
