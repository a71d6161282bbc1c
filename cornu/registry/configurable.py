"""`Configurable`: the base class of layers, losses, metrics, optimizers and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.names import is_library_class
from cornu.registry.arguments import ArgumentCapture
from cornu.registry.custom_objects import custom_object_scope
from cornu.registry.deserialization import deserialize
from cornu.registry.names import classes
from cornu.registry.serialization import serialize
from cornu.types import Config

__all__ = ["Configurable"]


class Configurable(ArgumentCapture):
    """Base class of objects with a config. The arguments of the constructor are captured."""

    def __init_subclass__(cls, register_as: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Classes of programs are found only if they are registered explicitly.
        if is_library_class(cls) and not cls.__name__.startswith("_"):
            # A layer that belongs to one network is not among those that messages suggest.
            category = register_as or cls._category_
            classes.setdefault(category, {}).setdefault(cls.__name__, cls)

    def get_config(self) -> Config:
        """Returns the arguments of the constructor as plain data."""
        return {name: serialize(value) for name, value in self._constructor_arguments_().items()}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates an object from the result of `get_config()`.

        Args:
            config: the arguments of the constructor as plain data.
            custom_objects: classes and functions by name, in addition to registered ones.
        """
        with custom_object_scope(custom_objects):
            return cls(**{name: deserialize(value) for name, value in config.items()})
