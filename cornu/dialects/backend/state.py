"""Functions of the backend that create Variables and placeholders, or describe values."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import ops, settings, utils
from cornu.core.graph.op import op
from cornu.core.graph.tensor import Tensor, is_keras_tensor
from cornu.core.state.public_scopes import name_scope
from cornu.core.state.variable import Variable
from cornu.dialects.backend import functions, lazy
from cornu.legacy.keras1.argument_values import image_dim_ordering, set_image_dim_ordering
from cornu.names import reset as reset_names
from cornu.ops import random

__all__ = ["FUNCTIONS", "variable"]

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


def variable(
    value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None
) -> Variable:
    """Returns a Variable with an initial value."""
    if isinstance(value, (Variable, Tensor)):
        value = functions.evaluate(value)
    array = np.asarray(value, dtype or settings.get("floatx"))
    plain = None if name is None else name.replace("/", "_").replace(":", "_")
    return lazy.SymbolicVariable(array, name=plain, constraint=constraint)


def _create(array: Any, name: str | None) -> Any:
    """Returns a Variable; inside of a step, where none can be created, the array."""
    if not lazy.in_graph_mode():
        return jnp.asarray(array)
    return variable(array, array.dtype, name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a Variable of zeros."""
    return _create(np.zeros(shape, dtype or settings.get("floatx")), name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a Variable of ones."""
    return _create(np.ones(shape, dtype or settings.get("floatx")), name)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Any:
    """Returns an identity matrix as a Variable."""
    return _create(np.eye(size, dtype=dtype or settings.get("floatx")), name)


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


# ----------------------------------------------------------------------------------------- random


def _random(name: str, compute: Callable[[], Any]) -> Any:
    return lazy.record_leaf(name, compute) if lazy.in_graph_mode() else compute()


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(shape)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns normally distributed numbers."""
    return _random("random_normal", lambda: random.normal(_shape(shape), mean, stddev, dtype, seed))


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns uniformly distributed numbers."""
    return _random(
        "random_uniform", lambda: random.uniform(_shape(shape), minval, maxval, dtype, seed)
    )


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns normally distributed numbers within two standard deviations."""
    return _random(
        "truncated_normal",
        lambda: random.truncated_normal(_shape(shape), mean, stddev, dtype, seed),
    )


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Returns 1 with probability `p`, else 0."""
    dtype = dtype or settings.get("floatx")
    return _random(
        "random_binomial",
        lambda: ops.cast(random.uniform(_shape(shape), 0.0, 1.0, None, seed) <= p, dtype),
    )


def random_normal_variable(
    shape: Any,
    mean: float,
    scale: float,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Variable:
    """Returns a Variable of normally distributed numbers."""
    return variable(np.random.RandomState(seed).normal(mean, scale, shape), dtype, name)


def random_uniform_variable(
    shape: Any,
    low: float,
    high: float,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Variable:
    """Returns a Variable of uniformly distributed numbers."""
    return variable(np.random.RandomState(seed).uniform(low, high, shape), dtype, name)


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


# ---------------------------------------------------------------------------- control and updates


def update(x: Variable, new_x: Any) -> functions.Update:
    """Returns the assignment of a value to a Variable, for the updates of a function."""
    return functions.Update(x, new_x)


def update_add(x: Variable, increment: Any) -> functions.Update:
    """Returns the addition of a value to a Variable, for the updates of a function."""
    return functions.Update(x, x + increment)


def update_sub(x: Variable, decrement: Any) -> functions.Update:
    """Returns the subtraction of a value from a Variable, for the updates of a function."""
    return functions.Update(x, x - decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> functions.Update:
    """Returns the assignment of `momentum * x + (1 - momentum) * value`."""
    return functions.Update(x, x * momentum + value * (1.0 - momentum))


def function(inputs: Any, outputs: Any, updates: Any = None, **kwargs: Any) -> functions.Function:
    """Returns a function of a list of arrays that computes Tensors and assigns updates.

    Args:
        inputs: placeholders, inputs of models, and possibly `learning_phase()`.
        outputs: Tensors.
        updates: pairs of a Variable and its new value, or results of `update`.
        **kwargs: ignored, such as options of Theano.
    """
    return functions.Function(inputs, outputs, updates or ())


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Selects by a condition; the two may be functions, and the condition a scalar or an array."""
    chosen, other = (x() if callable(x) else x for x in (then_expression, else_expression))
    return _select(condition, chosen, other)


@op
def _select(condition: Any, chosen: Any, other: Any) -> Any:
    condition, chosen = jnp.asarray(condition, bool), jnp.asarray(chosen)
    missing = chosen.ndim - condition.ndim
    if condition.ndim and missing > 0:
        condition = condition.reshape(condition.shape + (1,) * missing)
    return jnp.where(condition, chosen, other)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Returns `x` in training and `alt` otherwise; either may be a function."""
    phase = lazy.learning_phase() if training is None else training
    if isinstance(phase, (bool, int)):
        chosen = x if phase else alt
        return chosen() if callable(chosen) else chosen
    return switch(phase, x, alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Returns `alt` in training and `x` otherwise; either may be a function."""
    return in_train_phase(alt, x, training)


@contextlib.contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Does nothing: updates are assigned after the outputs are computed."""
    yield


def symbolic(func: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function: calls on Tensors are symbolic."""
    return func


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


def get_session() -> functions.Session:
    """Returns an object whose `run` computes Tensors, in place of a session of TensorFlow."""
    return functions.Session()


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
    **{
        made.__name__: made
        for made in (
            *(batch_get_value, batch_set_value, cast_to_floatx, constant, control_dependencies),
            *(count_params, dtype, eye, function, get_session, get_uid, get_value, in_test_phase),
            *(image_data_format, image_dim_ordering, in_train_phase, int_shape, is_keras_tensor),
            *(is_placeholder, is_sparse, is_tensor, is_variable, legacy_weight_ordering),
            *(manual_variable_initialization, moving_average_update, name_scope, ndim),
            *(normalize_data_format, ones, ones_like, placeholder, random_binomial, random_normal),
            *(random_normal_variable, random_uniform, random_uniform_variable, reset_uids),
            *(set_epsilon, set_floatx, set_image_data_format, set_image_dim_ordering),
            *(set_legacy_weight_ordering, set_session, set_value, shape, size, switch, symbolic),
            *(to_dense, truncated_normal, update, update_add, update_sub),
            *(v1_variable_initialization, variable, zeros, zeros_like),
        )
    },
    "clear_session": utils.clear_session,
    "eager": symbolic,
    "epsilon": lambda: settings.get("epsilon"),
    "eval": get_value,
    "floatx": lambda: settings.get("floatx"),
    "get_variable_shape": int_shape,
    "gradients": functions.gradients,
    "is_symbolic": is_keras_tensor,
    "learning_phase": lazy.learning_phase,
    "set_learning_phase": lazy.set_learning_phase,
}
