"""TensorFlow's checkpoints of version 2, read without TensorFlow: named arrays and nothing that could be run.

``PREFIX.index`` is a sorted string table of what there is (`photovst.models.sstable`): under the empty key a header,
under each name the kind of number, the shape and the place of its values in ``PREFIX.data-00000-of-00001``. The fields
are those of TensorFlow's tensor_bundle.proto, tensor_shape.proto and types.proto.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photovst.errors import WeightsError, did_you_mean
from photovst.models.crc32c import crc32c, masked
from photovst.models.sstable import FOOTER, is_table, read_table
from photovst.models.wire import message

HEADER_SHARDS, HEADER_ENDIANNESS = 1, 2
DTYPE, SHAPE, SHARD, OFFSET, SIZE, CHECKSUM, SLICES = range(1, 8)
SHAPE_DIMENSION, DIMENSION_SIZE = 2, 1

PART_KEY = b"\0"
"""What the keys of a sliced variable's parts begin with; the variable itself stands under its name, too."""

DTYPES: Mapping[int, str] = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?", 19: "<f2"}
"""NumPy's names for TensorFlow's kinds of numbers; texts, complex and quantized ones are not read."""


@dataclass(frozen=True)
class Variable:
    """Where a named array is.

    Args:
        dtype: a number of TensorFlow's, see `DTYPES`.
        shape: of the array.
        shard: the file of values that holds it.
        offset: bytes before it there.
        size: bytes.
        checksum: of its bytes, masked.
        sliced: whether it is kept in parts, which are not read.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool


@dataclass(frozen=True)
class TensorBundle:
    """What a checkpoint holds.

    Args:
        prefix: its path without ``.index``.
        shards: files of values.
        variables: by name, in order.
    """

    prefix: Path
    shards: int
    variables: Mapping[str, Variable]

    def shard(self, number: int) -> Path:
        """The path of a file of values."""
        return self.prefix.with_name(f"{self.prefix.name}.data-{number:05d}-of-{self.shards:05d}")


def read_index(prefix: Path) -> TensorBundle:
    """What a checkpoint holds, without the values.

    Args:
        prefix: its path without ``.index``.

    Raises:
        WeightsError: there is no checkpoint, it is one of version 1, or its index is damaged.
    """
    index = prefix.with_name(f"{prefix.name}.index")
    if not index.is_file():
        if prefix.is_file() and is_table(_end(prefix)):
            raise WeightsError(
                f"{prefix} is a checkpoint of version 1, which is not read; load and save it with TensorFlow, which"
                " writes version 2"
            )
        raise WeightsError(f"{index} does not exist; give the path of a checkpoint, as far as before .index")
    try:
        table = read_table(index.read_bytes(), str(index))
        header = dict(message(table.pop(b"", b"")))
        if header.get(HEADER_ENDIANNESS, 0) != 0:
            raise ValueError("its numbers begin with the highest byte, which is not read")
        shards = int(header.get(HEADER_SHARDS, 0))
        variables = {
            name.decode("utf-8"): _variable(value) for name, value in table.items() if not name.startswith(PART_KEY)
        }
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{index} is no index of a checkpoint, or damaged ({error}); take a fresh copy") from error
    return TensorBundle(prefix, shards, variables)


def read_tensor(bundle: TensorBundle, name: str) -> npt.NDArray[Any]:
    """The values of one variable, an array of the shape that TensorFlow has it in.

    Raises:
        WeightsError: there is no such variable, it holds no plain numbers, or its file is absent, cut short or damaged.
    """
    if name not in bundle.variables:
        raise WeightsError(f"{bundle.prefix} holds no {name!r}; {did_you_mean(name, bundle.variables)}")
    variable, path = bundle.variables[name], bundle.shard(bundle.variables[name].shard)
    if variable.dtype not in DTYPES or variable.sliced:
        what = "is kept in parts" if variable.sliced else f"is of TensorFlow's type {variable.dtype}"
        raise WeightsError(f"{name} of {bundle.prefix} {what}, which is not read; save it as one array of numbers")
    dtype = np.dtype(DTYPES[variable.dtype])
    if variable.size != math.prod(variable.shape) * dtype.itemsize:
        raise WeightsError(
            f"{bundle.prefix}.index is damaged: {name} of shape {variable.shape} in {variable.size} bytes; take a fresh"
            " copy"
        )
    if not path.is_file():
        raise WeightsError(f"{path} does not exist, which holds {name}; put it beside {bundle.prefix}.index")
    with path.open("rb") as file:
        file.seek(variable.offset)
        data = file.read(variable.size)
    if len(data) != variable.size:
        raise WeightsError(f"{path} is cut short: it ends within {name}; take a fresh copy")
    if masked(crc32c(data)) != variable.checksum:
        raise WeightsError(f"{path} is damaged: the checksum of {name} is another; take a fresh copy")
    return np.frombuffer(data, dtype=dtype).reshape(variable.shape).copy()


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - FOOTER))
        return file.read()


def _variable(data: bytes) -> Variable:
    fields = list(message(data))
    numbers = {number: value for number, value in fields if isinstance(value, int)}
    shapes = [value for number, value in fields if number == SHAPE and isinstance(value, bytes)]
    return Variable(
        dtype=numbers.get(DTYPE, 0),
        shape=_shape(shapes[0]) if shapes else (),
        shard=numbers.get(SHARD, 0),
        offset=numbers.get(OFFSET, 0),
        size=numbers.get(SIZE, 0),
        checksum=numbers.get(CHECKSUM, 0),
        sliced=any(number == SLICES for number, _ in fields),
    )


def _shape(data: bytes) -> tuple[int, ...]:
    dimensions = [value for number, value in message(data) if number == SHAPE_DIMENSION and isinstance(value, bytes)]
    # A dimension of 0 is one whose size is left out, as every 0 is.
    return tuple(int(dict(message(each)).get(DIMENSION_SIZE, 0)) for each in dimensions)
