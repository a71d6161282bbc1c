"""Configs: constructor arguments are captured, and classes are found by name.

`Configurable` is the base class of layers, losses, metrics, optimizers, initializers and others. It
captures the arguments of the constructor, so that classes need not define `get_config()`.
Deserialization looks names up in tables only: the classes of cornu, and those that the running
program registered. A config causes no import other than that of the library's own packages, which
register their names when they are imported.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar, Self

import numpy as np

from cornu.errors import did_you_mean, suggest
from cornu.foreign import describe_replacement, is_of_keras, keras_class
from cornu.types import Config

__all__ = [
    "Archive",
    "Configurable",
    "add_function",
    "archive_scope",
    "complete_config",
    "copy_scope",
    "current_archive",
    "custom_object_scope",
    "deserialize",
    "find",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "resolve",
    "serialize",
    "set_archive_writer",
    "write_archive",
]

_classes: dict[str, dict[str, type]] = {}  # category -> class name -> class
_functions: dict[str, dict[str, Callable[..., Any]]] = {}  # category -> name -> function
_custom: dict[str, Any] = {}  # registered name -> class or function of the running program
_custom_names: dict[Any, str] = {}  # class or function -> registered name
_scopes: list[dict[str, Any]] = []
_archive_writer: Callable[[Any, Any], None] | None = None
_SLICE = ("start", "stop", "step")
LAMBDA = "<lambda>"  # the name of a function without a name, which is code and cannot be loaded
# The entries of a config beside the constructor arguments that `_restore_state_` takes.
_STATE_ENTRIES = ("build_config", "compile_config")

# Category -> the package that registers its names. It is imported when a name is not found: in a
# program that uses `cornu.Layer` and nothing else, the initializers have not been imported.
_PACKAGES = {
    "activations": "cornu.activations",
    "constraints": "cornu.constraints",
    "dtype_policies": "cornu.dtype_policies",
    "initializers": "cornu.initializers",
    "layers": "cornu.models",  # Sequential and Functional are layers
    "losses": "cornu.losses",
    "metrics": "cornu.metrics",
    "optimizers": "cornu.optimizers",
    "optimizers.schedules": "cornu.optimizers",
    "regularizers": "cornu.regularizers",
}


class Configurable:
    """Base class of objects with a config. The arguments of the constructor are captured."""

    _category_: ClassVar[str] = "objects"
    # Whether an archive that contains an object twice describes one object, not two equal ones.
    _has_identity_: ClassVar[bool] = False
    # The attributes that hold arguments of the constructor under another name, by argument.
    _argument_attributes_: ClassVar[Mapping[str, str]] = {}
    _constructed_with_: tuple[Any, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Classes of programs are found only if they are registered explicitly.
        if cls.__module__.partition(".")[0] == "cornu" and not cls.__name__.startswith("_"):
            _classes.setdefault(cls._category_, {}).setdefault(cls.__name__, cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        # In `__new__`, because a constructor of a subclass may change its arguments before it
        # calls `super().__init__()`.
        object.__setattr__(self, "_constructed_with_", (args, kwargs))
        return self

    @property
    def _constructor_call_(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional and keyword arguments of the constructor, as they were passed."""
        return self._constructed_with_

    def _public_name_(self) -> tuple[str, str]:
        """Returns the module and class name by which a config refers to the class.

        Configs name the modules of Keras, so that Keras can read files that cornu writes.
        """
        module = type(self).__module__
        is_custom = module.partition(".")[0] != "cornu"
        return module if is_custom else f"keras.{self._category_}", type(self).__name__

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, including defaults, by parameter name.

        For a class of the program that overrides `get_config`, or whose constructor takes
        `*args`, they are those of the class of the library that it is derived from: such a
        `get_config` adds the arguments of its own, as in `dict(units=3, **super().get_config())`.

        Raises:
            NotImplementedError: the constructor was called with variadic positional arguments.
        """
        args, kwargs = self._constructed_with_
        cls, library = type(self), self._library_class_()
        if library is not cls:
            has_varargs = any(
                p.kind is p.VAR_POSITIONAL
                for p in inspect.signature(cls.__init__).parameters.values()
            )
            if has_varargs or cls.get_config is not library.get_config:
                return self._library_arguments_(library)
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        arguments: dict[str, Any] = {}
        for name, parameter in list(signature.parameters.items())[1:]:
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments.update(bound.arguments[name])
            elif parameter.kind is parameter.VAR_POSITIONAL:
                if bound.arguments[name]:
                    raise NotImplementedError(
                        f"The constructor of {type(self).__name__} takes *{name}, which has no "
                        "parameter names for a config. Define `get_config()` and `from_config()`."
                    )
            else:
                arguments[name] = bound.arguments[name]
        return arguments

    @classmethod
    def _library_class_(cls) -> type[Configurable]:
        """Returns the class itself, or the class of the library that it is derived from."""
        return next(base for base in cls.__mro__ if base.__module__.partition(".")[0] == "cornu")

    def _library_arguments_(self, library: type[Configurable]) -> dict[str, Any]:
        """Returns the arguments of the constructor of a base class, as attributes hold them."""
        passed = self._constructed_with_[1]
        arguments: dict[str, Any] = {}
        for name, parameter in inspect.signature(library.__init__).parameters.items():
            is_property = isinstance(getattr(type(self), name, None), property)
            if is_property and name not in self._argument_attributes_:
                value = getattr(self, name)
            else:
                attribute = self._argument_attributes_.get(name, name)
                value = vars(self).get(attribute, passed.get(name, parameter.empty))
            # The class of a whole category, such as Layer, leaves out what is seldom given.
            is_seldom = "_category_" in vars(library) and parameter.default in (None, True)
            if value is not parameter.empty and not (is_seldom and value is parameter.default):
                arguments[name] = value
        return arguments

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

    def _state_config_(self) -> Config:
        """Returns what an archive describes beside the constructor arguments, such as shapes."""
        return {}

    def _restore_state_(self, config: Config) -> None:
        """Brings a new object into the state that `_state_config_()` described."""


class Archive:
    """The objects of one model that is written to a file or read from it.

    Attributes:
        objects: objects that occur several times, by the number that the file gives them.
        states: the objects that were read, each with the result of `_state_config_()`.
        class_names: the names that the classes of objects had when the file was written, by the
            `id` of the object, where `custom_objects` replaced the class.
    """

    def __init__(self) -> None:
        self.objects: dict[Any, Any] = {}
        self.states: list[tuple[Configurable, Config]] = []
        self.class_names: dict[int, str] = {}
        self._lambdas: list[str] = []
        self._described: dict[int, tuple[Configurable, Config]] = {}
        self._shared = 0
        self._calls: Counter[int] = Counter()

    def describe(self, obj: Configurable) -> Config:
        """Returns the config of an object; that of one that occurs again refers to the first."""
        if not obj._has_identity_:
            return _describe(obj)
        if id(obj) in self._described:
            first = self._described[id(obj)][1]
            if "shared_object_id" not in first:
                self._shared += 1
                first["shared_object_id"] = self._shared
            return dict(first)
        config = {**_describe(obj), **obj._state_config_()}
        self._described[id(obj)] = obj, config
        return config

    def add(self, obj: Any, config: Config) -> None:
        """Takes an object that was created from its config."""
        if "shared_object_id" in config:
            self.objects[config["shared_object_id"]] = obj
        state = {name: config[name] for name in _STATE_ENTRIES if config.get(name)}
        if state and isinstance(obj, Configurable):
            self.states.append((obj, state))
        name, present = str(config["class_name"]), type(obj).__name__
        if name != present:
            # A class of the library may have another name in configs than in Python.
            library, _ = _lookup(name, _category(config), _classes)
            written = name if library is None else library.__name__
            if written != present:
                self.class_names[id(obj)] = written

    def check_lambda(self, label: str) -> None:
        """Raises ValueError if `custom_objects` has one function for several lambdas of the file.

        Args:
            label: what has the lambda, as an error message shows it.
        """
        self._lambdas.append(label)
        if len(self._lambdas) > 1 and get_registered_object(LAMBDA) is not None:
            raise ValueError(
                f"custom_objects has one function {LAMBDA!r}, but the file has several lambdas: "
                f"{' and '.join(self._lambdas)}.\nPass the function of each by the name of its "
                "layer, as in custom_objects={'lambda': f, 'lambda_1': g}."
            )

    def count_calls(self, obj: Configurable, count: int) -> int:
        """Counts calls of an object in graphs; returns how many were counted before."""
        before = self._calls[id(obj)]
        self._calls[id(obj)] += count
        return before


_archive: ContextVar[Archive | None] = ContextVar("archive", default=None)
_keeps_functions: ContextVar[bool] = ContextVar("keeps_functions", default=False)


@contextlib.contextmanager
def copy_scope() -> Iterator[None]:
    """Within the block, configs contain functions themselves, because they stay in the process."""
    token = _keeps_functions.set(True)
    try:
        yield
    finally:
        _keeps_functions.reset(token)


@contextlib.contextmanager
def archive_scope() -> Iterator[Archive]:
    """Within the block, configs describe one archive, in which objects keep their identity."""
    archive = Archive()
    token = _archive.set(archive)
    try:
        yield archive
    finally:
        _archive.reset(token)


def current_archive() -> Archive | None:
    """Returns the archive that is being written or read, if any."""
    return _archive.get()


def add_function(category: str, fn: Callable[..., Any], *names: str) -> None:
    """Registers a function of the library in a category, under its own or the given names."""
    table = _functions.setdefault(category, {})
    for name in names or (fn.__name__,):
        table[name] = fn


def set_archive_writer(write: Callable[[Any, Any], None]) -> None:
    """Sets the function that `write_archive` calls. `cornu.saving.model_files` calls this."""
    global _archive_writer
    _archive_writer = write


def write_archive(obj: Any, filepath: str | os.PathLike[str]) -> None:
    """Writes an object to a `.keras` archive.

    Packages on a lower layer than `cornu.saving` must not import it; they call this function.
    """
    if _archive_writer is None:
        raise RuntimeError("Archives require `cornu.saving`. Import it first.")
    _archive_writer(obj, filepath)


def add_class(category: str, cls: type, *names: str) -> None:
    """Registers a class of the library in a category under additional names."""
    for name in names:
        _classes.setdefault(category, {})[name] = cls


# --------------------------------------------------------------- classes and functions of programs


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Decorates a class or function so that configs and files can refer to it by name.

    Args:
        package: the prefix of the registered name, which distinguishes equal names.
        name: the name; by default that of the class or function.

    Raises:
        ValueError: a class has no `get_config()` method.

    Example:

    >>> @register_keras_serializable(package="shop")
    ... def double(x):
    ...     return 2 * x
    >>> get_registered_name(double)
    'shop>double'
    """

    def register(obj: Any) -> Any:
        key = f"{package}>{name or obj.__name__}"
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(
                f"Class {obj.__name__} cannot be registered: it has no `get_config()` method."
            )
        _custom[key] = obj
        _custom_names[obj] = key
        return obj

    return register


