"""Products of matrices, and convolutions."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.export.onnx.elementwise import NUMBERS, Rule, restored, supported
from cornu.export.onnx.graph import GraphWriter, Value
from cornu.export.onnx.shapes import insert_zeros, is_padding, reverse

__all__ = ["RULES"]


def _dot_general(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    (a_sums, b_sums), (a_batch, b_batch) = eqn.params["dimension_numbers"]
    a, b = inputs
    a_free = [i for i in range(a.rank) if i not in (*a_sums, *a_batch)]
    b_free = [i for i in range(b.rank) if i not in (*b_sums, *b_batch)]
    dtype = eqn.outvars[0].aval.dtype
    if np.dtype(a.dtype) != np.dtype(b.dtype):
        a, b = (x._replace(name=graph.cast(x, dtype), dtype=dtype, known=None) for x in (a, b))
    is_matrix = len(a_sums) == 1 and len(b_free) == 1 and (not a_batch or len(a_free) == 1)
    x: Value | str
    y: Value | str
    if is_matrix and _are_bytes(a, b) and np.dtype(dtype) == np.int32:
        x, y, computed, kind = a, b, "int32", "MatMulInteger"
    else:
        (x, computed), (y, _) = supported(graph, a, NUMBERS), supported(graph, b, NUMBERS)
        kind = "MatMul"
    if is_matrix:
        left = graph.transpose(x, [*a_batch, *a_free, *a_sums])
        right = graph.transpose(y, [*b_batch, *b_sums, *b_free])
        z = graph.node(kind, [left, right])
    else:
        letters = iter(string.ascii_letters)
        of_a = {axis: next(letters) for axis in range(a.rank)}
        of_b = {axis: next(letters) for axis in range(b.rank)}
        for i, j in zip((*a_sums, *a_batch), (*b_sums, *b_batch), strict=True):
            of_b[j] = of_a[i]
        out = [of_a[i] for i in (*a_batch, *a_free)] + [of_b[j] for j in b_free]
        equation = "{},{}->{}".format(*("".join(p) for p in (of_a.values(), of_b.values(), out)))
        z = graph.node("Einsum", [x, y], equation=equation)
    return [restored(graph, z, computed, dtype)]


def _are_bytes(*values: Value) -> bool:
    return all(np.dtype(value.dtype).name in ("int8", "uint8") for value in values)


def _convolution(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    params = eqn.params
    if params["batch_group_count"] != 1:
        raise NotImplementedError("convolutions with groups of rows")
    specs = params["dimension_numbers"]
    x, computed = supported(graph, inputs[0], ("float32",))
    kernel, _ = supported(graph, inputs[1], ("float32",))
    shape = [inputs[0].shape[axis] for axis in specs.lhs_spec]
    window = [inputs[1].shape[axis] for axis in specs.rhs_spec[2:]]
    x = graph.transpose(x, specs.lhs_spec)
    kernel = graph.transpose(kernel, specs.rhs_spec)
    gaps = params["lhs_dilation"]
    low, high = (list(side) for side in zip(*params["padding"], strict=True))
    groups = int(params["feature_group_count"])
    # What a transposed convolution removes from its result.
    extents = [(n - 1) * d for n, d in zip(window, params["rhs_dilation"], strict=True)]
    cuts = [n - p for side in (low, high) for n, p in zip(extents, side, strict=True)]
    steps = params["window_strides"]
    is_transposed = any(n != 1 for n in gaps) and groups == 1 and set(steps) == {1}
    if is_transposed and is_padding(cuts):
        y = _transposed(graph, x, kernel, cuts, gaps, params["rhs_dilation"])
    else:
        if any(n != 1 for n in gaps):
            x = insert_zeros(graph, x, shape, [0, 0, *(n - 1 for n in gaps)])
        if not is_padding((*low, *high)):
            x = graph.node("Pad", [x, graph.shape([0, 0, *low, 0, 0, *high])])
            low = high = [0] * len(low)
        y = graph.node(
            "Conv",
            [x, kernel],
            strides=list(steps),
            pads=[*low, *high],
            dilations=list(params["rhs_dilation"]),
            group=groups,
        )
    order = [specs.out_spec.index(axis) for axis in range(len(shape))]
    y = graph.transpose(y, order)
    return [restored(graph, y, computed, eqn.outvars[0].aval.dtype)]


def _transposed(
    graph: GraphWriter,
    x: str,
    kernel: str,
    cuts: Sequence[int],
    steps: Sequence[int],
    dilations: Sequence[int],
) -> str:
    """Adds a convolution of an array with gaps, as a transposed convolution."""
    rank = len(steps) + 2
    flipped = reverse(graph, kernel, range(2, rank))
    return graph.node(
        "ConvTranspose",
        [x, graph.transpose(flipped, [1, 0, *range(2, rank)])],
        strides=list(steps),
        pads=list(cuts),
        dilations=list(dilations),
    )


RULES: dict[str, Rule] = {
    "dot_general": _dot_general,
    "conv_general_dilated": _convolution,
}
