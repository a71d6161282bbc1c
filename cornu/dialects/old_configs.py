"""`get_config` and `from_config` of layers of Keras 1 and 2, in the layout of the version.

Files and copies have the configs of today, which describe everything about a layer. Copies also
have the call of the old class, so that a copy has the same config of the version.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.layers import InputLayer
from cornu.legacy.keras1.calls import OldCall, find_call, record_call
from cornu.legacy.keras1.class_mapping import OldClass
from cornu.names import is_library_class
from cornu.types import Config

__all__ = [
    "ConfigMethods",
    "OldConfigs",
    "create_from_config",
    "defines_config",
    "is_of_program",
    "keep_functions",
    "keeps_functions",
    "present_function",
    "record_directions",
]

_keeps_functions: ContextVar[bool] = ContextVar("keeps_functions", default=False)


@contextlib.contextmanager
def keep_functions() -> Iterator[None]:
    """Within the block, configs have functions themselves, of which files have the names."""
    token = _keeps_functions.set(True)
    try:
        yield
    finally:
        _keeps_functions.reset(token)


def keeps_functions() -> bool:
    """Returns whether configs have functions themselves; see `keep_functions`."""
    return _keeps_functions.get()


# The entry of a copy's config for the call of the old class.
_CALL = "old_call"


@dataclass(frozen=True)
class OldConfigs:
    """The layout of the configs of a version.

    Attributes:
        describe: returns the config of a layer for the call that created it.
        describe_input: returns the config of an InputLayer.
        describe_base: returns the part of a config that every layer has.
        restore: returns the value of an argument for its value in a config.
        unused: entries of configs that are no arguments of the constructor.
        classes: the classes of the version by the names in configs, once they exist.
    """

    describe: Callable[[Any, OldCall], Config]
    describe_base: Callable[[Any], Config]
    describe_input: Callable[[Any], Config]
    restore: Callable[[str, Any], Any]
    unused: frozenset[str]
    classes: dict[str, Any] = field(default_factory=dict)

    def create_layer(self, entry: Any) -> Any:
        """Returns a layer for its class and config, as a wrapper has them; layers are unchanged."""
        if not isinstance(entry, Mapping):
            return entry
        name = entry["class_name"]
        cls = registry.get_registered_object(name) or self.classes.get(name)
        return registry.deserialize(entry) if cls is None else cls.from_config(entry["config"])


def is_of_program(layer: Any) -> bool:
    """Returns whether the program defines the class of a layer."""
    return not is_library_class(type(layer))


def _defines(cls: type, method: str) -> bool:
    """Returns whether the program defines a method of a class."""
    return not is_library_class(next(one for one in cls.__mro__ if method in vars(one)))


def defines_config(layer: Any) -> bool:
    """Returns whether the class of a layer of the program has a `get_config` of its own."""
    return _defines(type(layer), "get_config")


def present_function(layer: Any, name: str, made: Any) -> Any:
    """Returns a function of a layer if the program has replaced it since, as `activation`.

    Args:
        layer: the layer.
        name: the attribute.
        made: what the layer was created with.
    """
    found = vars(layer).get(name)
    replaced = found is not None and found is not made and hasattr(found, "__name__")
    return found if replaced else None


def record_directions(layer: Any, arguments: Mapping[str, Any]) -> None:
    """Records the calls of the layers of a Bidirectional, which are copies of the one it was given.

    Args:
        layer: the Bidirectional.
        arguments: the arguments of its old class.
    """
    call = find_call(arguments["layer"])
    for part, is_backward in ((layer.forward_layer, False), (layer.backward_layer, True)):
        if call is not None and find_call(part) is None:
            given = {**call.arguments, "name": part.name}
            given["go_backwards"] = given.get("go_backwards", False) is not is_backward
            record_call(part, call.mapping, given)


def create_from_config(old_class: OldClass, config: Mapping[str, Any], configs: OldConfigs) -> Any:
    """Returns an object of an old class for its config; None if it is not one of the version.

    Args:
        old_class: the class.
        config: the config.
        configs: the layout of the version.
    """
    known = old_class.mapping.parameters
    given = {k: v for k, v in config.items() if k in known or k not in configs.unused}
    if any(name not in known for name in given):
        return None
    arguments = {name: configs.restore(name, value) for name, value in given.items()}
    if isinstance(arguments.get("function"), (str, Mapping)):  # of a Lambda
        arguments["function"] = registry.resolve(None, arguments["function"])
    return old_class(**arguments)


class ConfigMethods:
    """Mixin with the configs of a version.

    Attributes:
        _configs_: the layout of the version.
        _old_class_: the class of the version, unless the program defines the class.
    """

    _configs_: ClassVar[OldConfigs]
    _old_class_: ClassVar[OldClass | None] = None

    def get_config(self: Any) -> Config:
        """Returns the arguments of the constructor in the layout of the version."""
        layer: Any = self
        if isinstance(layer, InputLayer):
            of_input: Config = type(self)._configs_.describe_input(layer)
            return of_input
        call = self._old_call_()
        if call is not None and (defines_config(self) or not _defines(type(self), "__init__")):
            # The functions themselves, where the version has their bytecode.
            with keep_functions():
                described: Config = self._configs_.describe(self, call)
            return described
        found: Config = super().get_config()  # type: ignore[misc]  # of the class of layers
        if not is_of_program(self):
            return found
        base = self._configs_.describe_base(self)
        return {**base, **{k: v for k, v in found.items() if k not in ("dtype", *base)}}

    def _old_call_(self) -> OldCall | None:
        """Returns the call of the old class that created the layer, if there was one."""
        return find_call(self)

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates a layer from the result of `get_config()`, or from a config of today."""
        with registry.custom_object_scope(custom_objects):
            old_class = vars(cls).get("_old_class_")
            if old_class is not None:
                made = create_from_config(old_class, config, cls._configs_)
                if made is not None:
                    return made
            given = {name: value for name, value in config.items() if name != _CALL}
            return super().from_config(given)  # type: ignore[misc]

    def _stored_config_(self: Any) -> Config:
        if is_of_program(self):
            found: Config = self.get_config()
            return found
        config: Config = super().get_config()  # type: ignore[misc]
        call = find_call(self)
        if call is None or not registry.is_copying():
            return config
        plain = {k: v for k, v in call.arguments.items() if not _has_layers(v)}
        return {**config, _CALL: registry.serialize(plain)}

    @classmethod
    def _from_stored_config_(cls, config: Config) -> Any:
        if not is_library_class(cls):
            return cls.from_config(config)
        stored = dict(config)
        arguments = stored.pop(_CALL, None)
        made: Any = super().from_config(stored)  # type: ignore[misc]
        old_class = vars(cls).get("_old_class_")
        if old_class is not None and arguments is not None:
            # The layers within are those that were created.
            found = {**made._constructor_arguments_(), **registry.deserialize(arguments)}
            names = old_class.mapping.parameters
            given = {name: value for name, value in found.items() if name in names}
            record_call(made, old_class.mapping, given)
            if old_class.finish is not None:
                old_class.finish(made, given)
        return made


def _has_layers(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_has_layers(item) for item in value)
    return isinstance(value, Layer)
