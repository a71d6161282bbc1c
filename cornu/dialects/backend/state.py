"""Functions of the backend that create Variables and placeholders, or describe values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import ops, settings, utils
from cornu.core.graph.op import op
from cornu.core.graph.tensor import Tensor, is_keras_tensor
from cornu.core.state.public_scopes import name_scope
from cornu.core.state.variable import Variable
from cornu.dialects.backend import control, functions, lazy, randoms
from cornu.dialects.backend.session import Session
from cornu.dialects.backend.variables import create, variable
from cornu.legacy.keras1.argument_values import image_dim_ordering, set_image_dim_ordering
from cornu.names import reset as reset_names

__all__ = ["FUNCTIONS"]

_FORMATS = {"th": "channels_first", "tf": "channels_last"}
_legacy_ordering = [False]


def placeholder(
    shape: Any = None,
    ndim: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Returns a Tensor whose value is passed to functions."""
    if shape is None:
        if ndim is None:
            raise ValueError("placeholder: pass shape, or the number of axes as ndim.")
        shape = (None,) * ndim
    return Tensor(tuple(shape), dtype or settings.get("floatx"), sparse=sparse, name=name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a Variable of zeros."""
    return create(np.zeros(shape, dtype or settings.get("floatx")), name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a Variable of ones."""
    return create(np.ones(shape, dtype or settings.get("floatx")), name)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Any:
    """Returns an identity matrix as a Variable."""
    return create(np.eye(size, dtype=dtype or settings.get("floatx")), name)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """Returns a constant array."""
    array = jnp.asarray(value, dtype or settings.get("floatx"))
    return array if shape is None else jnp.broadcast_to(array, tuple(shape))


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns zeros in the shape of `x`."""
    return ops.zeros_like(x, dtype=dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns ones in the shape of `x`."""
    return ops.ones_like(x, dtype=dtype)


# ------------------------------------------------------------------------------- values and shapes


def get_value(x: Any) -> Any:
    """Returns the value of a Variable, or of a Tensor that depends on no placeholder."""
    return functions.evaluate(x)


def batch_get_value(ops: Iterable[Any]) -> list[np.ndarray]:
    """Returns the values of several Variables."""
    return [functions.evaluate(x) for x in ops]


def set_value(x: Variable, value: Any) -> None:
    """Assigns a value to a Variable."""
    x.assign(np.asarray(value))


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Assigns values to several Variables."""
    for one, value in tuples:
        one.assign(np.asarray(value))


def count_params(x: Any) -> int:
    """Returns the number of elements."""
    return int(np.prod(x.shape))


def dtype(x: Any) -> str:
    """Returns the name of the dtype."""
    return str(x.dtype)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """Returns the shape as a tuple of integers and None."""
    return tuple(x.shape)


def ndim(x: Any) -> int:
    """Returns the number of axes."""
    return len(x.shape)


@op
def _sizes(x: Any) -> Any:
    return jnp.stack([jnp.asarray(size, "int32") for size in x.shape])


def shape(x: Any) -> Any:
    """Returns the shape: a tuple if it is known, else a Tensor of integers."""
    return _sizes(x) if isinstance(x, Tensor) and None in x.shape else tuple(x.shape)


@op
def size(x: Any, name: str | None = None) -> Any:
    """Returns the number of elements."""
    return jnp.asarray(x.size, "int32")


def cast_to_floatx(x: Any) -> np.ndarray:
    """Returns an array of the process-wide float type."""
    return np.asarray(x, settings.get("floatx"))


def is_sparse(tensor: Any) -> bool:
    """Whether a Tensor has sparse values."""
    return isinstance(tensor, Tensor) and tensor.sparse


def to_dense(tensor: Any) -> Any:
    """Returns a dense array."""
    return ops.convert_to_tensor(tensor, sparse=False)


def is_variable(x: Any) -> bool:
    """Whether `x` is a Variable."""
    return isinstance(x, Variable)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a Tensor, a Variable or an array of JAX."""
    return isinstance(x, (Tensor, Variable, jax.Array))


def is_placeholder(x: Any) -> bool:
    """Whether `x` is a Tensor that is not computed from others."""
    return isinstance(x, Tensor) and (x.node is None or not x.node.inputs)


# --------------------------------------------------------------------------------------- settings


def set_floatx(floatx: str) -> None:
    """Sets the process-wide float type."""
    settings.put("floatx", floatx)


def set_epsilon(e: float) -> None:
    """Sets the small number that is added to denominators."""
    settings.put("epsilon", e)


def image_data_format() -> str:
    """Returns "channels_last" or "channels_first"."""
    return str(settings.get("image_data_format"))


def set_image_data_format(data_format: str) -> None:
    """Sets the order of the axes of images."""
    settings.put("image_data_format", data_format)


def normalize_data_format(value: str | None) -> str:
    """Returns a valid order of axes; the process-wide one for None."""
    found = image_data_format() if value is None else value.lower()
    if found not in _FORMATS.values():
        raise ValueError(f"data_format must be one of {list(_FORMATS.values())}. Got {value!r}")
    return found


def get_uid(prefix: str = "") -> int:
    """Returns the number of calls with a prefix, from 1."""
    _uids[prefix] = _uids.get(prefix, 0) + 1
    return _uids[prefix]


_uids: dict[str, int] = {}


def reset_uids() -> None:
    """Restarts the numbers of `get_uid` and of automatic names."""
    _uids.clear()
    reset_names()


def get_session() -> Session:
    """Returns an object whose `run` computes Tensors, in place of a session of TensorFlow."""
    return Session()


def set_session(session: Any) -> None:
    """Does nothing: cornu has no sessions."""


def manual_variable_initialization(value: bool) -> None:
    """Does nothing: Variables always have a value."""


def v1_variable_initialization() -> None:
    """Does nothing: Variables always have a value."""


def legacy_weight_ordering() -> bool:
    """Returns the value of `set_legacy_weight_ordering`."""
    return _legacy_ordering[0]


def set_legacy_weight_ordering(value: bool) -> None:
    """Sets a value that nothing depends on: layers are in the order in which they were traversed.

    Raises:
        ValueError: the value is not True or False.
    """
    if value not in (True, False):
        raise ValueError(f"set_legacy_weight_ordering: expected a bool. Received: {value!r}")
    _legacy_ordering[0] = bool(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **randoms.FUNCTIONS,
    **control.FUNCTIONS,
    **{
        made.__name__: made
        for made in (
            *(batch_get_value, batch_set_value, cast_to_floatx, constant),
            *(count_params, dtype, eye, get_session, get_uid, get_value),
            *(image_data_format, image_dim_ordering, int_shape, is_keras_tensor),
            *(is_placeholder, is_sparse, is_tensor, is_variable, legacy_weight_ordering),
            *(manual_variable_initialization, name_scope, ndim),
            *(normalize_data_format, ones, ones_like, placeholder),
            reset_uids,
            *(set_epsilon, set_floatx, set_image_data_format, set_image_dim_ordering),
            *(set_legacy_weight_ordering, set_session, set_value, shape, size),
            to_dense,
            *(v1_variable_initialization, variable, zeros, zeros_like),
        )
    },
    "clear_session": utils.clear_session,
    "epsilon": lambda: settings.get("epsilon"),
    "eval": get_value,
    "floatx": lambda: settings.get("floatx"),
    "get_variable_shape": int_shape,
    "gradients": functions.gradients,
    "is_symbolic": is_keras_tensor,
    "learning_phase": lazy.learning_phase,
    "set_learning_phase": lazy.set_learning_phase,
}
