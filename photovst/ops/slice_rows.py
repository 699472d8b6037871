"""The machine code under `slice_picture`: rows of a picture, transformed in one pass over memory.

Numba compiles it at its first call and keeps it on disk. Everything here is single precision in a fixed order, without
fast-math, so a pixel gets the same bits whichever rows it is computed with. Nothing but `slice_picture` imports this
file, and only when it slices: loading Numba takes half a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast, no_type_check

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_THREE = cast(Any, types).UniTuple(types.float32, 3)
_V4, _V16 = ir.VectorType(_FLOAT, 4), ir.VectorType(_FLOAT, 16)


def _pick(*lanes: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(_INT, len(lanes)), list(lanes))


@intrinsic
def _transformed(context: Any, cells: Any, place: Any, x: Any, z: Any, red: Any, green: Any, blue: Any) -> Any:
    """A color transformed by the 64 numbers at ``place``: a transform, its slopes along x, z, and both at once.

    Written as vectors of 16 because the compiler finds none by itself here: each transform is four columns of four
    numbers, the last of which is idle, so one register holds it.
    """
    number = types.float32
    signature = _THREE(cells, types.uintp, number, number, number, number, number)

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = builder.gep(target.make_array(signature.args[0])(target, builder, args[0]).data, [args[1]])

        def part(offset: int) -> Any:
            pointer = builder.gep(start, [ir.Constant(ir.IntType(64), offset)])
            vector = builder.load(builder.bitcast(pointer, _V16.as_pointer()))
            vector.align = 4
            return vector

        def everywhere(value: Any) -> Any:
            single = builder.insert_element(ir.Constant(_V16, ir.Undefined), value, ir.Constant(_INT, 0))
            return builder.shuffle_vector(single, ir.Constant(_V16, ir.Undefined), _pick(*[0] * 16))

        along_x, along_z = everywhere(args[2]), everywhere(args[3])
        near = builder.fadd(part(0), builder.fmul(along_x, part(16)))
        slope = builder.fadd(part(32), builder.fmul(along_x, part(48)))
        matrix = builder.fadd(near, builder.fmul(along_z, slope))
        color = ir.Constant(_V4, [0.0, 0.0, 0.0, 1.0])
        for channel in range(3):
            color = builder.insert_element(color, args[4 + channel], ir.Constant(_INT, channel))
        spread = builder.shuffle_vector(color, ir.Constant(_V4, ir.Undefined), _pick(*[i // 4 for i in range(16)]))
        products = builder.fmul(matrix, spread)
        nothing = ir.Constant(_V16, ir.Undefined)
        columns = [builder.shuffle_vector(products, nothing, _pick(*range(4 * k, 4 * k + 4))) for k in range(4)]
        total = builder.fadd(builder.fadd(builder.fadd(columns[0], columns[1]), columns[2]), columns[3])
        values = [builder.extract_element(total, ir.Constant(_INT, channel)) for channel in range(3)]
        return target.make_tuple(builder, signature.return_type, values)

    return signature, generate


@no_type_check  # the tests' shape checks would wrap it, and Numba compiles no wrapper
def _slice_rows(
    picture: Any, result: Any, top: int, bottom: int, cells: Any, row: Any, row_share: Any, column: Any,
    column_share: Any, guide: Any, last: Any, scale: Any, strength: Any, thresholds: Any,
) -> None:  # fmt: skip
    """Fill rows ``top`` to ``bottom`` of ``result``; `slice_picture` prepares what this takes."""
    zero, one = np.float32(0), np.float32(1)
    white = one / scale
    mixed = np.empty(cells.shape[1], np.float32)
    # Unsigned, as negative numbers would count from the end, which costs a question at each pixel.
    red, green, blue = np.uintp(0), np.uintp(1), np.uintp(2)
    period = np.uintp(thresholds.shape[1] - 1)
    for y in range(top, bottom):
        above, share = row[y], row_share[y]
        for k in range(mixed.shape[0]):
            mixed[k] = cells[above, k] + share * (cells[above + 1, k] - cells[above, k])
        source, target, threshold = picture[y], result[y], thresholds[y & (thresholds.shape[0] - 1)]
        for pixel in range(picture.shape[1]):
            x = np.uintp(pixel)
            r, g, b = np.float32(source[x, red]), np.float32(source[x, green]), np.float32(source[x, blue])
            z = guide[0] * r + guide[1] * g + guide[2] * b
            cell = min(np.int32(z), last)
            place = np.uintp(column[x] + 64 * cell)
            color = _transformed(mixed, place, column_share[x], z - np.float32(cell), r * scale, g * scale, b * scale)
            half = threshold[x & period]
            # The last half of rounding, or the pixel's own threshold, is cut off with the fraction.
            target[x, red] = np.int32(r + strength * (min(max(color[0], zero), one) * white - r) + half)
            target[x, green] = np.int32(g + strength * (min(max(color[1], zero), one) * white - g) + half)
            target[x, blue] = np.int32(b + strength * (min(max(color[2], zero), one) * white - b) + half)


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """The function as machine code, kept on disk where a folder can be written to."""

    def compile_with(cache: bool) -> Callable[..., None]:
        return cast(Callable[..., None], njit(nogil=True, error_model="numpy", cache=cache)(function))

    try:
        return compile_with(cache=True)
    except RuntimeError:  # no folder can be written, neither beside this file nor in the user's cache
        return compile_with(cache=False)


slice_rows = compiled(_slice_rows)
