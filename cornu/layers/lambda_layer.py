"""Lambda: wraps a function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cornu import registry
from cornu.core.layer.layer import Layer

__all__ = ["Lambda"]


class Lambda(Layer):
    """Wraps a function as a layer.

    Variables that the function uses are not tracked; write a subclass of `Layer` for those.

    Args:
        function: the function, called with the inputs and `arguments`. It also receives `mask` and
            `training` if it has parameters with these names.
        output_shape: ignored; the output shape is inferred from the function.
        mask: the mask of the output, or a function of `(inputs, mask)` that returns it.
        arguments: a dict of further keyword arguments for the function.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Example:

    >>> import cornu
    >>> halves = cornu.layers.Lambda(lambda x: x[:, ::2])
    >>> halves(cornu.Input((10,))).shape
    (None, 5)

    Differences: saved models never contain code. Functions of `cornu` and functions registered
    with `@cornu.saving.register_keras_serializable()` are saved by name. A Python lambda must be
    passed on loading by the name of its layer, as `custom_objects={"lambda_1": function}`, or as
    `custom_objects={"<lambda>": function}` if it is the only one.
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
            raise TypeError(f"{self._label_()}: function must be callable. Received: {function!r}")
        self.function = function
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._parameters = _parameter_names(function)
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Returns function(inputs, **arguments)."""
        optional = {"mask": mask, "training": training}
        accepted = {name: value for name, value in optional.items() if name in self._parameters}
        return self.function(inputs, **self.arguments, **accepted)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the `mask` of the constructor, or what it returns if it is a function."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Lambda:
        """Creates the layer from a config. Functions are looked up by name.

        Args:
            config: the dict returned by `get_config()`.
            custom_objects: additional functions by name.
            safe_mode: ignored, because code in a config is never executed.

        Raises:
            ValueError: a function is unknown.
        """
        try:
            return cls(**registry.deserialize(config, custom_objects))
        except ValueError as error:
            if "'<lambda>'" not in str(error):
                raise
            raise ValueError(
                f"Lambda layer {config.get('name')!r} wraps a Python lambda, which is code and "
                "cannot be loaded from a config.\nPass the function by the name of the layer, as "
                f"custom_objects={{{config.get('name')!r}: function}}, or wrap a named function "
                "with @cornu.saving.register_keras_serializable()."
            ) from error

    def _calls_user_code_(self) -> bool:
        return True


def _parameter_names(function: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some C functions have no signature
        return frozenset()
