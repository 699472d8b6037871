"""Files of saved styles: what a network of any style says of photographs, kept without them, in one safetensors.

The header holds one text, ``photovst style``, in JSON: ``version`` of this layout, ``kind`` of the network, its sha256
(``network``), and ``made_of``, names and weights of the photographs. Tensors are ``vector`` in float32 and
``picture``, the main photograph as bytes, for reports and judges.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor

from photovst.errors import MediaError, WeightsError
from photovst.models.network_files import STYLE_HEADER, TrainedNetwork, read_tensors
from photovst.storage import write_atomic

VERSION = 1


@dataclass(frozen=True, eq=False)
class SavedStyle:
    """A style as a network of any style understands it.

    Args:
        vector: the style vector.
        picture: the main photograph, ``(H, W, 3)`` uint8 RGB, small.
        kind: of the network.
        network: sha256 of its weights, see `weights_sha256`.
        made_of: names of the photographs, and their weights.
    """

    vector: Float[Tensor, " vector"]
    picture: npt.NDArray[np.uint8]
    kind: str
    network: str
    made_of: dict[str, float]


def weights_sha256(network: TrainedNetwork) -> str:
    """SHA-256 of a network's kind, options and weights, whatever its file is called and says besides."""
    digest = hashlib.sha256(json.dumps([network.kind, network.options], sort_keys=True).encode())
    for name, value in sorted(network.module.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_style(path: Path, style: SavedStyle) -> None:
    """Write a style, whole or not at all; equal styles give equal bytes.

    Raises:
        MediaError: the file cannot be written; a former one stays.
    """
    header = {"version": VERSION, "kind": style.kind, "network": style.network, "made_of": style.made_of}
    tensors = {
        "vector": style.vector.detach().float().cpu().contiguous(),
        "picture": torch.from_numpy(np.ascontiguousarray(style.picture)),
    }
    data = safetensors.torch.save(tensors, {STYLE_HEADER: json.dumps(header, sort_keys=True)})
    try:
        write_atomic(path, data)
    except OSError as error:
        raise MediaError(f"cannot write the style {path} ({error.strerror}); choose another place") from error


def load_style(path: str | Path, network: TrainedNetwork | None = None) -> SavedStyle:
    """Read a style; one of another network than ``network``, where that is given, is refused.

    Raises:
        WeightsError: the file is absent, no saved style, of another version, damaged, or of another network.
    """
    path = Path(path)
    header, tensors = read_tensors(path, "a style", "'photovst style'")
    if STYLE_HEADER not in header:
        raise WeightsError(f"{path} is a safetensors file, but no saved style; give one made by 'photovst style'")
    try:
        said = json.loads(header[STYLE_HEADER])
        if said["version"] != VERSION:
            raise WeightsError(
                f"{path} is a style of layout {said['version']}, but this photovst reads layout {VERSION}; update"
                " photovst, or save it again"
            )
        made_of = {str(name): float(weight) for name, weight in dict(said["made_of"]).items()}
        vector, picture = tensors["vector"], tensors["picture"]
        if vector.ndim != 1 or vector.dtype is not torch.float32 or not bool(vector.isfinite().all()):
            raise ValueError("its vector is none")
        if picture.dtype is not torch.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError("its picture is none")
        style = SavedStyle(vector, picture.numpy(), str(said["kind"]), str(said["network"]), made_of)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} is damaged ({error!r}); take a fresh copy") from error
    if network is not None and style.network != weights_sha256(network):
        raise WeightsError(
            f"{path} is a style of another network (kind {style.kind}, weights {style.network[:12]}); save it again"
            " with this network: photovst style PHOTO -o STYLE --network NETWORK"
        )
    return style
