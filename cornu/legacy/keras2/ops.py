"""Functions of TensorFlow that are nodes of a graph in tf.keras, as ops of today.

tf.keras made a layer of each: `TFOpLambda` for a function, `SlicingOpLambda` for an index and, up
to TensorFlow 2.3, `TensorFlowOpLayer` for an op of TensorFlow's graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cornu.legacy.activations import HARD_SIGMOID
from cornu.legacy.graphs import Call
from cornu.types import Config

__all__ = ["OPS", "convert_op"]

# The arguments of a call of an op: by position, and by name.
Arguments = tuple[list[Any], dict[str, Any]]


class _OpRow(NamedTuple):
    """One function of TensorFlow.

    Attributes:
        target: the op of today.
        names: present names of arguments other than the first, by those of TensorFlow.
        defaults: what TensorFlow uses if an argument is missing.
        neutral: arguments that have no equal, with the value that changes nothing.
    """

    target: str
    names: Mapping[str, str] = {}
    defaults: Mapping[str, Any] = {}
    neutral: Mapping[str, Any] = {}


_UNARY = _OpRow("")
_BINARY = {"y": "x2"}
_REDUCTION = {"axis": "axis", "keepdims": "keepdims"}
_ONE_AXIS = {"axis": "axis"}

_UNARY_FUNCTIONS = {
    **{f"math.{name}": name for name in ("abs", "square", "sqrt", "rsqrt", "exp", "log", "log1p")},
    **{f"math.{name}": name for name in ("expm1", "sin", "cos", "tan", "tanh", "sigmoid", "erf")},
    **{f"math.{name}": name for name in ("floor", "ceil", "round", "sign", "negative", "isnan")},
    **{f"math.{name}": name for name in ("reciprocal", "logical_not", "softplus")},
    **{f"nn.{name}": name for name in ("relu", "relu6", "elu", "selu", "softplus", "softsign")},
    **{f"nn.{name}": name for name in ("sigmoid", "tanh", "silu")},
    "math.softsign": "softsign",
    "math.is_nan": "isnan",
    "nn.swish": "silu",
    "__operators__.neg": "negative",
    "__operators__.abs": "abs",
    "__operators__.invert": "logical_not",
    "keras.activations.hard_sigmoid": HARD_SIGMOID,
}
_BINARY_FUNCTIONS = {
    "math.add": "add",
    "math.subtract": "subtract",
    "math.multiply": "multiply",
    "math.divide": "divide",
    "math.truediv": "divide",
    "math.divide_no_nan": "divide_no_nan",
    "math.floordiv": "floor_divide",
    "math.floormod": "mod",
    "math.pow": "power",
    "math.maximum": "maximum",
    "math.minimum": "minimum",
    "math.equal": "equal",
    "math.not_equal": "not_equal",
    "math.greater": "greater",
    "math.greater_equal": "greater_equal",
    "math.less": "less",
    "math.less_equal": "less_equal",
    "math.logical_and": "logical_and",
    "math.logical_or": "logical_or",
    "__operators__.add": "add",
    "__operators__.sub": "subtract",
    "__operators__.mul": "multiply",
    "__operators__.truediv": "divide",
    "__operators__.floordiv": "floor_divide",
    "__operators__.mod": "mod",
    "__operators__.pow": "power",
    "__operators__.eq": "equal",
    "__operators__.ne": "not_equal",
}
_REDUCTIONS = {
    "math.reduce_mean": "mean",
    "math.reduce_sum": "sum",
    "math.reduce_max": "max",
    "math.reduce_min": "min",
    "math.reduce_prod": "prod",
    "math.reduce_any": "any",
    "math.reduce_all": "all",
    "math.reduce_std": "std",
    "math.reduce_variance": "var",
    "math.reduce_logsumexp": "logsumexp",
}

_FUNCTIONS: dict[str, _OpRow] = {
    **{name: _UNARY._replace(target=target) for name, target in _UNARY_FUNCTIONS.items()},
    **{name: _OpRow(target, _BINARY) for name, target in _BINARY_FUNCTIONS.items()},
    **{name: _OpRow(target, _REDUCTION) for name, target in _REDUCTIONS.items()},
    "math.argmax": _OpRow("argmax", _ONE_AXIS, {"axis": 0}),
    "math.argmin": _OpRow("argmin", _ONE_AXIS, {"axis": 0}),
    "math.cumsum": _OpRow("cumsum", _ONE_AXIS, {"axis": 0}, {"exclusive": False, "reverse": False}),
    "nn.softmax": _OpRow("softmax", _ONE_AXIS),
    "nn.log_softmax": _OpRow("log_softmax", _ONE_AXIS),
    "nn.gelu": _OpRow("gelu", {"approximate": "approximate"}, {"approximate": False}),
    "nn.leaky_relu": _OpRow("leaky_relu", {"alpha": "negative_slope"}, {"negative_slope": 0.2}),
    "linalg.matmul": _OpRow(
        "matmul",
        {"b": "x2"},
        neutral={
            "transpose_a": False,
            "transpose_b": False,
            "adjoint_a": False,
            "adjoint_b": False,
        },
    ),
    "concat": _OpRow("concatenate", _ONE_AXIS),
    "stack": _OpRow("stack", _ONE_AXIS, {"axis": 0}),
    "unstack": _OpRow("unstack", {"num": "num", "axis": "axis"}),
    "split": _OpRow(
        "split", {"num_or_size_splits": "indices_or_sections", "axis": "axis"}, {"axis": 0}
    ),
    "reshape": _OpRow("reshape", {"shape": "newshape"}),
    "transpose": _OpRow("transpose", {"perm": "axes"}, neutral={"conjugate": False}),
    "compat.v1.transpose": _OpRow("transpose", {"perm": "axes"}, neutral={"conjugate": False}),
    "expand_dims": _OpRow("expand_dims", _ONE_AXIS),
    "squeeze": _OpRow("squeeze", _ONE_AXIS),
    "compat.v1.squeeze": _OpRow("squeeze", _ONE_AXIS),
    "tile": _OpRow("tile", {"multiples": "repeats"}),
    "repeat": _OpRow("repeat", {"repeats": "repeats", "axis": "axis"}),
    "reverse": _OpRow("flip", _ONE_AXIS),
    "roll": _OpRow("roll", {"shift": "shift", "axis": "axis"}),
    "cast": _OpRow("cast", {"dtype": "dtype"}),
    "clip_by_value": _OpRow("clip", {"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "where": _OpRow("where", {"x": "x1", "y": "x2"}),
    "one_hot": _OpRow(
        "one_hot",
        {"depth": "num_classes", "axis": "axis", "dtype": "dtype"},
        neutral={"on_value": 1, "off_value": 0},
    ),
    "gather": _OpRow("take", {"indices": "indices", "axis": "axis"}, {"axis": 0}),
    "zeros_like": _OpRow("zeros_like", {"dtype": "dtype"}),
    "ones_like": _OpRow("ones_like", {"dtype": "dtype"}),
    "broadcast_to": _OpRow("broadcast_to", {"shape": "shape"}),
    "pad": _OpRow("pad", {"paddings": "pad_width"}, neutral={"mode": "CONSTANT"}),
    "math.l2_normalize": _OpRow("normalize", {"axis": "axis", "epsilon": "epsilon"}),
}

# Ops of TensorFlow's graph.
_GRAPH_OPS = {
    **{
        name: name.lower() for name in ("Add", "Maximum", "Minimum", "Abs", "Square", "Sqrt", "Exp")
    },
    **{name: name.lower() for name in ("Log", "Relu", "Sigmoid", "Tanh", "Softmax", "Softplus")},
    "AddV2": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "RealDiv": "divide",
    "Pow": "power",
    "Neg": "negative",
    "Mean": "mean",
    "Sum": "sum",
    "Max": "max",
    "Min": "min",
    "ConcatV2": "concatenate",
    "Reshape": "reshape",
    "Transpose": "transpose",
    "ExpandDims": "expand_dims",
    "BatchMatMulV2": "matmul",
    "MatMul": "matmul",
}
_GRAPH_REDUCTIONS = ("Mean", "Sum", "Max", "Min")


def convert_op(entry: Config, calls: list[Call]) -> tuple[Config, list[Arguments]]:
    """Returns the entry of an op, and the arguments of its calls.

    Args:
        entry: the entry of the layer that tf.keras made of it.
        calls: its calls.

    Raises:
        ValueError: the op or an argument has no equal today.
    """
    config = entry["config"]
    target, converted = OPS[entry["class_name"]](config, calls)
    own = ">" in target
    described = {
        "module": "keras.ops",
        "class_name": target,
        "config": {"name": config.get("name")},
        "registered_name": target if own else None,
    }
    return described, converted


def _convert_function(config: Config, calls: list[Call]) -> tuple[str, list[Arguments]]:
    name = str(config.get("function"))
    row = _FUNCTIONS.get(name)
    if row is None:
        raise _unsupported(f"tf.{name}")
    return row.target, [_convert_call(name, row, call) for call in calls]


def _convert_call(name: str, row: _OpRow, call: Call) -> Arguments:
    kwargs = {}
    for argument, value in call.kwargs.items():
        if argument in row.names:
            kwargs[row.names[argument]] = value if name != "split" else _sections(argument, value)
        elif argument != "name" and value != row.neutral.get(argument):
            raise _unsupported(f"tf.{name} with {argument}={str(value)[:80]}")
    return [call.inputs], {**row.defaults, **kwargs}


def _sections(argument: str, value: Any) -> Any:
    """Replaces the sizes of parts by the positions between them."""
    if argument == "num_or_size_splits" and isinstance(value, list):
        return list(itertools.accumulate(value))[:-1]
    return value


def _convert_index(config: Config, calls: list[Call]) -> tuple[str, list[Arguments]]:
    converted: list[Arguments] = []
    for call in calls:
        key = call.kwargs.get("slice_spec")
        parts = key if isinstance(key, list) else [key]
        converted.append(([call.inputs, _tuple([_convert_key(part) for part in parts])], {}))
    return "get_item", converted


def _convert_key(part: Any) -> Any:
    if isinstance(part, Mapping) and "start" in part:
        bounds = {name: part.get(name) for name in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": bounds}
    if isinstance(part, Mapping) and part.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return part


def _tuple(items: list[Any]) -> Config:
    return {"class_name": "__tuple__", "items": items}


def _convert_graph_op(config: Config, calls: list[Call]) -> tuple[str, list[Arguments]]:
    node = config.get("node_def")
    name = str(node.get("op")) if isinstance(node, Mapping) else str(node)[:80]
    if not isinstance(node, Mapping) or name not in _GRAPH_OPS:
        raise _unsupported(f"TensorFlow's op {name}")
    constants = config.get("constants") or {}
    converted: list[Arguments] = []
    for call in calls:
        tensors = call.inputs if isinstance(call.inputs, list) else [call.inputs]
        left, args = list(tensors), []
        for position in range(len(tensors) + len(constants)):
            args.append(constants[str(position)] if str(position) in constants else left.pop(0))
        kwargs = {}
        if name in _GRAPH_REDUCTIONS:
            keeps = node.get("attr", {}).get("keep_dims", {}).get("b", False)
            kwargs["keepdims"] = bool(keeps)
        if name == "ConcatV2":
            args = [args[:-1], args[-1]]
        converted.append((args, kwargs))
    return _GRAPH_OPS[name], converted


def _unsupported(what: str) -> ValueError:
    return ValueError(
        f"The model calls {what}, which has no equal in cornu.ops.\nCreate the model in your "
        "program, and load its weights with model.load_weights(path)."
    )


OPS: dict[str, Callable[[Config, list[Call]], tuple[str, list[Arguments]]]] = {
    "TFOpLambda": _convert_function,
    "SlicingOpLambda": _convert_index,
    "TensorFlowOpLayer": _convert_graph_op,
}
