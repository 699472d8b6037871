"""DeepLabv3+ on MobileNetV2 [Chen2018] in 8-bit integers, run by LiteRT: what it holds likely, not only what it says.

The published files end in a bilinear resize and an argmax and give labels. We cut those two off the file's graph, so
that its last result are the logits a quarter of the picture's size: 128 x 128 for 512 x 512.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from photovst.errors import SettingsError, WeightsError

SIDE = 512
"""Sides of the pictures that the network takes."""

GRID = 128
"""Sides of its logits."""

OUTPUTS = 32


class DeeplabMobile:
    """The network of a .tflite file. Sums are of integers: threads and calls give the same bytes.

    Args:
        path: the file.
        threads: how many compute; about two are of use.

    Raises:
        SettingsError: LiteRT is not installed.
        WeightsError: the file holds another network.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        try:
            import flatbuffers  # noqa: F401 - it comes with LiteRT
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise SettingsError(
                "segmentation.method=ade20k_mobile needs LiteRT, which is not installed; run 'pip install"
                " ai-edge-litert', or choose segmentation.method=joint"
            ) from error
        with _without_greeting():
            self._interpreter = Interpreter(model_content=without_labels(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        given, result = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        shapes = tuple(given["shape"]), tuple(result["shape"])
        if shapes != ((1, SIDE, SIDE, 3), (1, GRID, GRID, OUTPUTS)) or given["dtype"] is not np.uint8:
            raise WeightsError(_another(path, f"it turns {shapes[0]} into {shapes[1]}"))
        self._input, self._output = given["index"], result["index"]
        self._scale, self._zero = result["quantization"]
        self._one_at_a_time = threading.Lock()

    def __call__(self, picture: UInt8[np.ndarray, "512 512 3"]) -> Float[np.ndarray, "128 128 32"]:
        """Logits of the classes for an RGB picture, float32; one covers 4 x 4 pixels."""
        with self._one_at_a_time:  # the interpreter holds what it computes
            self._interpreter.set_tensor(self._input, picture[None])
            self._interpreter.invoke()
            logits: NDArray[np.generic] = self._interpreter.get_tensor(self._output)[0]
        return (logits.astype(np.float32) - np.float32(self._zero)) * np.float32(self._scale)


def without_labels(path: Path) -> bytes:
    """The file with its graph cut before the resize and the argmax at its end.

    Raises:
        WeightsError: its graph does not end so.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise WeightsError(_another(path, "it is no .tflite file"))
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    graph = model.subgraphs[0]
    kinds = [code.builtinCode or code.deprecatedBuiltinCode for code in model.operatorCodes]
    last = list(graph.outputs)
    for wanted in (schema.BuiltinOperator.ARG_MAX, schema.BuiltinOperator.RESIZE_BILINEAR):
        makers = [step for step in graph.operators if list(step.outputs) == last]
        if len(makers) != 1 or kinds[makers[0].opcodeIndex] != wanted:
            raise WeightsError(_another(path, "its graph does not end in a bilinear resize and an argmax"))
        graph.operators.remove(makers[0])
        last = [makers[0].inputs[0]]
    graph.outputs = last
    model.signatureDefs = None  # they name the labels
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@contextmanager
def _without_greeting() -> Iterator[None]:
    """LiteRT says on stderr which delegate it made, whatever is set: a line that is no JSON where JSON is read."""
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with tempfile.TemporaryFile() as told:
            os.dup2(told.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(stderr, 2)
                told.seek(0)
                for line in told:
                    if not line.startswith(b"INFO: "):
                        os.write(2, line)
    finally:
        os.close(stderr)


def _another(path: Path, why: str) -> str:
    return f"{path} is not the network of ade20k_mobile: {why}; give the published file"
