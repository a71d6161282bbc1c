"""Primitives that compute each number from the numbers at the same position."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax import lax

from cornu.export.onnx.graph import GraphWriter, Value

__all__ = ["RULES", "supported"]

Rule = Callable[[GraphWriter, Any, list[Value]], list[str]]

FLOATS = ("float32", "float64")
NUMBERS = (*FLOATS, "int32", "int64")
_BOOL = ("bool",)
# What numbers are computed in where runtimes have no operator for their dtype.
_WIDER = {
    **dict.fromkeys(("bool", "int8", "uint8", "int16", "uint16"), "int32"),
    **dict.fromkeys(("uint32", "uint64"), "int64"),
    **dict.fromkeys(("float16", "bfloat16"), "float32"),
}


class _Operator(NamedTuple):
    """An operator of ONNX.

    Attributes:
        kind: its name.
        dtypes: the dtypes that runtimes have it for.
        attributes: its attributes.
    """

    kind: str
    dtypes: tuple[str, ...] = FLOATS
    attributes: dict[str, Any] = {}


_OPERATORS = {
    "add": _Operator("Add", NUMBERS),
    "add_any": _Operator("Add", NUMBERS),
    "sub": _Operator("Sub", NUMBERS),
    "mul": _Operator("Mul", NUMBERS),
    "div": _Operator("Div", NUMBERS),
    "neg": _Operator("Neg", NUMBERS),
    "abs": _Operator("Abs", NUMBERS),
    "sign": _Operator("Sign", NUMBERS),
    "max": _Operator("Max", (*NUMBERS, "uint64")),
    "min": _Operator("Min", (*NUMBERS, "uint64")),
    "pow": _Operator("Pow", NUMBERS),
    "rem": _Operator("Mod", NUMBERS, {"fmod": 1}),
    "exp": _Operator("Exp"),
    "log": _Operator("Log"),
    "tanh": _Operator("Tanh"),
    "logistic": _Operator("Sigmoid"),
    "sqrt": _Operator("Sqrt"),
    "sin": _Operator("Sin", ("float32",)),
    "cos": _Operator("Cos", ("float32",)),
    "tan": _Operator("Tan", ("float32",)),
    "asin": _Operator("Asin", ("float32",)),
    "acos": _Operator("Acos", ("float32",)),
    "atan": _Operator("Atan", ("float32",)),
    "sinh": _Operator("Sinh", ("float32",)),
    "cosh": _Operator("Cosh", ("float32",)),
    "asinh": _Operator("Asinh", ("float32",)),
    "acosh": _Operator("Acosh", ("float32",)),
    "atanh": _Operator("Atanh", ("float32",)),
    "erf": _Operator("Erf", ("float32",)),
    "floor": _Operator("Floor"),
    "ceil": _Operator("Ceil"),
    "eq": _Operator("Equal", ("bool", *NUMBERS)),
    "lt": _Operator("Less", NUMBERS),
    "le": _Operator("LessOrEqual", NUMBERS),
    "gt": _Operator("Greater", NUMBERS),
    "ge": _Operator("GreaterOrEqual", NUMBERS),
    # In the order of these, NaN has a place; elsewhere they agree.
    "lt_to": _Operator("Less", NUMBERS),
    "le_to": _Operator("LessOrEqual", NUMBERS),
}
_COMPARISONS = ("eq", "lt", "le", "gt", "ge", "lt_to", "le_to")
_BITWISE = {"and": "And", "or": "Or", "xor": "Xor"}


def supported(graph: GraphWriter, x: Value, dtypes: Sequence[str]) -> tuple[Value | str, str]:
    """Returns an array in a dtype of an operator, and this dtype."""
    name = np.dtype(x.dtype).name
    if name.startswith("complex"):
        raise NotImplementedError("arithmetic with complex numbers")
    if name in dtypes:
        return x, name
    wider = _WIDER.get(name, "float32")
    wider = wider if wider in dtypes else dtypes[0]
    return graph.cast(x, wider), wider


def restored(graph: GraphWriter, x: str, computed: str, dtype: Any) -> str:
    """Returns an array in the dtype of a result."""
    return x if np.dtype(dtype).name == computed else graph.cast(x, dtype)


def _operator_rule(primitive: str, operator: _Operator) -> Rule:
    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        pairs = [supported(graph, x, operator.dtypes) for x in inputs]
        y = graph.node(operator.kind, [x for x, _ in pairs], **operator.attributes)
        if primitive in _COMPARISONS:
            return [y]
        return [restored(graph, y, pairs[0][1], eqn.outvars[0].aval.dtype)]

    return rule


def _bitwise_rule(kind: str) -> Rule:
    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        is_bool = np.dtype(inputs[0].dtype).kind == "b"
        return [graph.node(kind if is_bool else f"Bitwise{kind}", inputs)]

    return rule


def _ne(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    pairs = [supported(graph, x, ("bool", *NUMBERS))[0] for x in inputs]
    return [graph.node("Not", [graph.node("Equal", pairs)])]


def _not(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    kind = "Not" if np.dtype(inputs[0].dtype).kind == "b" else "BitwiseNot"
    return [graph.node(kind, inputs)]


def _select(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    which, *cases = inputs
    if len(cases) != 2:
        raise NotImplementedError("a choice between more than two arrays")
    if np.dtype(which.dtype).kind != "b":
        raise NotImplementedError("a choice by integers")
    dtypes = (*FLOATS, "int32", "int64", "uint8")
    pairs = [supported(graph, x, dtypes) for x in cases]
    y = graph.node("Where", [which, pairs[1][0], pairs[0][0]])
    return [restored(graph, y, pairs[0][1], cases[0].dtype)]


def _clamp(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    low, x, high = (supported(graph, value, NUMBERS)[0] for value in inputs)
    computed = supported(graph, inputs[1], NUMBERS)[1]
    y = graph.node("Min", [graph.node("Max", [low, x]), high])
    return [restored(graph, y, computed, inputs[1].dtype)]


def _convert(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    (x,) = inputs
    new = np.dtype(eqn.params["new_dtype"])
    if new == np.dtype(x.dtype):
        return [graph.name_of(x)]
    if new.kind == "b":
        zero = graph.constant(np.zeros((), x.dtype))
        return [graph.node("Not", [graph.node("Equal", [x, zero])])]
    return [graph.cast(x, new)]


def _formula(compute: Callable[[GraphWriter, str, Callable[[float], str]], str]) -> Rule:
    """Returns the rule of a function of floats that consists of several operators."""

    def rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
        x, computed = supported(graph, inputs[0], FLOATS)
        name = x if isinstance(x, str) else graph.name_of(x)
        y = compute(graph, name, lambda number: graph.constant(number, computed))
        return [restored(graph, y, computed, inputs[0].dtype)]

    return rule


def _integer_pow(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, computed = supported(graph, inputs[0], NUMBERS)
    y = graph.node("Pow", [x, graph.constant(eqn.params["y"], computed)])
    return [restored(graph, y, computed, inputs[0].dtype)]


def _square(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, computed = supported(graph, inputs[0], NUMBERS)
    return [restored(graph, graph.node("Mul", [x, x]), computed, inputs[0].dtype)]


def _expm1(graph: GraphWriter, x: str, number: Callable[[float], str]) -> str:
    # exp(x) - 1 loses all digits of a small x; 2 exp(x/2) sinh(x/2) keeps them.
    half = graph.node("Mul", [x, number(0.5)])
    product = graph.node("Mul", [graph.node("Exp", [half]), graph.node("Sinh", [half])])
    small = graph.node("Mul", [number(2.0), product])
    large = graph.node("Sub", [graph.node("Exp", [x]), number(1.0)])
    is_small = graph.node("Less", [graph.node("Abs", [x]), number(0.5)])
    return graph.node("Where", [is_small, small, large])


def _log1p(graph: GraphWriter, x: str, number: Callable[[float], str]) -> str:
    # 2 atanh(x / (2 + x)) keeps the digits of a small x; of a large one, log keeps them.
    ratio = graph.node("Div", [x, graph.node("Add", [x, number(2.0)])])
    small = graph.node("Mul", [number(2.0), graph.node("Atanh", [ratio])])
    large = graph.node("Log", [graph.node("Add", [x, number(1.0)])])
    is_small = graph.node("Less", [graph.node("Abs", [x]), number(0.5)])
    return graph.node("Where", [is_small, small, large])


def _erfc(graph: GraphWriter, x: str, number: Callable[[float], str]) -> str:
    return graph.node("Sub", [number(1.0), graph.node("Erf", [x])])


def _rsqrt(graph: GraphWriter, x: str, number: Callable[[float], str]) -> str:
    return graph.node("Reciprocal", [graph.node("Sqrt", [x])])


def _exp2(graph: GraphWriter, x: str, number: Callable[[float], str]) -> str:
    return graph.node("Exp", [graph.node("Mul", [x, number(math.log(2.0))])])


def _cbrt(graph: GraphWriter, x: str, number: Callable[[float], str]) -> str:
    root = graph.node("Pow", [graph.node("Abs", [x]), number(1 / 3)])
    return graph.node("Mul", [graph.node("Sign", [x]), root])


def _is_finite(graph: GraphWriter, x: str, number: Callable[[float], str]) -> str:
    # Of infinities and NaN, the difference with themselves is NaN.
    return graph.node("Not", [graph.node("IsNaN", [graph.node("Sub", [x, x])])])


def _is_finite_rule(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, _ = supported(graph, inputs[0], FLOATS)
    name = x if isinstance(x, str) else graph.name_of(x)
    return [_is_finite(graph, name, lambda number: graph.constant(number))]


def _round(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    x, computed = supported(graph, inputs[0], FLOATS)
    if eqn.params["rounding_method"] == lax.RoundingMethod.TO_NEAREST_EVEN:
        return [restored(graph, graph.node("Round", [x]), computed, inputs[0].dtype)]
    half = graph.constant(0.5, computed)
    size = graph.node("Floor", [graph.node("Add", [graph.node("Abs", [x]), half])])
    y = graph.node("Mul", [graph.node("Sign", [x]), size])
    return [restored(graph, y, computed, inputs[0].dtype)]


def _atan2(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    y, x = (graph.name_of(value) for value in inputs)
    zero = graph.constant(np.zeros((), inputs[0].dtype))
    pi = graph.constant(np.asarray(math.pi, inputs[0].dtype))
    angle = graph.node("Atan", [graph.node("Div", [y, x])])
    turned = graph.node("Where", [graph.node("Less", [y, zero]), graph.node("Neg", [pi]), pi])
    left = graph.node("Add", [angle, turned])
    result = graph.node("Where", [graph.node("Less", [x, zero]), left, angle])
    # 0 / 0 is NaN, and the angle of the origin 0.
    origin = graph.node("And", [graph.node("Equal", [x, zero]), graph.node("Equal", [y, zero])])
    return [graph.node("Where", [origin, zero, result])]


def _same(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[str]:
    return [graph.name_of(x) for x in inputs]


RULES: dict[str, Rule] = {
    **{name: _operator_rule(name, operator) for name, operator in _OPERATORS.items()},
    **{name: _bitwise_rule(kind) for name, kind in _BITWISE.items()},
    "ne": _ne,
    "not": _not,
    "select_n": _select,
    "clamp": _clamp,
    "convert_element_type": _convert,
    "integer_pow": _integer_pow,
    "square": _square,
    "expm1": _formula(_expm1),
    "log1p": _formula(_log1p),
    "erfc": _formula(_erfc),
    "rsqrt": _formula(_rsqrt),
    "exp2": _formula(_exp2),
    "cbrt": _formula(_cbrt),
    "is_finite": _is_finite_rule,
    "round": _round,
    "atan2": _atan2,
    "copy": _same,
    "copy_p": _same,
    "stop_gradient": _same,
    "optimization_barrier": _same,
    "reduce_precision": _same,
    "name": _same,
}