def get_registered_name(obj: Any) -> str:
    """Returns the registered name of a class or function; its own name if not registered."""
    return _custom_names.get(obj, getattr(obj, "__name__", str(obj)))


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Returns the class or function that is registered under a name, or None.

    Args:
        name: the registered name.
        custom_objects: classes and functions by name that take precedence over registered ones.
        module_objects: classes and functions by name that are used if none is registered.
    """
    for table in (*reversed(_scopes), custom_objects, _custom, module_objects):
        if table and name in table:
            return table[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """Returns the dict of registered classes and functions by name. Changes to it take effect."""
    return _custom


@contextlib.contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Registers classes and functions by name within a `with` block.

    Example:

    >>> with custom_object_scope({"twice": lambda x: 2 * x}):
    ...     resolve("activations", "twice")(4)
    8
    """
    _scopes.append(dict(custom_objects or {}))
    try:
        yield
    finally:
        _scopes.pop()


# ------------------------------------------------------------------- serialization to plain data


def serialize(obj: Any) -> Any:
    """Converts an object to plain data.

    Objects with a config become dicts of class name and config, functions become dicts of their
    name, and arrays become nested lists. Values of other types are returned unchanged.
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, Configurable):
        archive = _archive.get()
        return _describe(obj) if archive is None else archive.describe(obj)
    if isinstance(obj, dict):
        return {key: serialize(item) for key, item in obj.items()}
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
        # Lone surrogates stand for bytes that are not UTF-8, which Keras does not support.
        return _special("__bytes__", {"value": obj.decode("utf-8", "surrogateescape")})
    if isinstance(obj, slice):
        return _special("__slice__", {name: serialize(getattr(obj, name)) for name in _SLICE})
    if obj is Ellipsis:
        return _special("__ellipsis__", {})
    if not inspect.isclass(obj) and callable(getattr(obj, "get_config", None)):
        cls = type(obj)  # a class of another library or of the program, with a config of its own
        return {
            "module": cls.__module__,
            "class_name": cls.__name__,
            "config": serialize(obj.get_config()),
            "registered_name": get_registered_name(cls),
        }
    if callable(obj):
        if _keeps_functions.get():
            return obj
        module, name = _function_name(obj)
        return {
            "module": module,
            "class_name": "function",
            "config": name,
            "registered_name": name,
        }
    return obj


def _special(name: str, config: Config) -> Config:
    return {"class_name": name, "config": config}


def _describe(obj: Configurable) -> Config:
    module, name = obj._public_name_()
    cls = type(obj)
    is_public = obj._library_class_() is cls and cls not in _custom_names
    return {
        "module": module,
        "class_name": name,
        "config": complete_config(obj),
        # Keras looks for classes of the program only under this name. Those of the dialects are
        # registered, because the public names belong to the classes of today.
        "registered_name": None if is_public else get_registered_name(cls),
    }


def complete_config(obj: Configurable) -> Config:
    """Returns the config of an object, with the arguments that its `get_config` leaves out.

    A `get_config` of the program that lacks an argument of the constructor of its class could not
    create an equal object; the arguments are known from the call of the constructor.
    """
    config: Config = obj.get_config()
    cls, library = type(obj), obj._library_class_()
    if cls is not library:
        # A `get_config` of the program may return objects. Plain data is not copied: it may contain
        # the config of an object that turns out to occur twice, and is marked then.
        config = {k: v if _is_plain(v) else serialize(v) for k, v in config.items()}
    restores_itself = cls.from_config.__func__ is not library.from_config.__func__  # type: ignore[attr-defined]
    if cls is library or cls.get_config is library.get_config or restores_itself:
        return config
    args, kwargs = obj._constructor_call_
    signature = inspect.signature(cls.__init__)
    explicit = {p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD}
    explicit |= {p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
    missing = {
        name: serialize(value)
        for name, value in list(signature.bind(obj, *args, **kwargs).arguments.items())[1:]
        if name in explicit and name not in (*config, "name", "trainable", "dtype")
    }
    return {**config, **{name: value for name, value in missing.items() if _is_plain(value)}}


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
    for category, table in _functions.items():
        for name, known in table.items():
            if known is fn:
                return f"keras.{category}", name
    return "builtins", _custom_names.get(fn) or str(getattr(fn, "__name__", repr(fn)))


def deserialize(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """Creates an object from the result of `serialize`. Other data is returned unchanged.

    Args:
        config: the data.
        custom_objects: classes and functions by name, in addition to registered ones.
        safe_mode: has no effect, since code in a config is never executed.

    Raises:
        ValueError: a class is unknown, or its constructor does not accept the config.
    """
    if custom_objects:
        with custom_object_scope(custom_objects):
            return deserialize(config)
    if isinstance(config, (list, tuple)):
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
        return slice(*(deserialize(inner[part]) for part in _SLICE))
    if name == "__ellipsis__":
        return Ellipsis
    if name == "function":
        return resolve(_category(config), inner)
    if name == "__lambda__":  # bytecode, which Keras saves for lambdas
        return resolve(None, LAMBDA)
    module = config.get("module") or ""
    # Only needed for the error message, which names the module of a class of the user.
    module = "" if module.startswith(("keras", "builtins")) else module
    archive = _archive.get()
    if archive is not None and config.get("shared_object_id") in archive.objects:
        return archive.objects[config["shared_object_id"]]
    cls = find(_category(config), str(config.get("registered_name") or name), module)
    made = _from_config(cls, _replace_lambdas(inner, str(name)))
    if archive is not None:
        archive.add(made, config)
    return made


def _replace_lambdas(config: Any, class_name: str) -> Any:
    """Puts functions of `custom_objects` into a config in place of lambdas, by layer name."""
    if not isinstance(config, dict):
        return config
    lambdas = [argument for argument, value in config.items() if _is_lambda(value)]
    owner, found = str(config.get("name")), {}
    for argument in lambdas:
        keys = [f"{owner}/{argument}"]
        if len(lambdas) == 1 or argument == "function":
            keys.append(owner)
        functions = [f for f in map(_find_in_scopes, keys) if f is not None]
        archive = _archive.get()
        found[argument] = (
            functions[0] if functions else {"class_name": "function", "config": LAMBDA}
        )
        if not functions and archive is not None:
            archive.check_lambda(f"{class_name} {owner!r}")
    return {**config, **found}


def _is_lambda(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if set(value) == {"value"}:  # the bytecode of an activation in a file of Keras
        return isinstance(value["value"], (list, tuple)) and len(value["value"]) == 3
    return value.get("class_name") == "__lambda__" or (
        value.get("class_name") == "function" and value.get("config") == LAMBDA
    )


def _from_config(cls: Any, config: Any) -> Any:
    if not hasattr(cls, "from_config"):
        raise ValueError(
            f"Expected a class with a `from_config()` method. Received: {cls!r}, which "
            "custom_objects or a registration gives for the class name in the file"
        )
    try:
        return cls.from_config(config)
    except TypeError as error:
        if cls.__module__.partition(".")[0] == "cornu":
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


def _category(config: Config) -> str | None:
    """Returns the category in the module name of a config, such as "layers", or None."""
    module = config.get("module") or ""
    last = module.rpartition(".")[2]
    return last if last in _PACKAGES or last in _classes or last in _functions else None


def _singular(category: str | None) -> str:
    """Returns the word for one object of a category, for messages."""
    if category is None:
        return "function"
    return {"losses": "loss", "dtype_policies": "dtype policy"}.get(category, category[:-1])


def find(category: str | None, name: str, module: str = "") -> Any:
    """Returns the class with a name: one that the program registered, or one of the library.

    Args:
        category: the category to search in; None for all.
        name: the class name, or the registered name with its package, as in `shop>Scale`.
        module: the module of the program that defined the class, for the error message.

    Raises:
        ValueError: there is no such class.
    """
    found = get_registered_object(name)
    if found is None:
        # `custom_objects` has class names as keys; a registered name has the prefix of its package.
        found = get_registered_object(name.rpartition(">")[2])
    if found is not None:
        return found
    found, tables = _lookup(name, category, _classes)
    if found is not None:
        return found
    known = sorted({key for table in tables for key in table if key[0].isupper()})
    kind = "class" if category in (None, "layers") else _singular(category)
    short = name.rpartition(">")[2]
    hint = _find_other_category(category, name) or did_you_mean(short, known)
    if not hint or module:
        hint = f"{hint} {_remedy(short, module)}".strip()
    raise ValueError(f"Unknown {kind} {name!r}. {hint}")


def _lookup(
    name: str, category: str | None, *registries: Mapping[str, Mapping[str, Any]]
) -> tuple[Any, list[Mapping[str, Any]]]:
    """Returns the entry with a name, or None, and the tables that were searched.

    Args:
        name: the name of a class or function.
        category: the category to search in; None for all.
        *registries: tables by category, in the order in which they are searched.
    """
    tables: list[Mapping[str, Any]] = []
    for is_loaded in (False, True):
        if is_loaded:
            for package in [_PACKAGES.get(category)] if category else _PACKAGES.values():
                if package is not None:
                    importlib.import_module(package)
        if category:
            tables = [registry.get(category, {}) for registry in registries]
        else:
            tables = [table for registry in registries for table in registry.values()]
        for table in tables:
            if name in table:
                return table[name], tables
    return None, tables


def _remedy(name: str, module: str) -> str:
    """Returns the hint how to register a class or function of the program."""
    # Names come from a file: only identifiers are shown as code to copy.
    argument = f"custom_objects={{{name!r}: {name}}}" if name.isidentifier() else "custom_objects"
    origin = "If it is your own class,"
    if module == "__main__":
        origin = "The program that saved it defines the class: copy the class, and"
    elif module and all(part.isidentifier() for part in module.split(".")):
        origin = f"It was saved from the module {module!r}:\n    from {module} import {name}\nand"
    return (
        f"{origin} pass {argument}, or decorate it with "
        "@cornu.saving.register_keras_serializable()."
    )


def _find_other_category(category: str | None, name: str) -> str:
    """Returns the hint that a name exists in another category, or ''."""
    for other in ("optimizers", "losses", "metrics", "activations", "initializers", "layers"):
        tables = (_classes.get(other, {}), _functions.get(other, {}))
        if other != category and any(name in table for table in tables):
            word = "layer" if other == "layers" else _singular(other)
            return f"There is {'an' if word[0] in 'aeio' else 'a'} {word} with this name."
    return ""


def _find_in_scopes(name: str) -> Any:
    return next((table[name] for table in reversed(_scopes) if name in table), None)


# The base classes of objects with Variables: those of Keras cannot be part of a compiled step.
_BASES_WITH_STATE = {"layers": "Layer", "metrics": "Metric", "optimizers": "Optimizer"}


def _adopt(category: str | None, obj: Any) -> Any:
    """Returns the equivalent in this library of an object or function of Keras; others unchanged.

    Raises:
        TypeError: the object is a metric, a layer or an optimizer of Keras.
    """
    if inspect.isroutine(obj):
        own = _functions.get(category or "", {}).get(obj.__name__)
        return own if own is not None and is_of_keras(obj) else obj
    found = keras_class(obj)
    if found is None:
        return obj
    if category in _BASES_WITH_STATE:
        raise TypeError(
            f"Expected a name, a config or an object in {category}. Received: {obj!r}"
            + describe_replacement(obj, category, _BASES_WITH_STATE[category])
        )
    # Losses stay as they are: their configs in Keras lack arguments, such as `delta` of Huber.
    if found is not type(obj) or category == "losses":
        return obj
    cls, _ = _lookup(found.__name__, category, _classes)
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
            # The default package of `register_keras_serializable`.
            found = get_registered_object(f"Custom>{identifier}")
        if found is None:
            registries = (_functions, _classes) if category else (_functions,)
            found, tables = _lookup(identifier, category, *registries)
            if inspect.isclass(found):
                # A replacement has the name of the class, whatever the config calls it.
                found = _find_in_scopes(found.__name__) or found
        if found is None:
            kind = _singular(category)
            known = sorted({key for table in tables for key in table})
            hint = _find_other_category(category, identifier) or suggest(identifier, known)
            if identifier == LAMBDA:
                hint = (
                    "A Python lambda is code, which is never loaded.\nPass the function by the "
                    "name of its layer, as custom_objects={'dense': function}."
                )
            raise ValueError(f"Unknown {kind} {identifier!r}. {hint}")
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        identifier = identifier()
    if isinstance(identifier, Configurable):
        return identifier
    if callable(identifier):
        return _adopt(category, identifier)
    kind = category or "objects"
    raise TypeError(
        f"Expected a name, a config or an object in {kind}. "
        f"Received: {identifier!r} (of type {type(identifier).__name__})"
    )
