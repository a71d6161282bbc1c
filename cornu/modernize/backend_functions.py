"""The functions of `keras.backend` and what is written instead today.

Their signatures, and so the meaning of positions, are those of the dialects
(`cornu.dialects.backend.signatures`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["FUNCTIONS", "KEPT", "REASONS", "Function"]


class Function(NamedTuple):
    """What is written for a function of the backend.

    Attributes:
        path: a path below `keras`, or "" for `text`.
        renames: names of parameters in the version -> names today, where they differ.
        fixed: arguments that the function did not have, as source text.
        text: a template with the parameters of the version in braces; `{keras}` and `{ops}` are
            the modules.
    """

    path: str = ""
    renames: Mapping[str, str] = {}
    fixed: Mapping[str, str] = {}
    text: str = ""


def _op(name: str, **renames: str) -> Function:
    return Function(f"ops.{name}", renames)


_BINARY = {"x": "x1", "y": "x2"}
_SAME = (
    *("abs", "all", "any", "argmax", "argmin", "cos", "cumprod", "cumsum", "elu", "exp", "log"),
    *("logsumexp", "max", "mean", "min", "ones_like", "prod", "round", "shape", "sigmoid", "sign"),
    *("sin", "softmax", "softplus", "softsign", "sqrt", "square", "squeeze", "std", "sum", "tanh"),
    *("transpose", "var", "zeros_like", "arange", "cast", "size", "slice"),
)
_BINARY_OPS = (
    *("equal", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum", "not_equal"),
)

FUNCTIONS: dict[str, Function] = {
    **{name: _op(name) for name in _SAME},
    **{name: Function(f"ops.{name}", _BINARY) for name in _BINARY_OPS},
    "lesser": Function("ops.less", _BINARY),
    "lesser_equal": Function("ops.less_equal", _BINARY),
    "sum": _op("sum"),
    "arange": _op("arange"),
    "slice": _op("slice", x="inputs", start="start_indices", size="shape"),
    "bias_add": Function(text="{x} + {bias}"),
    "cast_to_floatx": Function(text="{ops}.cast({x}, {keras}.config.floatx())"),
    "count_params": Function(text="{ops}.size({x})"),
    "dtype": Function(text="{keras}.backend.standardize_dtype({x}.dtype)"),
    "in_top_k": _op("in_top_k"),
    "batch_dot": Function(text="{keras}.layers.dot([{x}, {y}], axes={axes})"),
    "batch_flatten": Function(text="{keras}.layers.Flatten()({x})"),
    "binary_crossentropy": _op("binary_crossentropy"),
    "categorical_crossentropy": _op("categorical_crossentropy"),
    "clip": _op("clip", min_value="x_min", max_value="x_max"),
    "concatenate": _op("concatenate", tensors="xs"),
    "constant": Function(text="{ops}.convert_to_tensor({value})"),
    "conv1d": Function("ops.conv", {"x": "inputs", "stride": "strides", "border_mode": "padding"}),
    "conv2d": Function("ops.conv", {"x": "inputs", "border_mode": "padding"}),
    "conv3d": Function("ops.conv", {"x": "inputs", "border_mode": "padding"}),
    "ctc_batch_cost": Function(
        text="{ops}.expand_dims({ops}.ctc_loss({y_true}, {ops}.log({y_pred} + {small}), "
        "{ops}.reshape({label_length}, (-1,)), {ops}.reshape({input_length}, (-1,)), "
        "mask_index={y_pred}.shape[-1] - 1), -1)"
    ),
    "dot": Function("ops.dot", _BINARY),
    "dropout": Function("random.dropout", {"x": "inputs", "level": "rate"}),
    "eval": Function(text="{ops}.convert_to_numpy({x})"),
    "expand_dims": _op("expand_dims", dim="axis"),
    "eye": _op("eye", size="N"),
    "flatten": Function(text="{ops}.reshape({x}, (-1,))"),
    "gather": Function("ops.take", {"reference": "x"}, {"axis": "0"}),
    "get_value": Function(text="{ops}.convert_to_numpy({x})"),
    "identity": Function(text="{x}"),
    "int_shape": Function(text="{x}.shape"),
    "get_variable_shape": Function(text="{x}.shape"),
    "l2_normalize": Function("ops.normalize", {}, {"epsilon": "1e-06"}),
    "map_fn": Function("ops.map", {"fn": "f", "elems": "xs"}),
    "ndim": Function(text="len({x}.shape)"),
    "one_hot": _op("one_hot", indices="x", nb_classes="num_classes"),
    "ones": _op("ones"),
    "permute_dimensions": _op("transpose", pattern="axes"),
    "placeholder": Function("Input", {"shape": "batch_shape"}),
    "pow": _op("power", x="x1", a="x2"),
    "random_normal": Function("random.normal", {"std": "stddev"}),
    "random_uniform": Function("random.uniform", {"low": "minval", "high": "maxval"}),
    "relu": _op("relu"),
    "repeat": Function(text="{keras}.layers.RepeatVector({n})({x})"),
    "repeat_elements": _op("repeat", rep="repeats"),
    "reshape": _op("reshape", shape="newshape"),
    "reverse": _op("flip", axes="axis"),
    "set_value": Function(text="{x}.assign({value})"),
    "sparse_categorical_crossentropy": _op("sparse_categorical_crossentropy"),
    "stack": _op("stack"),
    "stop_gradient": _op("stop_gradient", variables="variable"),
    "switch": Function(
        "ops.where", {"condition": "condition", "then_expression": "x1", "else_expression": "x2"}
    ),
    "tile": _op("tile", n="repeats"),
    "truncated_normal": Function("random.truncated_normal"),
    "update": Function(text="{x}.assign({new_x})"),
    "update_add": Function(text="{x}.assign({x} + {increment})"),
    "update_sub": Function(text="{x}.assign({x} - {decrement})"),
    "variable": Function(text="{keras}.Variable({value})"),
    "zeros": _op("zeros"),
}

# Functions that `keras.backend` has today with the same meaning.
KEPT = frozenset(
    (
        *("backend", "clear_session", "epsilon", "floatx", "get_uid", "image_data_format"),
        *("is_keras_tensor", "set_epsilon", "set_floatx", "set_image_data_format"),
    )
)

# Why today's API has no equal, for functions without a row.
REASONS = {
    "gradients": "Keras 3 has no symbolic gradients; compute them with jax.grad, or "
    "cornu.value_and_grad",
    "function": "Keras 3 has no functions with updates or a learning phase",
    "learning_phase": "pass training=True or training=False to the call of the model",
    "set_learning_phase": "pass training=True or training=False to the call of the model",
    "in_train_phase": "take the argument `training` of call, and decide with if",
    "in_test_phase": "take the argument `training` of call, and decide with if",
    "rnn": "write a cell, and pass it to keras.layers.RNN",
    "foldl": "use keras.ops.scan",
    "foldr": "use keras.ops.scan",
    "get_session": "Keras 3 has no sessions",
    "set_session": "Keras 3 has no sessions",
}
