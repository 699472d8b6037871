"""Settings of trained networks; part of `photovst.config`. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass

from photovst.choices import Backend, NetworkPrecision
from photovst.schema.fields import setting


@dataclass
class FeedforwardSettings:
    """How a trained network is computed: where it is the style, or a painterly one with styler=predicted."""

    backend: Backend = setting(
        Backend.torch, "What computes the network; 'onnxruntime' is for a CPU and needs the extra onnx."
    )
    precision: NetworkPrecision = setting(
        NetworkPrecision.float32, "What it computes in; float16 is for a GPU, bfloat16 for some CPUs, too."
    )
    batch: int | None = setting(None, "Frames computed at once; when not set 1 on a CPU, 8 on a GPU.", low=1, high=256)
    channels_last: bool = setting(True, "Keep features with their channels together; most often faster.")
    compile: bool = setting(False, "Compile the network first (torch.compile); pays where many frames follow.")


@dataclass
class PredictedSettings:
    """A network told the style when it is run: with styler=predicted, or schedule.start=predicted."""

    network: str | None = setting(
        None, "The network of any style (.safetensors); when not set the photographic one that comes with photovst."
    )
    styles: dict[str, str] = setting(
        {}, "By a name of your own: more photographs, or saved styles, to blend with the style."
    )
    weights: dict[str, float] = setting(
        {}, "By name: share of each in the blend, summing to 1; the main one is called 'style'.", low=0, high=1
    )
    content: float = setting(
        0.0, "Share of the clip's own style in the blend: 0 is the full style, 1 hardly any.", low=0, high=1
    )
    keyframes: list[dict[str, float]] = setting(
        [],
        "Weights that move, in place of weights: [{time: 0, style: 1}, {time: 2.5, dusk: 1}], in seconds; linear in"
        " between.",
        low=0,
    )
    steadiness: float = setting(
        0.0,
        "For the photographic network: share of the earlier frame's color transforms in those of a frame, carried along"
        " the flow where there is flow.",
        low=0,
        high=1,
    )
