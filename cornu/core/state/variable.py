"""Variable: a mutable array that a layer, metric or optimizer owns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import VariableBase
from cornu.core.graph.operators import Operators
from cornu.core.state import scope
from cornu.core.state.dtypes import is_float, standardize_dtype
from cornu.core.tracebacks.user_frames import user_location
from cornu.names import auto_name
from cornu.process import prepare

__all__ = ["ROLES", "Variable"]

ROLES = ("param", "state", "metric", "slot", "hyper", "seed")


class Variable(Operators, VariableBase):
    """A mutable array with a name.

    `value`, operators and `cornu.ops` use the current value. Inside a compiled step, that is the
    traced value of the step.

    Args:
        initializer: the initial value (an array or number), or a function of `(shape, dtype)`.
        shape: required if `initializer` is a function.
        dtype: by default the array's own, or the process-wide float type.
        trainable: whether training changes it.
        autocast: whether layers read it in their compute dtype (mixed precision).
        aggregation: how values are combined over devices: `"none"`, `"mean"`, `"sum"` or
            `"only_first_replica"`.
        name: its name; its path begins with the layers that create it.
        role: its purpose: `"param"`, `"state"` (of a layer), `"metric"`, `"slot"` (of an
            optimizer), `"hyper"` (such as a learning rate) or `"seed"`.

    Differences: JAX functions accept a Variable only as an operand; elsewhere write `v.value`,
    or use the function of the same name in `cornu.ops`.

    Example:

    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign(v * 2).tolist()
    [2.0, 4.0]
    """

    __slots__ = (
        "__weakref__",
        "_trainable",
        "aggregation",
        "autocast",
        "constraint",
        "dtype",
        "initializer",
        "name",
        "overwrite_with_gradient",
        "path",
        "regularizer",
        "role",
        "shape",
        "stored",
    )

    __hash__ = object.__hash__
    __array_priority__ = 100

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        *,
        role: str = "param",
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        if role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}. Received: {role!r}")
        prepare()
        around = scope.current()
        self.name = name or auto_name("variable")
        if "/" in self.name:
            raise ValueError(f"A Variable's name cannot contain '/'. Received: {self.name!r}")
        self.path = "/".join((*around.layer_path, self.name))
        self.role = role
        self.trainable = trainable
        self.autocast = autocast
        self.aggregation = aggregation
        self.regularizer = regularizer
        self.constraint = constraint
        self.initializer = initializer
        self.overwrite_with_gradient = False
        if around.in_pure_function:
            raise RuntimeError(
                f"Variable {self.path!r} is created inside a compiled step, and would not exist "
                "after it.\nCreate it in the layer's constructor or in `build()`."
            )
        # A layer may create sublayers in `call`, while shapes are inferred; the value must be a
        # concrete array nevertheless.
        with jax.ensure_compile_time_eval():
            self.stored = _initial(initializer, shape, dtype, self.path)
        self.shape: tuple[int, ...] = tuple(self.stored.shape)
        self.dtype: str = self.stored.dtype.name

    @property
    def value(self) -> jax.Array:
        """The current value, cast to the compute dtype inside a layer's call.

        Training reuses its memory: use `numpy()` for a copy that remains valid after the next step.
        """
        around = scope.current()
        value: jax.Array = around.read(self)
        cast = around.compute_dtype
        if cast is not None and cast != self.dtype and self.autocast and is_float(self.dtype):
            return value.astype(cast)
        return value

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    def assign(self, value: Any) -> jax.Array:
        """Sets the value; the shape must be the Variable's own, the dtype is converted."""
        if isinstance(value, VariableBase):
            value = value.value if not isinstance(value, Variable) else scope.current().read(value)
        if not isinstance(value, jax.core.Tracer):
            # A copy: training donates its buffers, and the memory of a NumPy array may change.
            value = jnp.array(value, dtype=self.dtype)
        return self._assign(value)

    def assign_add(self, value: Any) -> jax.Array:
        """Adds to the value."""
        return self._assign(scope.current().read(self) + _read(value))

    def assign_sub(self, value: Any) -> jax.Array:
        """Subtracts from the value."""
        return self._assign(scope.current().read(self) - _read(value))

    def _assign(self, value: jax.Array) -> jax.Array:
        if value.shape != self.shape:
            raise ValueError(
                f"Variable {self.path!r} has the shape {self.shape}; "
                f"a value of shape {tuple(value.shape)} cannot be assigned to it.\n"
                "Reshape the value, or create another Variable.\n"
                f"This happened {user_location()}."
            )
        value = value.astype(self.dtype)
        scope.current().write(self, value)
        return value

    def numpy(self) -> np.ndarray:
        """Returns a copy of the value as a NumPy array."""
        return np.array(scope.current().read(self))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"Variable {self.path!r} is a scalar and has no length.")
        return self.shape[0]

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.asarray(self.value, dtype=dtype)
        return array.copy() if copy else array

    def __jax_array__(self) -> jax.Array:
        return self.value

    def __repr__(self) -> str:
        value = np.array2string(np.asarray(self.stored), threshold=20, precision=4)
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={value}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copy = object.__new__(Variable)
        memo[id(self)] = copy
        for slot in Variable.__slots__:
            if slot != "__weakref__":
                setattr(copy, slot, getattr(self, slot))
        # Buffers are donated to compiled steps, so two Variables must not share one.
        copy.stored = jnp.array(self.stored)
        return copy


