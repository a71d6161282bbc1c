"""Initializers of Keras 2 and tf.keras, which differ in the classes of scaled variances."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cornu import ops
from cornu.core.state.variable import Variable
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.part_configs import PartConfigs, create_part
from cornu.errors import suggest
from cornu.names import snake_case
from cornu.parts import initializers
from cornu.types import Config

__all__ = ["AXES", "FunctionInitializer", "get_initializer", "initializers_of", "look_up"]

Factory = Callable[..., Any]


class Constant(PartConfigs, initializers.Constant):
    """The same value in all elements, by default 0."""

    def __init__(self, value: Any = 0) -> None:
        super().__init__(value)


class FunctionInitializer(initializers.Initializer):
    """Wraps a function of a shape that returns an array or a Variable.

    Args:
        function: a function `f(shape)` or `f(shape, dtype=None)`.
    """

    def __init__(self, function: Factory) -> None:
        self.function = function

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        value = self.function(shape)
        return ops.cast(value.value if isinstance(value, Variable) else value, dtype or "float32")


class VarianceScaling(PartConfigs, initializers.VarianceScaling):
    """The class of all scaled variances of Keras 2; "normal" is truncated.

    Args:
        scale, mode, seed: as today.
        distribution: "normal" or "uniform".
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: Any = "fan_in",
        distribution: Any = "normal",
        seed: Any = None,
    ) -> None:
        super().__init__(scale, mode, distribution, seed)


# Arguments of cornu's own.
AXES = ("input_axes", "output_axes")
_AUTHORS = ("Glorot", "He", "Lecun")
# Functions of Keras 2, classes of tf.keras.
_NAMED = tuple(f"{name}{kind}" for name in _AUTHORS for kind in ("Normal", "Uniform"))


def _make_function(name: str) -> Factory:
    """Returns the function of Keras 2 for a class of today."""
    scale, mode, distribution = getattr(initializers, name).rule
    kind = "uniform" if distribution == "uniform" else "normal"

    def make(seed: Any = None) -> Any:
        return VarianceScaling(scale, mode, kind, seed)

    make.__name__ = make.__qualname__ = snake_case(name)
    make.__doc__ = f"Returns the initializer `cornu.initializers.{name}` as a `VarianceScaling`."
    return make


@functools.cache
def derive_scaling(name: str) -> type:
    """Returns the class of tf.keras for a class of today; pickles refer to this function.

    Args:
        name: the name of the class.
    """
    cls = getattr(initializers, name)
    body = {
        "_class_reference_": (derive_scaling, name),
        "_not_of_version_": AXES,
        "__module__": __name__,
        "__doc__": cls.__doc__,
    }
    return type(name, (PartConfigs, cls), body)


# The classes that all versions have, by every name.
_COMMON: dict[str, Factory] = {
    **dict.fromkeys(("Zeros", "zeros", "zero"), initializers.Zeros),
    **dict.fromkeys(("Ones", "ones", "one"), initializers.Ones),
    **dict.fromkeys(("Constant", "constant"), Constant),
    **dict.fromkeys(("RandomNormal", "random_normal", "normal"), initializers.RandomNormal),
    **dict.fromkeys(("RandomUniform", "random_uniform", "uniform"), initializers.RandomUniform),
    **dict.fromkeys(("TruncatedNormal", "truncated_normal"), initializers.TruncatedNormal),
    **dict.fromkeys(("Orthogonal", "orthogonal"), initializers.Orthogonal),
    **dict.fromkeys(("Identity", "identity"), initializers.Identity),
}


@functools.cache
def initializers_of(version: Version) -> dict[str, Factory]:
    """Returns the classes and functions of a version by all of their names."""
    if version.source.is_tensorflow:
        found = {name: derive_scaling(name) for name in (*_NAMED, "VarianceScaling")}
        return {**_COMMON, **found, **{snake_case(name): cls for name, cls in found.items()}}
    functions = {snake_case(name): _make_function(name) for name in _NAMED}
    return {**_COMMON, "VarianceScaling": VarianceScaling, **functions}


def get_initializer(identifier: Any, names: Mapping[str, Factory]) -> Any:
    """Returns the initializer for a name, a config or a function of a shape.

    Args:
        identifier: the name, config or function; initializers are returned unchanged.
        names: the classes and functions of the version by name.
    """
    if isinstance(identifier, str):
        return look_up("initializer", identifier, names)()
    if isinstance(identifier, Mapping):
        find = functools.partial(_find_class, names, identifier.get("config") or {})
        return create_part(identifier, find, initializers.get)
    if identifier is None or isinstance(identifier, initializers.Initializer):
        return identifier
    is_class = isinstance(identifier, type) and issubclass(identifier, initializers.Initializer)
    if is_class or identifier in names.values():
        return identifier()
    return FunctionInitializer(identifier)


def _find_class(names: Mapping[str, Factory], config: Config, name: str) -> type[Any] | None:
    """Returns the class of the version with a name, if it has all arguments of a config."""
    cls = names.get(name)
    if not isinstance(cls, type):
        return None
    return cls if config.keys() <= inspect.signature(cls).parameters.keys() else None


def look_up(kind: str, name: str, table: Mapping[str, Factory]) -> Factory:
    """Returns the object with a name.

    Args:
        kind: what it is, for the message.
        name: its name.
        table: the objects by name.

    Raises:
        ValueError: the table does not have the name.
    """
    if name in table:
        return table[name]
    raise ValueError(f"Keras 2 has no {kind} {name!r}. {suggest(name, table)}")
