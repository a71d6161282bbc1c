"""The scopes that programs of Keras enter: values of Variables, names, devices."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Self

import jax
import jax.numpy as jnp

from cornu.core.graph.op import VariableBase
from cornu.core.state import scope
from cornu.core.state.mask_table import MaskTable
from cornu.core.state.scope import NameScope
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.names import check_name

__all__ = ["StatelessScope", "SymbolicScope", "device", "name_scope"]


class _ScopeContext:
    """A context manager that makes a Scope the current one of the thread."""

    _inner: scope.Scope

    def __init__(self) -> None:
        self._entered: list[AbstractContextManager[scope.Scope]] = []

    def _begin(self) -> scope.Scope:
        return scope.Scope(scope.current())

    def __enter__(self) -> Self:
        self._inner = self._begin()
        context = scope.use_scope(self._inner)
        context.__enter__()
        self._entered.append(context)
        return self

    def __exit__(self, *error: Any) -> None:
        self._entered.pop().__exit__(*error)


class StatelessScope(_ScopeContext):
    """Context manager in which assignments to Variables change nothing outside of it.

    Args:
        state_mapping: pairs of a Variable, or the state of a SeedGenerator, and the value that it
            has within the scope.
        collect_losses: whether losses of layers are collected in `losses`.
        initialize_variables: has no effect: a Variable that is created in the scope has its initial
            value at once.

    Attributes:
        losses: the losses that layers added, if `collect_losses` is True.

    Raises:
        ValueError: a value has another shape than its Variable.

    Example:

    >>> import cornu
    >>> weight = cornu.Variable(2.0)
    >>> with StatelessScope([(weight, 5.0)]) as scope:
    ...     doubled = weight.assign(2 * weight)
    >>> float(scope.get_current_value(weight)), float(weight.value)
    (10.0, 2.0)

    Extensions: `cornu.pure` makes a pure function of a function that uses Variables.
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        super().__init__()
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self.state_mapping: dict[int, Any] = {}
        for variable, value in state_mapping or ():
            if not isinstance(variable, VariableBase):
                raise ValueError(
                    "StatelessScope: state_mapping must consist of pairs of a Variable and a "
                    f"value. Received: {variable!r}"
                )
            value = jnp.asarray(value.value if isinstance(value, VariableBase) else value)
            if value.shape != variable.shape:
                raise ValueError(
                    f"StatelessScope: Variable {variable.path!r} has the shape {variable.shape}; "
                    f"received a value of shape {value.shape}."
                )
            self.state_mapping[id(variable)] = value.astype(variable.dtype)

    def _begin(self) -> scope.Scope:
        inner = super()._begin()
        inner.values = self.state_mapping
        if self.collect_losses:
            inner.losses = self.losses
        return inner

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar to `losses`.

        Args:
            loss: the scalar.
        """
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Sets the value of a Variable within the scope; `update` is `(variable, value)`."""
        variable, value = update
        self.state_mapping[id(variable)] = value

    def get_current_value(self, variable: Variable) -> Any:
        """Returns the value within the scope; None if it was neither given nor assigned.

        Args:
            variable: the Variable.
        """
        return self.state_mapping.get(id(variable))


class SymbolicScope(_ScopeContext):
    """Context manager for the inference of shapes: assignments change nothing outside of it.

    Generators of random numbers keep their state, and layers record no losses.

    Example:

    >>> import cornu
    >>> weight = cornu.Variable(2.0)
    >>> with SymbolicScope():
    ...     changed = weight.assign(3.0)
    >>> float(weight.value)
    2.0
    """

    def _begin(self) -> scope.Scope:
        inner = super()._begin()
        inner.inferring_shapes = True
        inner.masks = MaskTable()
        return inner


class name_scope:  # noqa: N801 - the name in Keras
    """Context manager that adds a name to the paths of Variables that are created in it.

    Args:
        name: the name.
        caller: the object that enters the scope.
        deduplicate: whether entering a scope of the same name and caller again adds no name.
        override_parent: a path that replaces the names of the scopes and layers around.

    Raises:
        ValueError: the name is not a string, or contains '/'.

    Example:

    >>> import cornu
    >>> with name_scope("encoder"):
    ...     variable = cornu.Variable(1.0, name="scale")
    >>> variable.path
    'encoder/scale'
    """

    def __init__(
        self,
        name: str,
        caller: Any = None,
        deduplicate: bool = True,
        override_parent: str | None = None,
    ) -> None:
        check_name("name_scope: the name", name, forbidden="/")
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        self.override_parent = override_parent
        self._entered: list[tuple[scope.Scope, tuple[NameScope, ...]]] = []

    def __enter__(self) -> Self:
        around = scope.current()
        before = around.name_scopes
        self._entered.append((around, before))
        last = before[-1] if before else None
        repeated = last is not None and last.caller is self.caller and last.name == self.name
        if not (self.deduplicate and self.caller is not None and repeated):
            entry = NameScope(len(around.layer_path), self.name, self.override_parent, self.caller)
            around.name_scopes = (*before, entry)
        return self

    def __exit__(self, *_: Any) -> None:
        around, before = self._entered.pop()
        around.name_scopes = before


@api_boundary
def device(device_name: str | jax.Device) -> AbstractContextManager[Any]:
    """Returns a context manager in which arrays and Variables are created on a device.

    Args:
        device_name: a device of JAX, or its kind and index, as in `"cpu:0"` or `"gpu:1"`.

    Raises:
        ValueError: there is no such device.

    Example:

    >>> import cornu
    >>> with device("cpu:0"):
    ...     x = cornu.ops.ones((2,))
    >>> x.device.platform
    'cpu'
    """
    if isinstance(device_name, jax.Device):
        return _on(device_name)
    if not isinstance(device_name, str):
        raise ValueError(
            "device: expected a name such as 'gpu:0', or a device of JAX. "
            f"Received: {device_name!r}"
        )
    kind, _, index = device_name.lower().partition(":")
    try:
        found = jax.devices(kind)
    except RuntimeError:
        found = []
    if not (index or "0").isdecimal() or int(index or 0) >= len(found):
        known = ", ".join(f"{d.platform}:{d.id}" for d in jax.devices())
        raise ValueError(f"device: there is no device {device_name!r}. The devices are {known}.")
    return _on(found[int(index or 0)])


def _on(found: jax.Device) -> AbstractContextManager[Any]:
    context: AbstractContextManager[Any] = jax.default_device(found)
    return context