def _read(value: Any) -> Any:
    return scope.current().read(value) if isinstance(value, Variable) else jnp.asarray(value)


def _initial(initializer: Any, shape: Any, dtype: Any, path: str) -> jax.Array:
    if callable(initializer) and not isinstance(initializer, VariableBase):
        if shape is None:
            raise ValueError(f"Variable {path!r}: an initializer function needs `shape=`.")
        try:
            shape = standardize_shape(shape)
        except ValueError as error:
            raise ValueError(f"Variable {path!r}: {error}") from None
        allowance = scope.current().allocation_check
        if allowance is not None:
            size = jnp.dtype(standardize_dtype(dtype)).itemsize
            allowance(path, math.prod(shape) * size)
        value = _call_initializer(initializer, shape, standardize_dtype(dtype))
        if tuple(value.shape) != shape:
            raise ValueError(
                f"Variable {path!r}: the initializer returned the shape {tuple(value.shape)} "
                f"instead of {shape}."
            )
        return jnp.asarray(value, dtype=standardize_dtype(dtype))
    if isinstance(initializer, VariableBase):
        initializer = initializer.value
    if dtype is None:
        array = np.asarray(initializer) if not hasattr(initializer, "dtype") else initializer
        dtype = standardize_dtype(None) if array.dtype == np.float64 else array.dtype.name
        if dtype == "int64" and not hasattr(initializer, "dtype"):
            dtype = "int32"
    # A copy: the array may be shared with the user's program or with another Variable.
    value = jnp.array(initializer, dtype=standardize_dtype(dtype))
    if shape is not None and tuple(value.shape) != standardize_shape(shape):
        value = jnp.broadcast_to(value, standardize_shape(shape)) + jnp.zeros((), value.dtype)
    return value


def _call_initializer(initializer: Callable[..., Any], shape: Any, dtype: str) -> Any:
    try:
        return initializer(shape, dtype=dtype)
    except TypeError as error:
        if "dtype" not in str(error):
            raise
        return initializer(shape)  # a plain function of the shape


def standardize_shape(shape: Any) -> tuple[int, ...]:
    """Returns a shape of a Variable as a tuple of integers."""
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if not all(isinstance(size, (int, np.integer)) and size >= 0 for size in shape):
        hint = ""
        if None in shape:
            hint = (
                "\nNone is a size that is only known with data, such as the batch size: weights "
                "cannot depend on it. Use another axis (input_shape[-1]), or give Input the size."
            )
        raise ValueError(
            f"A Variable's shape must contain non-negative integers. Received: {shape}{hint}"
        )
    return tuple(int(size) for size in shape)
