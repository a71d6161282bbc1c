"""ConfiguredLayer: the base of layers whose constructor arguments become attributes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.layers.arguments import positive_int
from cornu.parts import activations, constraints, initializers, regularizers
from cornu.types import ShapeLike

__all__ = [
    "Activation",
    "ConfiguredLayer",
    "Converter",
    "keyword_arguments",
]

Activation: TypeAlias = Callable[[Any], Any]

# Validates and converts one argument: (label of the layer, argument name, value) -> attribute.
Converter: TypeAlias = Callable[[str, str, Any], Any]

# Entries of a constructor's `locals()` that are not named arguments.
_NOT_ARGUMENTS = frozenset(("self", "kwargs", "__class__"))


def _resolve(get: Callable[[Any], Any], default: Any = None) -> Converter:
    # Most arguments are None, so that `get` is called for the others only.
    return lambda layer, name, value: default if value is None else get(value)


class ConfiguredLayer(Layer):
    """A layer that stores its constructor arguments as attributes of the same names.

    A constructor calls `self.store_arguments(locals())` after `super().__init__(**kwargs)`. The
    arguments are taken from `locals()` rather than from the recorded constructor call, because a
    user-defined subclass may have a constructor with other arguments.
    """

    use_bias: bool

    # Keys are argument names, or suffixes written "*_suffix". Other arguments are stored unchanged.
    converters: ClassVar[Mapping[str, Converter]] = {
        "activation": _resolve(activations.get, activations.linear),
        "*_activation": _resolve(activations.get, activations.linear),
        "*_initializer": _resolve(initializers.get),
        "*_regularizer": _resolve(regularizers.get),
        "*_constraint": _resolve(constraints.get),
        "units": positive_int,
        "filters": positive_int,
        "groups": positive_int,
        "depth_multiplier": positive_int,
    }

    def store_arguments(self, arguments: Mapping[str, Any], skip: tuple[str, ...] = ()) -> None:
        """Stores each constructor argument as an attribute, after validation and conversion.

        Args:
            arguments: `locals()` of the constructor; `self` and `**kwargs` are skipped.
            skip: further arguments that are not stored.
        """
        layer = self._label_()
        # mypy mistakes the `__hash__` of instances for that of the class.
        plan = _converters_by_argument(type(self), tuple(arguments), skip)  # type: ignore[arg-type]
        for name, convert in plan:
            value = arguments[name]
            setattr(self, name, value if convert is None else convert(layer, name, value))

    def create_weight(
        self, name: str, shape: ShapeLike, *, prefix: str | None = None, **kwargs: Any
    ) -> Variable:
        """Creates a weight from the attributes `*_initializer`, `*_regularizer`, `*_constraint`.

        Args:
            name: the name of the weight.
            shape: its shape.
            prefix: the prefix of the attribute names; by default `name`.
            **kwargs: further arguments of `add_weight`. `initializer`, `regularizer` and
                `constraint` override the attributes.
        """
        prefix = prefix or name
        settings = {
            "initializer": getattr(self, f"{prefix}_initializer"),
            "regularizer": getattr(self, f"{prefix}_regularizer"),
            "constraint": getattr(self, f"{prefix}_constraint"),
        }
        return self.add_weight(shape, name=name, **{**settings, **kwargs})

    def create_bias(self, shape: ShapeLike) -> Variable | None:
        """Creates the weight `bias` with `create_weight`; None if `use_bias` is False.

        Args:
            shape: the shape of the bias.
        """
        return self.create_weight("bias", shape) if self.use_bias else None


# Cached, because the search by suffix would take a quarter of the time to construct a Dense.
@functools.lru_cache(maxsize=1024)
def _converters_by_argument(
    cls: type[ConfiguredLayer], names: tuple[str, ...], skip: tuple[str, ...]
) -> list[tuple[str, Converter | None]]:
    """Returns the arguments to store, among the names in `locals()`, with their converters."""
    converters = []
    for name in names:
        if name in _NOT_ARGUMENTS or name in skip:
            continue
        _, underscore, suffix = name.rpartition("_")
        key = name if name in cls.converters else f"*{underscore}{suffix}"
        converters.append((name, cls.converters.get(key)))
    return converters


def keyword_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Converts `locals()` of a constructor to keyword arguments for another constructor."""
    own = {k: v for k, v in arguments.items() if k not in _NOT_ARGUMENTS}
    return {**own, **arguments.get("kwargs", {})}
