"""Primitives that reduce, accumulate and sort along axes, and the windows of pooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu.export.onnx.elementwise import FLOATS, NUMBERS, Rule, restored, supported
from cornu.export.onnx.graph import GraphWriter, Value
from cornu.export.onnx.shapes import is_padding

__all__ = ["RULES"]


def _reduce_rule(kind: str) -> Rule:
    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        (x,) = inputs
        y, computed = supported(graph, x, NUMBERS)
        axes = graph.constant([int(axis) for axis in eqn.params["axes"]], np.int64)
        y = graph.node(kind, [y, axes], keepdims=0, noop_with_empty_axes=1)
        if np.dtype(eqn.outvars[0].aval.dtype).kind == "b":
            return [graph.cast(y, bool)]
        return [restored(graph, y, computed, eqn.outvars[0].aval.dtype)]

    return rule


def _arg_rule(kind: str) -> Rule:
    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        (axis,) = eqn.params["axes"]
        x, _ = supported(graph, inputs[0], (*FLOATS, "int32"))
        y = graph.node(kind, [x], axis=int(axis), keepdims=0)
        return [graph.cast(y, eqn.params["index_dtype"])]

    return rule


def _cumsum(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, computed = supported(graph, inputs[0], NUMBERS)
    axis = graph.constant(int(eqn.params["axis"]), np.int64)
    y = graph.node("CumSum", [x, axis], reverse=int(eqn.params["reverse"]))
    return [restored(graph, y, computed, inputs[0].dtype)]


def _sort(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    if eqn.params["num_keys"] != 1:
        raise NotImplementedError("sorting by several keys")
    axis = int(eqn.params["dimension"])
    key, computed = supported(graph, inputs[0], NUMBERS)
    size = graph.size(inputs[0].shape[axis])
    values, order = graph.nodes_of("TopK", [key, size], 2, axis=axis, largest=0)
    first = restored(graph, values, computed, inputs[0].dtype)
    others = [graph.node("GatherElements", [x, order], axis=axis) for x in inputs[1:]]
    return [first, *others]


def _top_k(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    axis = int(eqn.params.get("axis", inputs[0].rank - 1))
    x, computed = supported(graph, inputs[0], NUMBERS)
    k = graph.size(eqn.params["k"])
    values, order = graph.nodes_of("TopK", [x, k], 2, axis=axis)
    values = restored(graph, values, computed, inputs[0].dtype)
    return [values, graph.cast(order, eqn.outvars[1].aval.dtype)]


# ------------------------------------------------------------------------------------------ windows


def _window_max(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    if any(step != 1 for step in eqn.params["base_dilation"]):
        raise NotImplementedError("pooling of an array with gaps")
    return [_pool(graph, eqn, inputs[0], "MaxPool")]


def _window_sum(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    dilations = (*eqn.params["base_dilation"], *eqn.params["window_dilation"])
    if any(step != 1 for step in dilations):
        raise NotImplementedError("average pooling with gaps")
    mean = _pool(graph, eqn, inputs[0], "AveragePool", count_include_pad=1)
    count = math.prod(eqn.params["window_dimensions"])
    return [graph.node("Mul", [mean, graph.constant(count, inputs[0].dtype)])]


def _pool(graph: GraphWriter, eqn: Any, x: Value, kind: str, **attributes: int) -> str:
    """Adds a pooling of the axes that have windows; the others are moved before them."""
    params = eqn.params
    if np.dtype(x.dtype).name != "float32":
        raise NotImplementedError(f"pooling of {np.dtype(x.dtype)}")
    plain = [
        axis
        for axis in range(x.rank)
        if params["window_dimensions"][axis] == 1
        and params["window_strides"][axis] == 1
        and is_padding(params["padding"][axis])
        and params["padding"][axis] == (0, 0)
    ]
    pooled = [axis for axis in range(x.rank) if axis not in plain]
    order = [*plain, *pooled]
    out = [eqn.outvars[0].aval.shape[axis] for axis in order]
    y = graph.transpose(x, order)
    is_regular = len(plain) == 2
    if not is_regular:
        lead = math.prod([x.shape[axis] for axis in plain])
        y = graph.reshape(y, [lead, 1, *(x.shape[axis] for axis in pooled)])
    low, high = zip(*(params["padding"][axis] for axis in pooled), strict=True)
    if not is_padding((*low, *high)):
        least = -np.inf if kind == "MaxPool" else 0.0
        sizes = graph.shape([0, 0, *low, 0, 0, *high])
        y = graph.node("Pad", [y, sizes, graph.constant(least, np.float32)])
        low = high = (0,) * len(pooled)
    steps = {
        "kernel_shape": [params["window_dimensions"][axis] for axis in pooled],
        "strides": [params["window_strides"][axis] for axis in pooled],
        "pads": [*low, *high],
    }
    if kind == "MaxPool":
        steps["dilations"] = [params["window_dilation"][axis] for axis in pooled]
    y = graph.node(kind, [y], **steps, **attributes)
    if not is_regular:
        y = graph.reshape(y, out)
    return graph.transpose(y, [order.index(axis) for axis in range(x.rank)])


RULES: dict[str, Rule] = {
    "reduce_sum": _reduce_rule("ReduceSum"),
    "reduce_max": _reduce_rule("ReduceMax"),
    "reduce_min": _reduce_rule("ReduceMin"),
    "reduce_prod": _reduce_rule("ReduceProd"),
    "reduce_or": _reduce_rule("ReduceMax"),
    "reduce_and": _reduce_rule("ReduceMin"),
    "argmax": _arg_rule("ArgMax"),
    "argmin": _arg_rule("ArgMin"),
    "cumsum": _cumsum,
    "sort": _sort,
    "top_k": _top_k,
    "reduce_window_max": _window_max,
    "reduce_window_sum": _window_sum,
}
