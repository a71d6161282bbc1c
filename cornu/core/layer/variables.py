"""Creation of the Variables of a layer, and assignment of their values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.core.state import scope, sharing
from cornu.core.state.variable import Variable
from cornu.errors import quantity

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer
    from cornu.core.layer.weight_methods import WeightMethods

__all__ = ["VariableScope", "remove_duplicates", "set_values", "wrap_build"]


class VariableScope:
    """Context manager in which the paths of new Variables begin with the path of a layer.

    Variables are read in their own dtype, since initial values must have full precision.
    """

    __slots__ = ("_layer", "_previous")

    def __init__(self, layer: WeightMethods) -> None:
        self._layer = layer

    def __enter__(self) -> None:
        around = scope.current()
        self._previous = (around.layer_path, around.compute_dtype, around.name_scopes)
        # `build`, or the running call, has entered the layer already.
        if around.layer_path[-1:] != (self._layer.name,):
            around.layer_path = (*around.layer_path, self._layer.name)
        around.compute_dtype = None
        # As in Keras, a `name_scope` within the layer does not apply to the layer's own Variables.
        if around.name_scopes:
            depth = len(around.layer_path)
            around.name_scopes = tuple(s for s in around.name_scopes if s.depth < depth)

    def __exit__(self, *_: object) -> None:
        around = scope.current()
        around.layer_path, around.compute_dtype, around.name_scopes = self._previous


def wrap_build(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps a `build` method in a `VariableScope`, and sets `built` after it."""

    @functools.wraps(build)
    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._building_:  # super().build() of a subclass
            return build(self, *args, **kwargs)
        self._building_ = True
        try:
            with VariableScope(self):
                if self._policy_map_ is not None:
                    self._set_policy_(self._policy_map_, "/".join(scope.current().layer_path))
                build(self, *args, **kwargs)
        finally:
            self._building_ = False
        self.built = True
        self._built_with_ = args, kwargs
        self._after_build_()
        return None

    return wrapped


def set_values(layer: WeightMethods, values: Sequence[Any]) -> None:
    """Assigns values to the weights of a layer, in the order of `weights`.

    Raises:
        ValueError: the number of values or a shape differs. No weight is changed then.
    """
    weights = layer.weights
    if len(weights) != len(values):
        raise ValueError(
            f"{layer._label_()} has {quantity(len(weights), 'weight')}; received "
            f"{quantity(len(values), 'array')}."
            + (f"\nExpected, in this order: {_format_weights(weights)}." if weights else "")
            + ("" if layer.built else "\nThe layer is not built: call it on an input first.")
        )
    # All shapes are checked before the first assignment, so that an error changes nothing.
    for variable, value in zip(weights, values, strict=True):
        shape = tuple(np.shape(value))
        if shape != variable.shape:
            raise ValueError(
                f"{layer._label_()}: weight {variable.path!r} has the shape {variable.shape}; "
                f"received {shape}. No weight was changed."
                + ("\nPass its transpose." if shape[::-1] == variable.shape else "")
            )
    with sharing.values_lock:
        for variable, value in zip(weights, values, strict=True):
            variable.assign(value)


def remove_duplicates(variables: Iterable[Variable]) -> list[Variable]:
    """Returns the Variables in the order of their first occurrence, each once."""
    return list({id(v): v for v in variables}.values())


def _format_weights(weights: Sequence[Variable], limit: int = 8) -> str:
    listed = ", ".join(f"{v.path} {v.shape}" for v in weights[:limit])
    return f"{listed}, ..." if len(weights) > limit else listed
