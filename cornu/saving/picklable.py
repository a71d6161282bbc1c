"""Which functions and classes of a program a pickler can store, and what to do about the others.

`pickle` stores a function or class by its module and name. A lambda, or what is defined within a
function, has no such name; `cloudpickle` and others store its code.
"""

from __future__ import annotations

import copyreg
import inspect
import pickle
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from cornu.registry.custom_objects import registered_names
from cornu.registry.serialization import CLASS

__all__ = ["iterate_code", "to_picklable"]


def to_picklable(config: Any, owner: str) -> Any:
    """Returns a config whose functions and classes the running pickler can store.

    Those that it cannot store, but that are registered, are replaced by their registered names.

    Args:
        config: a config that contains functions and classes themselves.
        owner: what has the config, as the message shows it.

    Raises:
        pickle.PicklingError: others cannot be stored; the message lists all of them.
    """
    found: dict[int, tuple[Any, str]] = {}
    has_wrapped = False
    for value, where in iterate_code(config, owner):
        has_wrapped |= _is_wrapped(value) or _reference_of(value) is not None
        if not _has_name(value) and _reference_of(value) is None:
            found.setdefault(id(value), (value, where))
    if not found and not has_wrapped:
        return config
    if _stores_code():
        return _map_wrapped(
            config, lambda value: _by_name(value) if not _is_in_main(value) else value
        )
    config = _map_wrapped(config, _by_name)
    lines = [
        f"\n  {_describe(value)}, of {where}"
        for value, where in found.values()
        if value not in registered_names
    ]
    if not lines:
        return _with_registered_names(config)
    raise pickle.PicklingError(
        f"{owner} cannot be pickled: pickle stores functions and classes by name, and these have "
        f"none that can be imported:{''.join(lines)}\n"
        "Use cloudpickle.dumps(...), which stores their code; or define them with `def` or `class` "
        "at the top of a module; or decorate them with "
        "@cornu.saving.register_keras_serializable(), in the program that unpickles, too."
    )


def _with_registered_names(value: Any) -> Any:
    if not isinstance(value, type) and _is_code(value) and not _has_name(value):
        return {"class_name": "function", "config": registered_names[value]}
    if isinstance(value, dict):
        is_named = not isinstance(value.get(CLASS), type) or _has_name(value[CLASS])
        kept = value if is_named else {k: v for k, v in value.items() if k != CLASS}
        return {key: _with_registered_names(item) for key, item in kept.items()}
    if type(value) in (list, tuple):
        return type(value)(_with_registered_names(item) for item in value)
    return value


class _Imported:
    """A compiled function of JAX, pickled by its name: by itself it stores what it wraps."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return pkgutil.resolve_name, (f"{self._value.__module__}:{self._value.__qualname__}",)


class _Referred:
    """A class that is made at run time, pickled by what makes it."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> tuple[Any, ...]:
        function, *arguments = self._value._class_reference_
        return function, tuple(arguments)


def _reference_of(value: Any) -> Any:
    """Returns how a class of a config is made, or None if it has a name."""
    return vars(value).get("_class_reference_") if isinstance(value, type) else None


def _by_name(value: Any) -> Any:
    if _reference_of(value) is not None:
        return _Referred(value)
    return _Imported(value) if _is_wrapped(value) and _has_name(value) else value


def _is_wrapped(value: Any) -> bool:
    """Whether a value is callable, has a name and wraps a function, such as `jax.nn.relu`."""
    if isinstance(value, (FunctionType, type)) or not callable(value):
        return False
    return all(hasattr(value, name) for name in ("__wrapped__", "__qualname__", "__module__"))


def _is_code(value: Any) -> bool:
    return isinstance(value, (FunctionType, type)) or _is_wrapped(value)


def _is_in_main(value: Any) -> bool:
    return bool(value.__module__ == "__main__")


def _map_wrapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Applies a function to the compiled functions in a config, and classes made at run time."""
    if isinstance(value, dict):
        return {key: _map_wrapped(item, function) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_map_wrapped(item, function) for item in value)
    is_changed = _is_wrapped(value) or _reference_of(value) is not None
    return function(value) if is_changed else value


def iterate_code(value: Any, where: str) -> Iterator[tuple[Any, str]]:
    """Yields the functions and classes in a config, each with a description of its owner."""
    if _is_code(value):
        yield value, where
    elif isinstance(value, dict):
        if "class_name" in value and isinstance(value.get("config"), dict):
            name = value["config"].get("name")
            where = f"{value['class_name']}" + (f" {name!r}" if name else "")
        for key, item in value.items():
            inner = where if isinstance(item, (dict, list, tuple, type)) else f"{where}, {key}"
            yield from iterate_code(item, inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from iterate_code(item, where)


def _has_name(value: Any) -> bool:
    """Whether importing the module of a function or class, and looking up its name, finds it."""
    found: Any = sys.modules.get(value.__module__)
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is value


def _describe(value: Any) -> str:
    if isinstance(value, type):
        return f"class {value.__qualname__}"
    code = inspect.unwrap(value).__code__
    return f"function {value.__qualname__} ({code.co_filename}:{code.co_firstlineno})"


def _stores_code() -> bool:
    """Whether the running pickler stores the code of functions.

    The pickler does not say which one it is. That of Python runs in C and has no frame; those that
    extend it (cloudpickle, dill, joblib, Ray, Spark) are objects that a Python method belongs to.
    """
    if FunctionType in copyreg.dispatch_table:
        return True
    frame = inspect.currentframe()
    while frame is not None:
        has_self = frame.f_code.co_varnames[:1] == ("self",)
        running = frame.f_locals.get("self") if has_self else None
        if isinstance(running, (pickle.Pickler, pickle._Pickler)):
            return _extends_functions(running)
        frame = frame.f_back
    return False


def _extends_functions(pickler: Any) -> bool:
    """Whether a pickler has its own way to store functions."""
    if getattr(pickler, "reducer_override", None) is not None:
        return True
    if FunctionType in getattr(pickler, "dispatch_table", {}):
        return True
    stores = getattr(pickler, "dispatch", {}).get(FunctionType)
    # Not compared with the method of Python's, which dill replaces.
    return stores is not None and stores.__module__ != "pickle"
