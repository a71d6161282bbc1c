"""Lambda: a layer that calls a given function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from cornu import registry
from cornu.core.layer.layer import Layer

__all__ = ["Lambda"]


class Lambda(Layer):
    """Makes a layer of a function of arrays.

    Weights that the function uses are not found; write a subclass of `Layer` for these.

    Args:
        function: called with the inputs, with `arguments`, and with `mask=` and `training=` if it
            has parameters of these names.
        output_shape: not needed, since shapes are inferred from the function.
        mask: the mask of the output, or a function of `(inputs, mask)` that returns it.
        arguments: further keyword arguments of the function, in a dict.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import cornu
    >>> halves = cornu.layers.Lambda(lambda x: x[:, ::2])
    >>> halves(cornu.Input((10,))).shape
    (None, 5)

    Differences: no file ever holds code. A function from `cornu` or one with
    `@cornu.saving.register_keras_serializable()` is described by its name; a Python lambda must
    be handed over at loading, as `custom_objects={"<lambda>": function}`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"{self._label()}: function must be callable. Received: {function!r}")
        self.function = function
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._accepted = _parameters(function)
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Returns function(inputs, **arguments)."""
        offered = {"mask": mask, "training": training}
        taken = {name: value for name, value in offered.items() if name in self._accepted}
        return self.function(inputs, **self.arguments, **taken)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the mask that the layer was given, or what that function of masks returns."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Lambda:
        """Makes the layer from a config, finding functions by their names.

        Args:
            config: what `get_config()` returned.
            custom_objects: functions by name.
            safe_mode: without effect, code in a config is never run.

        Raises:
            ValueError: a function is not known by name.
        """
        config = {name: _code_to_name(value) for name, value in config.items()}
        try:
            return cls(**registry.deserialize(config, custom_objects))
        except ValueError as error:
            if "'<lambda>'" not in str(error):
                raise
            raise ValueError(
                f"Lambda layer {config.get('name')!r} was made of a Python lambda, which is code "
                "and is never loaded.\nPass custom_objects={'<lambda>': function}, or make the "
                "layer of a named function with @cornu.saving.register_keras_serializable()."
            ) from error


def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some functions written in C tell no signature
        return frozenset()


def _code_to_name(value: Any) -> Any:
    """Replaces the byte code that Keras writes by the name of a function."""
    if isinstance(value, dict) and value.get("class_name") == "__lambda__":
        return {"class_name": "function", "config": "<lambda>"}
    return value
