"""Exporting a trained network; one of any style is told its style first."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from photovst.build_predicted import style_vector
from photovst.errors import SettingsError
from photovst.feedforward.export import export_network
from photovst.feedforward.with_style import WithStyle
from photovst.models.arbitrary import Arbitrary
from photovst.models.network_files import TrainedNetwork
from photovst.models.networks import CONDITIONED
from photovst.network_settings import MAIN
from photovst.types import Size


def export_trained(
    model: Path, output: Path, size: Size | None = None, style: str | None = None, *, overwrite: bool = False
) -> str:
    """Write a network as ONNX or TorchScript, see `export_network`; gives a line of what came out.

    Args:
        model: the trained network.
        output: its suffix says which format.
        size: of the frames it is to take; any where it is not given, if the network allows that.
        style: a photograph or a saved style, for a painterly network of any style.
        overwrite: replace what is there.

    Raises:
        SettingsError: a style is missing, or is of no use to such a network.
        PhotovstError: as for `export_network`.
    """

    def told(network: TrainedNetwork) -> nn.Module:
        if network.kind not in CONDITIONED:
            if style is not None:
                raise SettingsError(f"--style {style} is for a network of any style, but {model} has one; leave it out")
            return network.module
        if not isinstance(network.module, Arbitrary):
            raise SettingsError(
                f"{model} is a {network.kind} network, which needs the regions of each frame and is not exported; run"
                " it with styler=predicted"
            )
        if style is None:
            raise SettingsError(f"{model} is a network of any style; say which, such as --style photo.jpg")
        return WithStyle(network.module, style_vector(network, MAIN, style)).eval()

    return export_network(model, output, size, overwrite=overwrite, of=told)
