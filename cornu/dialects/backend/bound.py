"""BackendFunction: a function of the backend with the signature of one version of Keras."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax

from cornu.core.graph.tensor import Tensor
from cornu.core.state.variable import Variable
from cornu.dialects.backend.lazy import in_graph_mode, read
from cornu.errors import suggest
from cornu.legacy.keras1.class_mapping import parse_signature

__all__ = ["bind"]

# Sizes that only documented the arguments.
_IGNORED = frozenset(("image_shape", "filter_shape", "volume_shape"))
# Functions that take the Variable itself, not its value.
_TAKE_VARIABLES = frozenset(
    {
        *("batch_get_value", "batch_set_value", "count_params", "dtype", "eval", "function"),
        *("get_value", "get_variable_shape", "gradients", "int_shape", "is_keras_tensor"),
        *("is_placeholder", "is_sparse", "is_symbolic", "is_tensor", "is_variable", "ndim"),
        *("moving_average_update", "set_value", "shape", "update", "update_add", "update_sub"),
        *("variable", "zeros_like", "ones_like"),
    }
)


def bind(
    name: str,
    signature: str,
    implementation: Callable[..., Any],
    version: str,
    renames: Mapping[str, str],
    converters: Mapping[str, Callable[[Any], Any]],
    is_lazy: bool = True,
) -> Callable[..., Any]:
    """Returns a function with an old signature.

    Args:
        name: its name.
        signature: its parameters in the old version.
        implementation: a function with the parameters of Keras 2.3.
        version: the version, for messages.
        renames: names of old parameters -> names of the parameters of the implementation.
        converters: functions of the values, by the new name of the parameter.
        is_lazy: whether Variables are symbolic in graph mode.
    """
    takes_any = signature.endswith("**kwargs")
    old = parse_signature(signature.replace(", **kwargs", ""))
    known = inspect.signature(implementation).parameters
    # A function may have the name of an old parameter as it is.
    new_names = {
        p: p if p in known else renames.get(p, p) for p in old.parameters if p not in _IGNORED
    }
    # Ops of cornu may call their parameters otherwise, in the same order.
    by_position = not set(new_names.values()) <= set(known)
    lifts = is_lazy and name not in _TAKE_VARIABLES

    @functools.wraps(implementation)
    def call(*args: Any, **kwargs: Any) -> Any:
        if takes_any:
            kwargs = {key: value for key, value in kwargs.items() if key in old.parameters}
        try:
            bound = old.bind(*args, **kwargs)
        except TypeError as error:
            unknown = [key for key in kwargs if key not in old.parameters]
            hint = suggest(unknown[0], old.parameters) if unknown else ""
            raise TypeError(
                f"K.{name} of Keras {version}: {error}. {hint}\nIt accepts: ({signature})."
            ) from None
        bound.apply_defaults()
        given = {
            new_names[key]: value for key, value in bound.arguments.items() if key in new_names
        }
        for key, convert in converters.items():
            if key in given:
                given[key] = convert(given[key])
        if lifts and in_graph_mode():
            given = _lift(given)
        return implementation(*given.values()) if by_position else implementation(**given)

    call.__name__ = call.__qualname__ = name
    call.__signature__ = old  # type: ignore[attr-defined]
    return call


def _lift(given: dict[str, Any]) -> dict[str, Any]:
    """Replaces Variables by Tensors, unless an argument is an array of JAX: then it is computed."""
    kinds = [x for value in given.values() for x in _items(value)]
    if any(isinstance(x, jax.Array) for x in kinds) and not any(
        isinstance(x, Tensor) for x in kinds
    ):
        return given
    return {key: _lift_value(value) for key, value in given.items()}


def _items(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


def _lift_value(value: Any) -> Any:
    if isinstance(value, Variable):
        return read(value)
    if isinstance(value, (list, tuple)) and any(isinstance(x, Variable) for x in value):
        return [_lift_value(x) for x in value]
    return value
