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
from cornu.dialects.keras1.backend import FUNCTIONS as FUNCTIONS_OF_KERAS1

# What Keras 3 no longer has, or has in another form.
_DROPPED = (
    *("backend", "image_dim_ordering", "set_image_dim_ordering", "lesser", "lesser_equal"),
    *("in_train_phase", "in_test_phase"),
)


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
    **{name: fn for name, fn in FUNCTIONS_OF_KERAS1.items() if name not in _DROPPED},
    **{name: vars(backend_of_keras3)[name] for name in backend_of_keras3.__all__},
    **{
        fn.__name__: fn
        for fn in (
            *(batch_get_value, batch_set_value, constant, count_params, name_scope),
            *(update, update_add, update_sub),
        )
    },
    **{name: getattr(ops, name) for name in ("arange", "cumprod", "cumsum", "less", "less_equal")},
    "map_fn": ops.map,
}

__all__ = sorted(FUNCTIONS)  # pyright: ignore[reportUnsupportedDunderAll]
globals().update(FUNCTIONS)
