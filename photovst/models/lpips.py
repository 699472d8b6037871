"""The network that LPIPS compares pictures by: VGG-16 and the weights of its channels [Zhang2018, Simonyan2014]."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from photovst.errors import WeightsError
from photovst.models.checkpoints import LPIPS_VGG16, VGG16
from photovst.models.download import Progress
from photovst.models.vgg import Vgg
from photovst.models.vgg_checkpoints import torchvision_vgg
from photovst.models.weight_files import present
from photovst.models.weights import load

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")


def lpips_present() -> bool:
    """Whether both files are there, so that `lpips_vgg16` downloads nothing."""
    return all(present(checkpoint) is not None for checkpoint in (VGG16, LPIPS_VGG16))


def lpips_vgg16(progress: Progress | None = None) -> tuple[Vgg, dict[str, Tensor]]:
    """The encoder, which takes RGB in [0, 1], and the weights ``(C,)`` of each of its layers, on the CPU.

    `photovst.metrics.lpips.Lpips` takes the two. Files that are in no folder are downloaded first.

    Args:
        progress: told of the bytes of a download, as in `weight_files.find`.

    Raises:
        WeightsError: a file is not the published one, or it is absent and cannot be downloaded.
    """
    weights = linear_weights(load(LPIPS_VGG16, progress))
    return torchvision_vgg(load(VGG16, progress), "vgg16", LAYERS), weights


def linear_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by layer from the published checkpoint, where layer k is the 1x1 convolution ``lin{k}.model.1.weight``.

    Raises:
        WeightsError: it is of another network.
    """
    try:
        return {layer: state[f"lin{k}.model.1.weight"].flatten() for k, layer in enumerate(LAYERS)}
    except KeyError as error:
        raise WeightsError(
            f"the weights hold no {error.args[0]!r}, so they are not those of LPIPS; fetch {LPIPS_VGG16.name}"
        ) from error
