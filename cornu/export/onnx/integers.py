"""Primitives of integers: shifts, divisions, sums, and the order of unsigned integers of 64 bits.

Runtimes have few operators for unsigned integers of 64 bits. Sums and products of them are those of
signed integers with the same bits; quotients and comparisons are written here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.export.onnx import elementwise, reductions
from cornu.export.onnx.elementwise import Rule
from cornu.export.onnx.graph import GraphWriter, Value

__all__ = ["NOT_OF_UINT64", "RULES"]

NOT_OF_UINT64 = frozenset(
    ("abs", "argmax", "argmin", "clamp", "integer_pow", "pow", "reduce_max")
    + ("reduce_min", "scatter-max", "scatter-min", "sign", "sort", "top_k")
)
"""Primitives whose results differ from those of signed integers with the same bits."""

_LOW_BITS = (1 << 32) - 1
_HIGHEST_BIT = np.uint64(1 << 63)
_COMPARISONS = {
    "lt": "Less",
    "le": "LessOrEqual",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
}


def _is_uint64(values: list[Value]) -> bool:
    return bool(np.dtype(values[0].dtype) == np.uint64)


def _ordered(graph: GraphWriter, x: Value | str) -> str:
    """Returns signed integers in the order of unsigned ones: the highest bit is inverted."""
    return graph.cast(graph.node("BitwiseXor", [x, graph.constant(_HIGHEST_BIT)]), np.int64)


def _comparison_rule(primitive: str) -> Rule:
    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        if not _is_uint64(inputs):
            return elementwise.RULES[primitive](graph, eqn, inputs)
        return [graph.node(_COMPARISONS[primitive], [_ordered(graph, x) for x in inputs])]

    return rule


def _quotient(graph: GraphWriter, x: Value, y: Value) -> str:
    """Returns the quotients of unsigned integers of 64 bits.

    Half of x is positive as a signed integer, so that twice its quotient is that of x, or one less.
    A divisor that is negative as a signed integer has the quotient 0 or 1.
    """
    one = graph.constant(np.uint64(1))
    signed, zero = graph.cast(y, np.int64), graph.constant(0, np.int64)
    is_small = graph.node("Greater", [signed, zero])
    half = graph.cast(graph.node("BitShift", [x, one], direction="RIGHT"), np.int64)
    divisor = graph.node("Where", [is_small, signed, graph.constant(1, np.int64)])
    quotient = graph.node("Mul", [graph.node("Div", [half, divisor]), graph.constant(2, np.int64)])
    quotient = graph.node("Where", [is_small, quotient, zero])
    dividend = graph.cast(x, np.int64)
    rest = graph.node("Sub", [dividend, graph.node("Mul", [quotient, divisor])])
    rest = graph.cast(rest, np.uint64)
    is_more = graph.node("GreaterOrEqual", [_ordered(graph, rest), _ordered(graph, y)])
    return graph.node("Add", [quotient, graph.cast(is_more, np.int64)])


def _division_rule(primitive: str) -> Rule:
    """Returns the rule of a division of integers, which runtimes refuse or end the process for.

    Divisors 0, and -1 of the least number, have results in XLA: x / 0 = -1 and x % 0 = x.
    """

    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        x, y = inputs
        dtype = np.dtype(x.dtype)
        is_safe = y.known is not None and not np.isin(np.asarray(y.known), (0, -1)).any()
        if dtype.kind not in "iu" or (is_safe and dtype != np.uint64):
            return elementwise.RULES[primitive](graph, eqn, inputs)
        one = graph.constant(1, np.int64)
        signed = graph.cast(y, np.int64)
        is_zero = graph.node("Equal", [signed, graph.constant(0, np.int64)])
        if dtype == np.uint64:
            divisor = graph.node("Where", [is_zero, one, signed])
            safe = Value(graph.cast(divisor, np.uint64), y.shape, dtype)
            if primitive == "rem":
                rest = graph.cast(graph.node("Mod", [x, safe]), np.int64)
                rest = graph.node("Where", [is_zero, graph.cast(x, np.int64), rest])
                return [graph.cast(rest, dtype)]
            result = _quotient(graph, x, safe)
        else:
            is_minus = graph.node("Equal", [signed, graph.constant(-1, np.int64)])
            replaced = graph.node("Or", [is_zero, is_minus])
            safe_name = graph.node("Where", [replaced, one, signed])
            dividend = graph.cast(x, np.int64)
            if primitive == "rem":
                result = graph.node("Mod", [dividend, safe_name], fmod=1)
                return [graph.cast(graph.node("Where", [is_zero, dividend, result]), dtype)]
            result = graph.node("Div", [dividend, safe_name])
            opposite = graph.node("Neg", [dividend])
            result = graph.node("Where", [is_minus, opposite, result])
        ones = graph.constant(-1, np.int64)
        return [graph.cast(graph.node("Where", [is_zero, ones, result]), dtype)]

    return rule


def _shift_rule(direction: str, is_arithmetic: bool = False) -> Rule:
    """Returns the rule of a shift, which ONNX has for unsigned integers."""

    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        x, by = inputs
        result = dtype = np.dtype(x.dtype)
        if is_arithmetic:  # the highest bit is that of the sign also of unsigned integers
            dtype = np.dtype(f"int{8 * dtype.itemsize}")
            x = x._replace(name=graph.cast(x, dtype), dtype=dtype, known=None)
        wide = np.dtype(np.uint64 if dtype.itemsize == 8 else np.uint32)
        count = graph.cast(by, wide)

        def shift(value: Value | str) -> str:
            bits = value if dtype == wide and not is_arithmetic else graph.cast(value, wide)
            return graph.node("BitShift", [bits, count], direction=direction)

        if dtype.kind == "i" and direction == "RIGHT":
            if not is_arithmetic:
                unsigned = graph.cast(x, f"uint{8 * dtype.itemsize}")
                return [graph.cast(shift(unsigned), dtype)]
            # The complement of a negative number is not negative.
            is_negative = graph.node("Less", [graph.cast(x, np.int64), graph.constant(0, np.int64)])
            left = graph.cast(shift(graph.node("BitwiseNot", [x])), np.int64)
            left = graph.node("BitwiseNot", [left])
            right = graph.cast(shift(x), np.int64)
            return [graph.cast(graph.node("Where", [is_negative, left, right]), result)]
        return [graph.cast(shift(x), dtype)]

    return rule


def _reduce_sum(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    """Sums integers exactly; onnxruntime computes such sums in float64, and limits the result."""
    (x,) = inputs
    dtype = np.dtype(x.dtype)
    if dtype.kind not in "iu":
        return reductions.RULES["reduce_sum"](graph, eqn, inputs)
    axes = graph.constant([int(axis) for axis in eqn.params["axes"]], np.int64)

    def add_up(part: str) -> str:
        return graph.node("ReduceSum", [part, axes], keepdims=0, noop_with_empty_axes=1)

    wide = graph.cast(x, np.int64)
    if dtype.itemsize < 8:
        return [graph.cast(add_up(wide), dtype)]
    # The halves of each number are summed separately.
    low = graph.node("BitwiseAnd", [wide, graph.constant(_LOW_BITS, np.int64)])
    high = graph.node("Div", [graph.node("Sub", [wide, low]), graph.constant(1 << 32, np.int64)])
    raised = graph.node("Mul", [add_up(high), graph.constant(1 << 32, np.int64)])
    return [graph.cast(graph.node("Add", [raised, add_up(low)]), dtype)]


RULES: dict[str, Rule] = {
    "reduce_sum": _reduce_sum,
    **{name: _comparison_rule(name) for name in _COMPARISONS},
    **{name: _division_rule(name) for name in ("div", "rem")},
    "shift_left": _shift_rule("LEFT"),
    "shift_right_logical": _shift_rule("RIGHT"),
    "shift_right_arithmetic": _shift_rule("RIGHT", is_arithmetic=True),
}
