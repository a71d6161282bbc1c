"""`keras.utils.legacy`: configs of objects as in Keras 2, without modules and registered names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cornu import registry
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import did_you_mean, suggest_names

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


@api_boundary
def serialize_keras_object(instance: Any) -> Any:
    """Returns the class name and config of an object, or the name of a function.

    Args:
        instance: an object with `get_config()`, a function, or None.

    Raises:
        ValueError: the object has neither a config nor a name.

    Example:

    >>> import cornu
    >>> serialize_keras_object(cornu.initializers.Constant(2.0))
    {'class_name': 'Constant', 'config': {'value': 2.0}}
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        name = registry.get_registered_name(type(instance))
        return {"class_name": name, "config": registry.serialize(instance.get_config())}
    if hasattr(instance, "__name__"):
        return registry.get_registered_name(instance)
    raise ValueError(
        f"Expected an object with a `get_config()` method, or a function. Received: {instance!r}"
    )


@api_boundary
def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """Creates an object from its class name and config, or returns a function by its name.

    Args:
        identifier: the result of `serialize_keras_object`.
        module_objects: classes and functions by name, such as the `globals()` of a module.
        custom_objects: the same; they take precedence.
        printable_module_name: what the object is, for error messages.

    Raises:
        ValueError: the name is unknown, or `identifier` is something else.

    Example:

    >>> import cornu
    >>> config = {"class_name": "Constant", "config": {"value": 2.0}}
    >>> deserialize_keras_object(config, vars(cornu.initializers)).value
    2.0
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        if "class_name" not in identifier or "config" not in identifier:
            raise ValueError(
                f"The config of a {printable_module_name} must have the entries 'class_name' and "
                f"'config'. Received: {identifier!r}"
            )
        return registry.deserialize(identifier, custom_objects, module_objects=module_objects)
    if isinstance(identifier, str):
        found = registry.get_registered_object(identifier, custom_objects, module_objects)
        if found is None:
            known = [*(custom_objects or ()), *(module_objects or ())]
            raise ValueError(
                f"Unknown {printable_module_name} {identifier!r}. "
                f"{did_you_mean(identifier, known)} Pass it in custom_objects."
            )
        return found() if inspect.isclass(found) else found
    if inspect.isfunction(identifier):
        return identifier
    raise ValueError(
        f"A {printable_module_name} must be a config, a name or a function. Received: "
        f"{identifier!r}"
    )


suggest_names(__name__, __all__)
