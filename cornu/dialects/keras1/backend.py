"""`keras.backend`: the functions of the backend of Keras 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import ops, settings
from cornu.core.graph.op import op
from cornu.core.graph.tensor import is_keras_tensor
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.legacy.keras1.argument_values import (
    hard_sigmoid,
    image_dim_ordering,
    set_image_dim_ordering,
)
from cornu.ops import random
from cornu.utils import clear_session

__all__ = ["FUNCTIONS"]


def _setting(name: str) -> Callable[[], Any]:
    return lambda: settings.get(name)


def _setter(name: str) -> Callable[[Any], None]:
    return lambda value: settings.put(name, value)


def variable(value: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a Variable with an initial value."""
    return Variable(np.asarray(value, dtype or settings.get("floatx")), name=name)


def get_value(x: Any) -> Any:
    """Returns the value of a Variable."""
    return np.array(x.numpy()) if isinstance(x, Variable) else np.asarray(x)


def argmax(x: Any, axis: int = -1) -> Any:
    """Returns the indices of the maximum along an axis."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Returns the indices of the minimum along an axis."""
    return ops.argmin(x, axis)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Concatenates tensors along an axis."""
    return ops.concatenate(tensors, axis)


def expand_dims(x: Any, dim: int = -1) -> Any:
    """Returns `x` with an axis of size 1 at `dim`."""
    return ops.expand_dims(x, dim)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Repeats each element along an axis `rep` times."""
    return ops.repeat(x, rep, axis)


@op
def repeat(x: Any, n: int) -> Any:
    """Repeats (batch, features) to (batch, n, features)."""
    return ops.tile(x[:, None, :], (1, n, 1))


@op
def batch_flatten(x: Any) -> Any:
    """Reshapes to (batch, features)."""
    return ops.reshape(x, (x.shape[0], -1))


@op
def flatten(x: Any) -> Any:
    """Reshapes to one axis."""
    return ops.reshape(x, (-1,))


def gather(reference: Any, indices: Any) -> Any:
    """Returns the rows of `reference` at `indices`."""
    return ops.take(reference, indices, axis=0)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None) -> Any:
    """Computes `max(x, 0)`, with a slope `alpha` for negative values and an upper bound."""
    y = ops.where(x > 0, x, alpha * x)
    return y if max_value is None else ops.minimum(y, max_value)


def reverse(x: Any, axes: Any) -> Any:
    """Reverses `x` along one or several axes."""
    return ops.flip(x, axes if isinstance(axes, int) else tuple(axes))


def l2_normalize(x: Any, axis: int) -> Any:
    """Divides `x` by its L2 norm along an axis."""
    return ops.normalize(x, axis=axis)


def binary_crossentropy(output: Any, target: Any, from_logits: bool = False) -> Any:
    """Returns the crossentropy of each element; the prediction comes first."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(output: Any, target: Any, from_logits: bool = False) -> Any:
    """Returns the crossentropy along the last axis; the prediction comes first."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits)


def sparse_categorical_crossentropy(output: Any, target: Any, from_logits: bool = False) -> Any:
    """Returns the crossentropy with integer labels; the prediction comes first."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits)


def random_normal(
    shape: Any, mean: float = 0.0, std: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns normally distributed numbers."""
    return random.normal(shape, mean, std, dtype, seed)


def random_uniform(
    shape: Any, low: float = 0.0, high: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns uniformly distributed numbers."""
    return random.uniform(shape, low, high, dtype, seed)


def in_train_phase(x: Any, alt: Any) -> Any:
    """Returns `x` in training and `alt` otherwise; either may be a function."""
    chosen = x if scope.current().training else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any) -> Any:
    """Returns `alt` in training and `x` otherwise; either may be a function."""
    return in_train_phase(alt, x)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Selects elements of two values by a condition."""
    return ops.where(condition, then_expression, else_expression)


# Functions of cornu that take the same arguments in the same order.
_SAME = {
    **{
        name: getattr(ops, name)
        for name in (
            *("abs", "all", "any", "cast", "clip", "cos", "elu"),
            *("equal", "exp", "greater", "greater_equal", "log", "max", "maximum", "mean", "min"),
            *("minimum", "not_equal", "prod", "reshape", "round", "sigmoid", "sign", "sin"),
            *("softmax", "softplus", "softsign", "sqrt", "square", "squeeze", "std", "sum"),
            *("tanh", "tile", "transpose", "var", "ones", "zeros", "ones_like", "zeros_like"),
            *("dot", "eye", "shape", "ndim", "stack"),
        )
    },
    "lesser": ops.less,
    "lesser_equal": ops.less_equal,
    "permute_dimensions": ops.transpose,
    "pow": ops.power,
    "stop_gradient": ops.stop_gradient,
    "one_hot": ops.one_hot,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **_SAME,
    **{
        fn.__name__: fn
        for fn in (
            *(
                variable,
                get_value,
                argmax,
                argmin,
                concatenate,
                expand_dims,
                repeat_elements,
                repeat,
                batch_flatten,
                flatten,
            ),
            *(gather, relu, reverse, l2_normalize, binary_crossentropy, categorical_crossentropy),
            *(sparse_categorical_crossentropy, random_normal, random_uniform, in_train_phase),
            *(in_test_phase, switch, image_dim_ordering, set_image_dim_ordering, clear_session),
            is_keras_tensor,
        )
    },
    "hard_sigmoid": hard_sigmoid,
    "eval": get_value,
    "set_value": lambda x, value: x.assign(value),
    "int_shape": lambda x: tuple(x.shape),
    "dtype": lambda x: str(x.dtype),
    # Programs choose layouts and formulas by backend; cornu has those of TensorFlow.
    "backend": lambda: "tensorflow",
    "floatx": _setting("floatx"),
    "set_floatx": _setter("floatx"),
    "epsilon": _setting("epsilon"),
    "set_epsilon": _setter("epsilon"),
    "cast_to_floatx": lambda x: np.asarray(x, settings.get("floatx")),
}
