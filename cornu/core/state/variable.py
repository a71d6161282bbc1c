"""Variable: a mutable array that a layer, metric or optimizer owns.

JAX arrays are immutable. A Variable refers to an array and replaces it when a value is assigned.
Within a compiled step the current scope holds the traced value instead; see
`cornu.core.state.scope`.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Sharding

from cornu import registry
from cornu.core.graph.op import VariableBase
from cornu.core.graph.operators import Operators
from cornu.core.state import scope, sharing
from cornu.core.state.aligned import copy_to_device
from cornu.core.state.dtypes import is_float
from cornu.core.state.initial_value import (
    DeferredValue,
    checked_value,
    compute_initial_value,
    defer,
)
from cornu.core.state.placement import LayoutLike, gather, is_partial, put, sharding_of, to_host
from cornu.core.state.placement import current as current_placement
from cornu.core.tracebacks.user_frames import user_location
from cornu.errors import check_choice
from cornu.names import auto_name, check_name, printable
from cornu.process import job, prepare
from cornu.process.forks import reset_after_fork
from cornu.types import ArrayLike, DTypeLike, InitializerLike, ShapeLike

__all__ = ["AGGREGATIONS", "ROLES", "SYNCHRONIZATIONS", "Variable", "read_value"]

# Steps, checkpoints and summaries select Variables by role.
ROLES = ("param", "state", "metric", "slot", "hyper", "seed")
AGGREGATIONS = ("none", "mean", "sum", "only_first_replica")
SYNCHRONIZATIONS = ("none", "auto", "on_read", "on_write")

# Held while deferred initial values are computed.
_deferred_lock = reset_after_fork(threading.RLock())


class Variable(Operators, VariableBase):
    """A mutable array with a name.

    `value`, operators and `cornu.ops` use the current value. Inside a compiled step, this is the
    traced value of the step.

    Args:
        initializer: the initial value (an array or number), the name of an initializer, an
            initializer, or a function of `(shape, dtype)`.
        shape: the shape; required unless `initializer` is a value. A value is broadcast to it.
        dtype: the dtype; by default that of the array, or the process-wide float type.
        trainable: whether training updates the Variable.
        autocast: whether layers cast the value to their compute dtype (mixed precision).
        aggregation: how values are combined over devices: `"none"`, `"mean"`, `"sum"` or
            `"only_first_replica"`.
        synchronization: `"none"`, `"auto"`, `"on_read"` or `"on_write"`; has no effect.
        name: the name. The path consists of the names of the layers that create the Variable and
            its own name.
        layout: the sharding of the value: a sharding of JAX, or a
            `cornu.distribution.TensorLayout`. By default the current distribution determines it;
            without one, the value is on JAX's default device.
        role: the purpose: `"param"`, `"state"` (of a layer), `"metric"`, `"slot"` (of an
            optimizer), `"hyper"` (such as a learning rate) or `"seed"`.
        regularizer: a function of the Variable whose value is added to the loss.
        constraint: a function that is applied to the value after each training step.
        reference: for a Variable of an optimizer, the Variable of the model that it belongs to;
            both have the same sharding if their shapes are equal.

    Raises:
        ValueError: the shape, role or name is invalid.
        RuntimeError: the Variable is created inside a compiled step.

    Note: most functions of JAX do not accept a Variable, as in Keras. Pass `v.value`, or use the
    function of the same name in `cornu.ops`.

    Extensions: a value is broadcast to `shape`, which Keras ignores. A scalar Variable has a truth
    value.

    Example:

    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign(v * 2).tolist()
    [2.0, 4.0]
    """

    __slots__ = (
        "__dict__",  # for attributes of the user's program; empty otherwise
        "__weakref__",
        "_constraint",
        "_deferred",
        "_overwrite_with_gradient",
        "_regularizer",
        "_trainable",
        "aggregation",
        "autocast",
        "dtype",
        "initializer",
        "layout",
        "name",
        "path",
        "reference",
        "role",
        "shape",
        "sharding",
        "stored",
        "synchronization",
    )

    # `==` compares values, so the hash would be removed. Variables are hashed by identity.
    __hash__ = object.__hash__
    # NumPy arrays defer to the Variable in binary operators.
    __array_priority__ = 100

    def __init__(
        self,
        initializer: InitializerLike | ArrayLike,
        shape: int | ShapeLike | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        layout: Sharding | LayoutLike | None = None,
        *,
        role: str = "param",
        reference: Variable | None = None,
        regularizer: Callable[..., Any] | None = None,
        constraint: Callable[..., Any] | None = None,
    ) -> None:
        check_choice("Variable", "role", role, ROLES)
        check_choice("Variable", "aggregation", aggregation, (None, *AGGREGATIONS))
        check_choice("Variable", "synchronization", synchronization, (None, *SYNCHRONIZATIONS))
        if name is not None:
            check_name("A Variable's name", name)
        prepare()
        around = scope.current()
        self.name = name or auto_name("variable")
        if "/" in self.name:
            raise ValueError(f"A Variable's name cannot contain '/'. Received: {self.name!r}")
        if isinstance(initializer, str):
            initializer = registry.resolve("initializers", initializer)
        self.path = around.path_of(self.name)
        self.role = role
        self.trainable = trainable
        self.autocast = autocast
        self.aggregation = aggregation or "none"
        self.synchronization = synchronization or "none"
        self.regularizer = regularizer
        self.constraint = constraint
        self.initializer = initializer
        self.overwrite_with_gradient = False
        if around.in_pure_function:
            raise RuntimeError(
                f"Variable {self.path!r} is created inside a compiled step, and would not exist "
                "after the step.\nCreate it in the layer's constructor or in `build()`."
            )
        # A layer may create sublayers in `call`, while shapes are inferred; the value must be a
        # concrete array nevertheless.
        self._deferred: DeferredValue | None = None
        self.layout = sharding_of(layout)
        self.reference = reference
        self.sharding: Sharding | None = self.layout
        if around.defers_values:
            self._deferred = defer(initializer, shape, dtype, self._find_sharding, self.path)
        if self._deferred is not None:
            self.shape: tuple[int, ...] = self._deferred.shape
            self.dtype: str = self._deferred.dtype
            return
        with jax.ensure_compile_time_eval():
            self.stored = compute_initial_value(
                initializer, shape, dtype, self.path, self._find_sharding
            )
        self.shape = tuple(self.stored.shape)
        self.dtype = self.stored.dtype.name

    def _find_sharding(self, shape: tuple[int, ...]) -> Sharding | None:
        """Sets and returns the sharding of the value."""
        placement = current_placement()
        if placement is not None:
            self.shape = shape
            self.sharding = placement._variable_sharding_(self)
        return self.sharding

    def _set_sharding_(self, sharding: Sharding) -> None:
        """Moves the value to the devices of a sharding."""
        if sharding == self.sharding:
            return
        self.sharding = sharding
        with _deferred_lock:
            if self._deferred is not None:
                self._deferred = self._deferred._replace(layout=sharding)
                return
        self.stored = put(self.stored, sharding)

    def _store_(self, value: jax.Array) -> None:
        """Replaces the array by another one, which is moved to the devices of the Variable."""
        self.stored = value if self.sharding is None else put(value, self.sharding)

    def __getattr__(self, name: str) -> Any:
        # Called only for attributes that do not exist: here, for a value that was deferred.
        if name != "stored":
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
            )
        if scope.current().inferring_shapes:
            return jnp.zeros(self.shape, self.dtype)  # in a trace, where it takes no memory
        with _deferred_lock:
            if self._deferred is not None:  # or another thread has computed it
                self.stored = self._deferred.compute()
                self._deferred = None
            return object.__getattribute__(self, "stored")

    @property
    def value(self) -> jax.Array:
        """The current value, cast to the compute dtype inside a layer's call.

        Training steps donate the buffer of the array, which makes it invalid. `numpy()` returns a
        copy that remains valid.
        """
        around = scope.current()
        value: jax.Array = around.read(self)
        cast = around.compute_dtype
        if cast is not None and cast != self.dtype and self.autocast and is_float(self.dtype):
            value = value.astype(cast)
        if self.sharding is not None and around.layer_path:
            # Within a layer's call. Optimizers use the part of each device.
            gathered: jax.Array = gather(self, value)
            return gathered
        return value

    @property
    def trainable(self) -> bool:
        """Whether training updates the Variable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def regularizer(self) -> Callable[..., Any] | None:
        """The function whose value is added to the loss, or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Callable[..., Any] | None) -> None:
        self._regularizer = _check_function("regularizer", value)

    @property
    def constraint(self) -> Callable[..., Any] | None:
        """The function that is applied to the value after each training step, or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Callable[..., Any] | None) -> None:
        self._constraint = _check_function("constraint", value)

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether a training step replaces the value by the gradient."""
        return self._overwrite_with_gradient

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"overwrite_with_gradient must be True or False. Received: {value!r}")
        self._overwrite_with_gradient = value

    def assign(self, value: ArrayLike) -> jax.Array:
        """Replaces the value, and returns the new one.

        Args:
            value: an array of the shape of the Variable. It is converted to the Variable's dtype.

        Raises:
            ValueError: the shape differs.
        """
        if isinstance(value, VariableBase):
            value = value.value if not isinstance(value, Variable) else scope.current().read(value)
        if not isinstance(value, jax.core.Tracer):
            # A copy: training donates its buffers, and the memory of a NumPy array may change.
            value = checked_value(value, self.dtype, self.path)
            if self.sharding is None or isinstance(value, jax.Array):
                value = copy_to_device(value, self.dtype)
            else:
                # From the host, so that no device ever has the whole value.
                host = np.array(value, jnp.dtype(self.dtype))
                value = put(host, self.sharding) if host.shape == self.shape else jnp.asarray(host)
        return self._assign(value)

    def assign_add(self, value: ArrayLike) -> jax.Array:
        """Adds `value` to the current value, and returns the sum."""
        return self._assign(scope.current().read(self) + read_value(value))

    def assign_sub(self, value: ArrayLike) -> jax.Array:
        """Subtracts `value` from the current value, and returns the difference."""
        return self._assign(scope.current().read(self) - read_value(value))

    def _assign(self, value: jax.Array) -> jax.Array:
        if value.shape != self.shape:
            raise ValueError(
                f"Variable {self.path!r} has shape {self.shape}; "
                f"a value of shape {tuple(value.shape)} cannot be assigned to it.\n"
                "Reshape the value, or create another Variable.\n"
                f"This happened {user_location()}."
            )
        value = value.astype(self.dtype)
        scope.current().write(self, value)
        return value

    def numpy(self) -> np.ndarray:
        """Returns a copy of the value as a NumPy array.

        If the value is divided among several processes, all of them must call this.
        """
        self._meet()
        return sharing.read_consistently(
            [self], lambda: np.array(to_host(scope.current().read(self)))
        )

    def _meet(self) -> None:
        """Waits for the other processes if they hold parts of the value."""
        if self.sharding is not None and is_partial(scope.current().read(self)):
            job.meet()

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

    def __iter__(self) -> Iterator[jax.Array]:
        # By default, Python would index with 0, 1, 2, ... until an IndexError.
        return iter(self.value)

    def __pos__(self) -> jax.Array:
        return self.value

    def __invert__(self) -> jax.Array:
        return ~self.value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        self._meet()
        array = sharing.read_consistently(
            [self], lambda: np.asarray(to_host(self.value), dtype=dtype)
        )
        return array.copy() if copy else array

    def __jax_array__(self) -> jax.Array:
        return self.value

    def __repr__(self) -> str:
        value = np.array2string(np.asarray(self.stored), threshold=20, precision=4)
        path = printable(self.path)
        return f"<Variable path={path}, shape={self.shape}, dtype={self.dtype}, value={value}>"

    @property
    def _parts_(self) -> tuple[Variable, ...]:
        """The Variables that hold the state: this one, and those of a subclass."""
        return (self,)

    def __getstate__(self) -> tuple[Any, ...]:
        # Without a function that computed the initial value: often a local one, for `pickle`.
        state: Any = super().__getstate__()
        attributes, slots = state
        slots["_deferred"] = None  # the value has been computed
        # Another process may have other devices.
        slots["layout"] = slots["sharding"] = slots["reference"] = None
        if inspect.isroutine(slots["initializer"]):
            slots["initializer"] = None
        return attributes, slots

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copy = object.__new__(type(self))
        memo[id(self)] = copy
        for slot in Variable.__slots__:
            if slot not in ("__dict__", "__weakref__"):
                setattr(copy, slot, getattr(self, slot))
        copy.reference = memo.get(id(self.reference))
        copy.__dict__.update(deepcopy(self.__dict__, memo))
        # Buffers are donated to compiled steps, so two Variables must not share one.
        copy.stored = jnp.array(self.stored)
        return copy


def read_value(value: ArrayLike) -> Any:
    """Returns the value of an array or Variable as it is stored."""
    # The stored dtype, not the compute dtype that `value` of a Variable has inside a layer's call.
    return scope.current().read(value) if isinstance(value, Variable) else jnp.asarray(value)


def _check_function(argument: str, value: Any) -> Callable[..., Any] | None:
    if value is not None and not callable(value):
        raise ValueError(
            f"The {argument} of a Variable must be a function or None. Received: {value!r}\n"
            f"`cornu.{argument}s.get` returns the function for a name."
        )
    function: Callable[..., Any] | None = value
    return function
