"""`tensorflow.keras.backend`: `keras.backend`, and the functions that it had before Keras 3.

Most are those of Keras 1, which did not change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from cornu import backend as backend_of_keras3
from cornu import ops
from cornu.core.state.public_scopes import name_scope
from cornu.core.state.variable import Variable
from cornu.dialects.backend import make_functions
from cornu.ops import random

# The functions of Keras 1 that compute at once, and have kept their arguments.
_KEPT = (
    *("argmax", "argmin", "batch_flatten", "binary_crossentropy", "cast_to_floatx"),
    *("categorical_crossentropy", "clear_session", "concatenate", "dtype", "epsilon", "eval"),
    *("expand_dims", "flatten", "floatx", "gather", "get_value", "hard_sigmoid", "int_shape"),
    *("is_keras_tensor", "l2_normalize", "relu", "repeat", "repeat_elements", "reverse"),
    *("set_epsilon", "set_floatx", "set_value", "sparse_categorical_crossentropy", "switch"),
)
# Functions of cornu with the same arguments.
_SAME = (
    *("abs", "all", "any", "arange", "cast", "clip", "cos", "cumprod", "cumsum", "dot", "elu"),
    *("equal", "exp", "eye", "greater", "greater_equal", "less", "less_equal", "log", "max"),
    *("maximum", "mean", "min", "minimum", "ndim", "not_equal", "one_hot", "ones", "ones_like"),
    *("prod", "reshape", "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus"),
    *("softsign", "sqrt", "square", "squeeze", "stack", "std", "stop_gradient", "sum", "tanh"),
    *("tile", "transpose", "var", "zeros", "zeros_like"),
)


def variable(value: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a Variable with an initial value."""
    return Variable(np.asarray(value, dtype or backend_of_keras3.floatx()), name=name)


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


def batch_get_value(tensors: Iterable[Any]) -> list[np.ndarray]:
    """Returns the values of several Variables."""
    return [np.asarray(tensor) for tensor in tensors]


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Assigns values to several Variables."""
    for variable, value in tuples:
        variable.assign(value)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """Returns a constant array."""
    array = ops.convert_to_tensor(value, dtype=dtype or backend_of_keras3.floatx())
    return array if shape is None else ops.broadcast_to(array, shape)


def count_params(x: Any) -> int:
    """Returns the number of elements."""
    return int(np.prod(x.shape))


def update(x: Variable, new_x: Any) -> Any:
    """Assigns a value to a Variable."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Any:
    """Adds a value to a Variable."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtracts a value from a Variable."""
    return x.assign_sub(decrement)


FUNCTIONS: dict[str, Any] = {
    **{n: f for n, f in make_functions("keras1", is_lazy=False).items() if n in _KEPT},
    **{name: vars(backend_of_keras3)[name] for name in backend_of_keras3.__all__},
    **{
        fn.__name__: fn
        for fn in (
            *(batch_get_value, batch_set_value, constant, count_params, name_scope),
            *(random_normal, random_uniform, update, update_add, update_sub, variable),
        )
    },
    **{name: getattr(ops, name) for name in _SAME},
    "map_fn": ops.map,
    "permute_dimensions": ops.transpose,
    "pow": ops.power,
}

__all__ = sorted(FUNCTIONS)  # pyright: ignore[reportUnsupportedDunderAll]
globals().update(FUNCTIONS)
