"""Objects from plain data, and from arguments such as `activation="relu"`.

Names are looked up in tables only: the classes of the library, and those that the running program
registered. A config causes no import other than that of the library's own packages.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.errors import did_you_mean, suggest
from cornu.foreign import check_backend, describe_replacement, is_of_keras, keras_class
from cornu.names import is_library_class
from cornu.registry.archive import LAMBDA, current_archive
from cornu.registry.arguments import ArgumentCapture
from cornu.registry.custom_objects import (
    custom_object_scope,
    find_in_scopes,
    get_registered_object,
)
from cornu.registry.lambdas import replace_lambdas
from cornu.registry.lookup import (
    describe_registration,
    find,
    find_other_category,
    note_unknown,
    singular,
)
from cornu.registry.names import category_of, classes, functions, search
from cornu.registry.serialization import CLASS, SLICE

__all__ = ["deserialize", "resolve"]

# The base classes of objects with Variables: those of Keras cannot be part of a compiled step.
_WITH_STATE = frozenset(("layers", "metrics", "optimizers"))


def deserialize(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    *,
    module_objects: Mapping[str, Any] | None = None,
    printable_module_name: str | None = None,
) -> Any:
    """Creates an object from the result of `serialize`. Other data is returned unchanged.

    The config is that of the program: it may describe layers of any size. Models of others are read
    by `load_model` and `model_from_json`, which compare what they ask for with their own size.

    Args:
        config: the data.
        custom_objects: classes and functions by name, in addition to registered ones. A name of
            one of them is replaced by it.
        safe_mode: has no effect, since code in a config is never executed.
        module_objects: the same, such as the `globals()` of a module. The name of a class is
            replaced by an object that is created without arguments.
        printable_module_name: has no effect, as in Keras 3.

    Raises:
        ValueError: a class is unknown, or its constructor does not accept the config.

    Example:

    >>> import cornu
    >>> config = cornu.saving.serialize_keras_object(cornu.layers.Dense(2))
    >>> cornu.saving.deserialize_keras_object(config).units
    2
    """
    if custom_objects or module_objects:
        of_module = {k: v for k, v in (module_objects or {}).items() if callable(v)}
        given = {**of_module, **(custom_objects or {})}
        if isinstance(config, str):
            found = given.get(config, config)
            from_module = config not in (custom_objects or {})
            return found() if isinstance(found, type) and from_module else found
        with custom_object_scope(given):
            return deserialize(config)
    if isinstance(config, (list, tuple)):
        if hasattr(config, "_fields"):
            return config  # a namedtuple of the program, in a copy
        return type(config)(deserialize(item) for item in config)
    if not isinstance(config, dict):
        return config
    name = config.get("class_name")
    if name == "__tuple__":
        return tuple(deserialize(item) for item in config["items"])
    if "class_name" not in config or "config" not in config:
        return {key: deserialize(item) for key, item in config.items()}
    inner = config["config"]
    # Keras writes NumPy arrays and tensors under these two names.
    if name in ("__numpy__", "__tensor__"):
        return _to_array(inner["value"], np.dtype(inner["dtype"]))
    if name == "__bytes__":
        return str(inner["value"]).encode("utf-8", "surrogateescape")
    if name == "__slice__":
        return slice(*(deserialize(inner[part]) for part in SLICE))
    if name == "__ellipsis__":
        return Ellipsis
    if name == "function":
        return resolve(category_of(config), inner)
    if name == "__lambda__":  # bytecode, which Keras saves for lambdas
        return resolve(None, LAMBDA)
    module = config.get("module") or ""
    # Only needed for the error message, which names the module of a class of the user.
    module = "" if module.startswith(("keras", "builtins")) else module
    archive = current_archive()
    if archive is not None and config.get("shared_object_id") in archive.objects:
        return archive.objects[config["shared_object_id"]]
    cls = config.get(CLASS)
    if not isinstance(cls, type):
        registered = config.get("variant") or config.get("registered_name") or name
        cls = find(category_of(config), str(registered), module)
    made = _from_config(cls, replace_lambdas(inner, str(name)))
    if archive is not None:
        archive.add(made, config)
    return made


def _from_config(cls: Any, config: Any) -> Any:
    if not hasattr(cls, "from_config"):
        raise ValueError(
            f"Expected a class with a `from_config()` method. Received: {cls!r}, which "
            "custom_objects or a registration gives for the class name in the file"
        )
    try:
        if inspect.isclass(cls) and issubclass(cls, ArgumentCapture):
            return cls._from_stored_config_(config)
        return cls.from_config(config)
    except TypeError as error:
        if is_library_class(cls):
            raise
        raise ValueError(
            f"{cls.__name__} cannot be created from its config {_abbreviate(config)}: {error}.\n"
            "Its get_config() must return every argument that the constructor requires. If the "
            "class does not define get_config(), the arguments are captured automatically."
        ) from error


def _abbreviate(config: Any) -> str:
    text = repr(config)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _to_array(value: Any, dtype: np.dtype) -> np.ndarray:
    # Only numbers: the size of a string or structured element is not bounded.
    if dtype.kind not in "fiubc" and dtype.name != "bfloat16":
        raise ValueError(f"An array in a config must have a numeric dtype. Received: dtype {dtype}")
    return np.array(value, dtype=dtype)


def _adopt(category: str | None, obj: Any) -> Any:
    """Returns the equivalent in this library of an object or function of Keras; others unchanged.

    Raises:
        TypeError: the object is a metric, a layer or an optimizer of Keras.
    """
    if inspect.isroutine(obj):
        own = functions.get(category or "", {}).get(obj.__name__)
        return own if own is not None and is_of_keras(obj) else obj
    found = keras_class(obj)
    if found is None:
        return obj
    if category in _WITH_STATE:
        raise TypeError(
            f"Expected a name, a config or an object in {category}. Received: {obj!r}"
            + describe_replacement(obj)
        )
    # Losses stay as they are: their configs in Keras lack arguments, such as `delta` of Huber.
    if found is not type(obj) or category == "losses":
        check_backend(obj)
        return obj
    cls, _ = search(found.__name__, category, classes)
    if cls is None:
        return obj
    return _from_config(cls, deserialize(obj.get_config()))


def resolve(category: str | None, identifier: Any) -> Any:
    """Returns the object for an argument such as `activation="relu"`.

    Args:
        category: the category to search in; None for all.
        identifier: a name, a config, a class, an object or a function. A class is instantiated
            with its default arguments, and None is returned unchanged.

    Raises:
        ValueError: the name is unknown.
        TypeError: the identifier is of another type.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize(
            {"module": f"keras.{category}", **identifier} if category else identifier
        )
    if isinstance(identifier, str):
        found = get_registered_object(identifier)
        if found is None:
            registries = (functions, classes) if category else (functions,)
            found, tables = search(identifier, category, *registries)
            if inspect.isclass(found):
                # A replacement has the name of the class, whatever the config calls it.
                found = find_in_scopes(found.__name__) or found
        if found is None:
            # The default package of `register_keras_serializable`. As in Keras, a function of the
            # program that has the name of one of the library does not replace it.
            found = get_registered_object(f"Custom>{identifier}")
        if found is None:
            kind = singular(category)
            known = sorted({key for table in tables for key in table})
            hint = find_other_category(category, identifier) or suggest(identifier, known)
            if current_archive() is not None and identifier.isidentifier():
                # A file has names of functions that were checked when it was written.
                hint = f"{did_you_mean(identifier, known)} {describe_registration(identifier)}"
            if identifier == LAMBDA:
                hint = (
                    "A Python lambda is code, which is never loaded.\nPass the function by the "
                    "name of its layer, as custom_objects={'dense': function}, or by that of the "
                    "argument of compile, as {'compile/loss': function}."
                )
            note_unknown()
            raise ValueError(f"Unknown {kind} {identifier!r}. {hint.strip()}")
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        identifier = identifier()
    if isinstance(identifier, ArgumentCapture):
        return identifier
    if callable(identifier):
        return _adopt(category, identifier)
    kind = category or "objects"
    raise TypeError(
        f"Expected a name, a config or an object in {kind}. "
        f"Received: {identifier!r} (of type {type(identifier).__name__})"
    )
