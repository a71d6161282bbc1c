"""Gathers and scatters, whose indices are numbers of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.lax import GatherScatterMode

from cornu.export.onnx.elementwise import FLOATS, NUMBERS, Rule, restored, supported
from cornu.export.onnx.graph import GraphWriter, Value, is_known
from cornu.export.onnx.shapes import count_up, scalar

__all__ = ["RULES"]


def _gather(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, indices = inputs
    numbers, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    out = eqn.outvars[0].aval
    fills = eqn.params["mode"] == GatherScatterMode.FILL_OR_DROP
    batch = [axis for axis in range(len(out.shape)) if axis not in numbers.offset_dims]
    order = [*batch, *numbers.offset_dims]
    axis = numbers.start_index_map[0] if numbers.start_index_map else 0
    is_along_axis = (
        numbers.start_index_map == numbers.collapsed_slice_dims == (axis,)
        and not numbers.operand_batching_dims
        and all(i == axis or size == x.shape[i] for i, size in enumerate(sizes))
    )
    valid = None
    if is_along_axis:
        index = _starts(graph, indices)[0]
        inside, valid = _inside(graph, index, x.shape[axis], 1, fills)
        y = graph.node("Gather", [x, inside], axis=axis)
        count = len(batch)
        # The axes of the indices stand where the axis was.
        y = graph.transpose(
            y, [*range(axis, axis + count), *range(axis), *range(axis + count, len(out.shape))]
        )
    else:
        starts = _starts(graph, indices) if numbers.start_index_map else []
        position, valid = _positions(
            graph,
            x,
            starts,
            indices.shape[:-1],
            sizes,
            (numbers.start_index_map, numbers.collapsed_slice_dims),
            (numbers.operand_batching_dims, numbers.start_indices_batching_dims),
            fills,
        )
        y = graph.node("Gather", [graph.reshape(x, [math.prod(x.shape)]), position], axis=0)
    if valid is not None:
        window = list(range(len(batch), len(out.shape)))
        if window:
            valid = graph.node("Unsqueeze", [valid, graph.constant(window, np.int64)])
        y = _filled(graph, y, valid, _fill_value(eqn, out.dtype), out.dtype)
    return [graph.transpose(y, [order.index(axis) for axis in range(len(order))])]


def _fill_value(eqn: Any, dtype: Any) -> np.ndarray:
    given, dtype = eqn.params["fill_value"], np.dtype(dtype)
    if given is not None:
        return np.asarray(given, dtype)
    if dtype.kind == "f":
        return np.asarray(np.nan, dtype)
    return np.asarray(np.iinfo(dtype).min if dtype.kind == "i" else True, dtype)


def _filled(graph: GraphWriter, y: str, valid: str, fill: np.ndarray, dtype: Any) -> str:
    wide, computed = supported(graph, Value(y, (), dtype), (*FLOATS, "int32", "int64", "uint8"))
    chosen = graph.node("Where", [valid, wide, graph.constant(fill, computed)])
    return restored(graph, chosen, computed, dtype)


def _starts(graph: GraphWriter, indices: Value) -> list[str]:
    """Returns each component of the indices, as int64 without the last axis."""
    wide = graph.cast(indices, np.int64)
    count, last = indices.shape[-1], indices.rank - 1
    return [
        graph.node("Gather", [wide, graph.constant(i, np.int64)], axis=last) for i in range(count)
    ]


def _inside(
    graph: GraphWriter, start: str, size: Any, length: Any, checks: bool
) -> tuple[str, str | None]:
    """Returns starts within bounds, and which were there already if `checks` is True."""
    zero = graph.constant(0, np.int64)
    last = scalar(graph, size - length)
    inside = graph.node("Min", [graph.node("Max", [start, zero]), last])
    return inside, graph.node("Equal", [inside, start]) if checks else None


def _positions(
    graph: GraphWriter,
    x: Value,
    starts: list[str],
    batch: Sequence[Any],
    sizes: Sequence[Any],
    maps: tuple[Sequence[int], Sequence[int]],
    batching: tuple[Sequence[int], Sequence[int]],
    checks: bool,
) -> tuple[str, str | None]:
    """Returns the positions of slices in the flat array, and which slices are within bounds.

    The positions have the axes of the indices, and then those of the slices.

    Args:
        graph: the graph.
        x: the array.
        starts: the components of the indices.
        batch: the shape of each.
        sizes: the sizes of the slices along each axis of the array.
        maps: the axis of each component; the axes that slices do not have.
        batching: axes of the array, and of the indices, that are the same rows.
        checks: whether the slices within bounds are needed.
    """
    of_component, collapsed = maps
    window = [i for i in range(x.rank) if i not in (*collapsed, *batching[0])]
    total = len(batch) + len(window)
    position = graph.constant(np.zeros((1,) * total, np.int64))
    valid = None
    stride: Any = 1
    for axis in reversed(range(x.rank)):
        terms = []
        if axis in of_component:
            start = starts[list(of_component).index(axis)]
            inside, is_valid = _inside(graph, start, x.shape[axis], sizes[axis], checks)
            if is_valid is not None:
                valid = is_valid if valid is None else graph.node("And", [valid, is_valid])
            after = list(range(len(batch), total))
            if after:
                inside = graph.node("Unsqueeze", [inside, graph.constant(after, np.int64)])
            terms.append(inside)
        if axis in batching[0]:
            at = batching[1][list(batching[0]).index(axis)]
            terms.append(_along(graph, batch[at], at, total))
        if axis in window:
            terms.append(_along(graph, sizes[axis], len(batch) + window.index(axis), total))
        for term in terms:
            scaled = graph.node("Mul", [term, scalar(graph, stride)])
            position = graph.node("Add", [position, scaled])
        stride = stride * x.shape[axis]
    return position, valid


def _along(graph: GraphWriter, size: Any, axis: int, rank: int) -> str:
    """Returns 0, 1, ... along one axis of an array with axes of size 1."""
    others = [i for i in range(rank) if i != axis]
    if is_known(size):
        shape = [size if i == axis else 1 for i in range(rank)]
        return graph.constant(np.arange(size, dtype=np.int64).reshape(shape))
    y = count_up(graph, size)
    return graph.node("Unsqueeze", [y, graph.constant(others, np.int64)]) if others else y


def _scatter_rule(reduction: str) -> Rule:
    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        x, indices, updates = inputs
        numbers = eqn.params["dimension_numbers"]
        window_of = list(numbers.update_window_dims)
        batch = [axis for axis in range(updates.rank) if axis not in window_of]
        removed = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
        windows = iter(window_of)
        sizes = [1 if i in removed else updates.shape[next(windows)] for i in range(x.rank)]
        flat, computed = supported(graph, x, NUMBERS)
        given, _ = supported(graph, updates, NUMBERS)
        position, valid = _positions(
            graph,
            x,
            _starts(graph, indices) if numbers.scatter_dims_to_operand_dims else [],
            indices.shape[:-1],
            sizes,
            (numbers.scatter_dims_to_operand_dims, numbers.inserted_window_dims),
            (numbers.operand_batching_dims, numbers.scatter_indices_batching_dims),
            eqn.params["mode"] == GatherScatterMode.FILL_OR_DROP,
        )
        count = math.prod(x.shape)
        # Updates out of bounds go to an element behind the array.
        if valid is not None:
            if window_of:
                after = list(range(len(batch), updates.rank))
                valid = graph.node("Unsqueeze", [valid, graph.constant(after, np.int64)])
            position = graph.node("Where", [valid, position, scalar(graph, count)])
        flat = graph.reshape(flat, [count])
        flat = graph.node("Concat", [flat, graph.constant([0], computed)], axis=0)
        given = graph.transpose(given, [*batch, *window_of])
        shape = [updates.shape[axis] for axis in (*batch, *window_of)]
        position = graph.node("Expand", [position, graph.shape(shape)])
        number = math.prod(updates.shape)
        pairs = [graph.reshape(position, [number]), graph.reshape(given, [number])]
        y = graph.node("ScatterElements", [flat, *pairs], axis=0, reduction=reduction)
        ends = [graph.constant([0], np.int64), graph.constant([-1], np.int64)]
        y = graph.reshape(graph.node("Slice", [y, *ends]), x.shape)
        return [restored(graph, y, computed, x.dtype)]

    return rule


RULES: dict[str, Rule] = {
    "gather": _gather,
    "scatter": _scatter_rule("none"),
    "scatter-add": _scatter_rule("add"),
    "scatter-mul": _scatter_rule("mul"),
    "scatter-max": _scatter_rule("max"),
    "scatter-min": _scatter_rule("min"),
}
