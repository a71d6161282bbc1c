"""Objects as plain data: configs of objects, names of functions, nested lists of arrays."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from cornu.registry.archive import LAMBDA, current_archive
from cornu.registry.arguments import ArgumentCapture
from cornu.registry.custom_objects import get_registered_name, registered_names
from cornu.registry.names import functions
from cornu.registry.signatures import signature_of
from cornu.types import Config

__all__ = [
    "CLASS",
    "SLICE",
    "code_scope",
    "complete_config",
    "copy_scope",
    "is_copying",
    "serialize",
]

SLICE = ("start", "stop", "step")
CLASS = "class"  # the entry of a config with the class itself; the data of files has no classes
_keeps_functions: ContextVar[bool] = ContextVar("keeps_functions", default=False)
_describe_code: ContextVar[Callable[[Any], Any] | None] = ContextVar("describe_code", default=None)


@contextlib.contextmanager
def copy_scope() -> Iterator[None]:
    """Within the block, configs contain the functions and classes of the program themselves.

    Such configs stay in the process, or are pickled. They also contain arrays, and anything else
    that is no plain data.
    """
    token = _keeps_functions.set(True)
    try:
        yield
    finally:
        _keeps_functions.reset(token)


def is_copying() -> bool:
    """Returns whether configs contain functions and classes themselves; see `copy_scope`."""
    return _keeps_functions.get()


@contextlib.contextmanager
def code_scope(describe: Callable[[Any], Any]) -> Iterator[None]:
    """Within the block, configs contain descriptions of functions and of classes of the program.

    A description of a class is added to the configs of its objects, as `code`. Such configs cannot
    be deserialized; they tell whether the program has changed.

    Args:
        describe: returns the description of a function or class, as plain data.
    """
    token = _describe_code.set(describe)
    try:
        yield
    finally:
        _describe_code.reset(token)


def serialize(obj: Any) -> Any:
    """Converts an object to plain data.

    Objects with a config become dicts of class name and config, functions become dicts of their
    name, and arrays become nested lists. Values of other types are returned unchanged.

    Args:
        obj: the object, or a nested list, tuple or dict of objects.

    Example:

    >>> import cornu
    >>> cornu.saving.serialize_keras_object(cornu.layers.Dense(2))["class_name"]
    'Dense'
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, ArgumentCapture):
        archive = current_archive()
        return _describe(obj) if archive is None else archive.describe(obj, _describe)
    if isinstance(obj, dict):
        return {key: serialize(item) for key, item in obj.items()}
    if is_copying() and (isinstance(obj, np.ndarray) or hasattr(obj, "_fields")):
        return obj  # a namedtuple is created from its items, not from a list
    if isinstance(obj, (list, tuple)):
        items = [serialize(item) for item in obj]
        return tuple(items) if type(obj) is tuple else items
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, np.ndarray) or hasattr(obj, "__jax_array__") or _is_jax(obj):
        array = np.asarray(obj)
        return {
            "class_name": "__numpy__",
            "config": {"value": array.tolist(), "dtype": array.dtype.name},
        }
    if isinstance(obj, bytes):
        # Lone surrogates represent bytes that are not UTF-8, which Keras does not support.
        return _special("__bytes__", {"value": obj.decode("utf-8", "surrogateescape")})
    if isinstance(obj, slice):
        return _special("__slice__", {name: serialize(getattr(obj, name)) for name in SLICE})
    if obj is Ellipsis:
        return _special("__ellipsis__", {})
    if not inspect.isclass(obj) and callable(getattr(obj, "get_config", None)):
        cls = type(obj)  # a class of another library or of the program, with a config of its own
        return {
            "module": cls.__module__,
            "class_name": cls.__name__,
            "config": serialize(obj.get_config()),
            "registered_name": get_registered_name(cls),
            **_code_entry(cls),
        }
    if callable(obj):
        describe = _describe_code.get()
        if describe is not None:
            return describe(obj)
        module, name = _function_name(obj)
        if is_copying() and module == "builtins":
            return obj
        archive = current_archive()
        if name == LAMBDA and archive is not None and inspect.isfunction(obj):
            archive.note_lambda(obj)
        return {
            "module": module,
            "class_name": "function",
            "config": name,
            "registered_name": name,
        }
    return obj


def _special(name: str, config: Config) -> Config:
    return {"class_name": name, "config": config}


def _describe(obj: ArgumentCapture) -> Config:
    module, name = obj._public_name_()
    cls = type(obj)
    is_public = obj._library_class_() is cls and cls not in registered_names
    if cls._is_variant_:
        # Keras ignores this entry, and refuses a registered name of a class of its own.
        variant = {"variant": get_registered_name(cls), "registered_name": None}
        return {"module": module, "class_name": name, "config": complete_config(obj), **variant}
    return {
        "module": module,
        "class_name": name,
        "config": complete_config(obj),
        # Keras looks for classes of the program only under this name. Those of the dialects are
        # registered, because the public names belong to the classes of today.
        "registered_name": None if is_public else get_registered_name(cls),
        **_class_entry(cls, is_public),
    }


def _class_entry(cls: type[ArgumentCapture], is_public: bool) -> Config:
    """Returns what a config has beside names: in a copy the class, unless names identify it."""
    if is_public:
        return {CLASS: cls} if is_copying() and cls._is_derived_ else {}
    return _code_entry(cls)


def _code_entry(cls: type) -> Config:
    if is_copying():
        return {CLASS: cls}
    describe = _describe_code.get()
    return {} if describe is None else {"code": describe(cls)}


def complete_config(obj: ArgumentCapture) -> Config:
    """Returns the config of an object, with the arguments that its `get_config` leaves out.

    A `get_config` of the program that lacks an argument of the constructor of its class could not
    create an equal object; the arguments are known from the call of the constructor.
    """
    config = obj._stored_config_()
    cls, library = type(obj), obj._library_class_()
    if cls is not library:
        # A `get_config` of the program may return objects. Plain data is not copied: it may contain
        # the config of an object that occurs again later, and is marked then.
        config = {k: v if _is_plain(v) else serialize(v) for k, v in config.items()}
    restores_itself = cls.from_config.__func__ is not library.from_config.__func__  # type: ignore[attr-defined]
    if cls is library or cls.get_config is library.get_config or restores_itself:
        return config
    args, kwargs = obj._constructor_call_
    signature = signature_of(cls.__init__)
    explicit = {p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD}
    explicit |= {p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
    missing = {
        name: serialize(value)
        for name, value in list(signature.bind(obj, *args, **kwargs).arguments.items())[1:]
        if name in explicit and name not in (*config, "name", "trainable", "dtype")
    }
    return {
        **config,
        **{name: value for name, value in missing.items() if is_copying() or _is_plain(value)},
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _is_jax(value: Any) -> bool:
    return type(value).__module__.startswith("jax") and hasattr(value, "dtype")


def _function_name(fn: Callable[..., Any]) -> tuple[str, str]:
    """Returns the module and name of a function in a config."""
    for category, table in functions.items():
        for name, known in table.items():
            if known is fn:
                return f"keras.{category}", name
    return "builtins", registered_names.get(fn) or str(getattr(fn, "__name__", repr(fn)))
