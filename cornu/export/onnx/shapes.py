"""Primitives that move numbers: reshapes, broadcasts, slices, padding and concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.export.onnx.elementwise import Rule
from cornu.export.onnx.graph import GraphWriter, Value, is_known

__all__ = ["RULES", "count_up", "insert_zeros", "is_padding", "reverse", "scalar"]

_FORWARD, _TO_HALF = 0, 2  # types of Fourier transforms in JAX


def _axes(graph: GraphWriter, axes: Sequence[int]) -> str:
    return graph.constant([int(axis) for axis in axes], np.int64)


def _reshape(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    shape = eqn.outvars[0].aval.shape
    return [graph.reshape(inputs[0], shape) if shape != inputs[0].shape else _name(graph, inputs)]


def _name(graph: GraphWriter, inputs: list[Value]) -> str:
    return graph.name_of(inputs[0])


def _squeeze(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    return [graph.node("Squeeze", [inputs[0], _axes(graph, eqn.params["dimensions"])])]


def _expand_dims(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    return [graph.node("Unsqueeze", [inputs[0], _axes(graph, eqn.params["dimensions"])])]


def _broadcast_in_dim(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, target = inputs[0], eqn.outvars[0].aval.shape
    own = dict(zip(eqn.params["broadcast_dimensions"], x.shape, strict=True))
    y = graph.name_of(x)
    if new := [axis for axis in range(len(target)) if axis not in own]:
        y = graph.node("Unsqueeze", [y, _axes(graph, new)])
    # Sizes that the array has already are 1 here: both sides of Expand are broadcast.
    sizes = [1 if own.get(axis, 1) == size else size for axis, size in enumerate(target)]
    if any(not is_known(size) or size != 1 for size in sizes):
        y = graph.node("Expand", [y, graph.shape(sizes)])
    return [y]


def _transpose(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    return [graph.transpose(inputs[0], eqn.params["permutation"])]


def _concatenate(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    return [graph.node("Concat", inputs, axis=int(eqn.params["dimension"]))]


def _stack(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    axis = int(eqn.params["axis"])
    parts = [graph.node("Unsqueeze", [x, _axes(graph, [axis])]) for x in inputs]
    return [graph.node("Concat", parts, axis=axis)]


def _split(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    sizes = graph.shape(eqn.params["sizes"])
    count = len(eqn.outvars)
    return graph.nodes_of("Split", [inputs[0], sizes], count, axis=int(eqn.params["axis"]))


def _slice(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, params = inputs[0], eqn.params
    steps = params["strides"] or (1,) * x.rank
    bounds = zip(params["start_indices"], params["limit_indices"], steps, x.shape, strict=True)
    axes = [i for i, (a, b, step, size) in enumerate(bounds) if (a, b, step) != (0, size, 1)]
    if not axes:
        return [graph.name_of(x)]
    starts = graph.shape([params["start_indices"][axis] for axis in axes])
    ends = graph.shape([params["limit_indices"][axis] for axis in axes])
    by = graph.shape([steps[axis] for axis in axes])
    return [graph.node("Slice", [x, starts, ends, _axes(graph, axes), by])]


def _rev(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    return [reverse(graph, inputs[0], eqn.params["dimensions"])]


def reverse(graph: GraphWriter, x: Value | str, axes: Sequence[int]) -> str:
    """Adds a reversal along axes."""
    count = len(axes)
    if not count:
        return x if isinstance(x, str) else graph.name_of(x)
    starts = graph.constant([-1] * count, np.int64)
    # Ends are clamped; this one is before the first element.
    ends = graph.constant([np.iinfo(np.int64).min] * count, np.int64)
    steps = graph.constant([-1] * count, np.int64)
    return graph.node("Slice", [x, starts, ends, _axes(graph, axes), steps])


def insert_zeros(
    graph: GraphWriter, x: Value | str, shape: Sequence[Any], gaps: Sequence[int]
) -> str:
    """Adds zeros between the elements along each axis.

    Args:
        graph: the graph.
        x, shape: an array and its shape.
        gaps: the number of zeros between two elements, for each axis.
    """
    name = x if isinstance(x, str) else graph.name_of(x)
    sizes = list(shape)
    for axis, gap in enumerate(gaps):
        if not gap:
            continue
        name = graph.node("Unsqueeze", [name, _axes(graph, [axis + 1])])
        ends = [0] * (2 * len(sizes) + 2)
        ends[len(sizes) + 1 + axis + 1] = gap
        name = graph.node("Pad", [name, graph.constant(ends, np.int64)])
        sizes[axis] = sizes[axis] * (gap + 1)
        name = graph.reshape(name, sizes)
        # Without the zeros after the last element.
        sizes[axis] = sizes[axis] - gap
        bounds = [graph.constant([0], np.int64), graph.constant([-gap], np.int64)]
        name = graph.node("Slice", [name, *bounds, _axes(graph, [axis])])
    return name


def is_padding(sizes: Sequence[Any]) -> bool:
    """Returns whether a convolution or a pooling takes these sizes as its padding.

    The padding "same" of a strided window depends on the size of the array; negative sizes cut.
    """
    return all(is_known(size) and size >= 0 for size in sizes)


def _pad(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, value = inputs
    low, high, gaps = zip(*eqn.params["padding_config"], strict=True) if x.rank else ((), (), ())
    if any(gaps):
        if value.known is None or np.any(np.asarray(value.known)):
            raise NotImplementedError("padding between elements with numbers other than 0")
        y = insert_zeros(graph, x, x.shape, gaps)
    else:
        y = graph.name_of(x)
    if any(not is_known(n) or n for n in (*low, *high)):
        y = graph.node("Pad", [y, graph.shape([*low, *high]), value])
    return [y]


def _iota(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    shape, axis = eqn.outvars[0].aval.shape, eqn.params["dimension"]
    y = graph.cast(count_up(graph, shape[axis]), eqn.params["dtype"])
    others = [i for i in range(len(shape)) if i != axis]
    if others:
        y = graph.node("Unsqueeze", [y, _axes(graph, others)])
        sizes = [1 if i == axis else size for i, size in enumerate(shape)]
        y = graph.node("Expand", [y, graph.shape(sizes)])
    return [y]


def count_up(graph: GraphWriter, size: Any) -> str:
    """Adds the vector 0, 1, ... of int64 with a size."""
    if is_known(size):
        return graph.constant(np.arange(size, dtype=np.int64))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    return graph.node("Range", [zero, scalar(graph, size), one])


def scalar(graph: GraphWriter, size: Any) -> str:
    """Returns a size as an int64 without axes."""
    if is_known(size):
        return graph.constant(int(size), np.int64)
    return graph.node("Squeeze", [graph.size(size), _axes(graph, [0])])


def _dim_as_value(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    return [graph.cast(scalar(graph, eqn.params["dim"]), eqn.outvars[0].aval.dtype)]


def _dynamic_slice(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, *starts = inputs
    sizes = eqn.params["slice_sizes"]
    axes = [axis for axis in range(x.rank) if sizes[axis] != x.shape[axis]]
    if not axes:
        return [graph.name_of(x)]
    begin = _clamped_starts(graph, x, [starts[axis] for axis in axes], axes, sizes)
    end = graph.node("Add", [begin, graph.shape([sizes[axis] for axis in axes])])
    return [graph.node("Slice", [x, begin, end, _axes(graph, axes)])]


def _clamped_starts(
    graph: GraphWriter, x: Value, starts: list[Value], axes: list[int], sizes: Sequence[Any]
) -> str:
    parts = [graph.reshape(graph.cast(start, np.int64), (1,)) for start in starts]
    begin = graph.node("Concat", parts, axis=0) if len(parts) > 1 else parts[0]
    last = graph.shape([x.shape[axis] - sizes[axis] for axis in axes])
    return graph.node("Min", [graph.node("Max", [begin, graph.constant([0], np.int64)]), last])


def _dynamic_update_slice(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, update, *starts = inputs
    axes = [axis for axis in range(x.rank) if update.shape[axis] != x.shape[axis]]
    if not axes:
        return [graph.name_of(update)]
    if len(axes) > 1:
        raise NotImplementedError("an update of a slice along several axes")
    begin = _clamped_starts(graph, x, [starts[axes[0]]], axes, update.shape)
    end = graph.node("Add", [begin, graph.size(update.shape[axes[0]])])
    zero, most = graph.constant([0], np.int64), graph.constant([2**62], np.int64)
    before = graph.node("Slice", [x, zero, begin, _axes(graph, axes)])
    after = graph.node("Slice", [x, end, most, _axes(graph, axes)])
    return [graph.node("Concat", [before, update, after], axis=axes[0])]


def _fft(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    # A complex array is an array of floats with a last axis of 2.
    x, lengths, kind = inputs[0], eqn.params["fft_lengths"], int(eqn.params["fft_type"])
    if len(lengths) != 1 or kind not in (_FORWARD, _TO_HALF):
        raise NotImplementedError("inverse Fourier transforms, and those along several axes")
    y = graph.name_of(x)
    if kind == _TO_HALF:
        y = graph.node("Unsqueeze", [y, _axes(graph, [x.rank])])
    half = int(kind == _TO_HALF)
    return [graph.node("DFT", [y, scalar(graph, lengths[0])], axis=x.rank - 1, onesided=half)]


def _component_rule(index: int) -> Rule:
    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        part = graph.constant(index, np.int64)
        return [graph.node("Gather", [inputs[0], part], axis=inputs[0].rank)]

    return rule


RULES: dict[str, Rule] = {
    "reshape": _reshape,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    "broadcast_in_dim": _broadcast_in_dim,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "stack": _stack,
    "split": _split,
    "slice": _slice,
    "rev": _rev,
    "pad": _pad,
    "iota": _iota,
    "dim_as_value": _dim_as_value,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "fft": _fft,
    "real": _component_rule(0),
    "imag": _component_rule(1),
}
