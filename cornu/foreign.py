"""Recognizes objects of other libraries by their classes, without importing the libraries."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

from cornu.types import DataLike

__all__ = [
    "check_attributes",
    "check_backend",
    "describe_class",
    "describe_replacement",
    "explain_argument",
    "find_object_with_state",
    "is_a",
    "is_module_of_keras",
    "is_of_keras",
    "keras_class",
    "library_of",
]

_KERAS = frozenset(("keras", "tf_keras", "tensorflow"))
_DATA_LIBRARIES = frozenset(
    ("datasets", "grain", "h5py", "keras", "pandas", "polars", "scipy", "tensorflow", "torch")
)


def is_a(x: DataLike, library: str, *names: str) -> bool:
    """Whether an object is an instance of one of the named classes of a library.

    Example:

    >>> is_a(True, "builtins", "int"), is_a(True, "torch", "Tensor")
    (True, False)
    """
    return _is_one_of(type(x), library, names)  # type: ignore[arg-type]


def library_of(x: DataLike) -> str | None:
    """Returns the data library that defines the class of an object or one of its base classes."""
    return _library_of(type(x))  # type: ignore[arg-type]


def describe_class(x: DataLike) -> str:
    """Returns the name of an object's class with its library, such as `torch.DataLoader`."""
    library, name = library_of(x), type(x).__name__
    own = type(x).__module__.split(".")[0] == library
    return f"{library}.{name}" if library and own else name


@lru_cache(maxsize=1024)
def _bases(kind: type) -> tuple[tuple[str, str], ...]:
    """Returns the name and the top-level package of a class and of each of its base classes."""
    return tuple((base.__name__, base.__module__.split(".")[0]) for base in kind.__mro__)


# Both are asked several times for each batch of a stream.
@lru_cache(maxsize=4096)
def _is_one_of(kind: type, library: str, names: tuple[str, ...]) -> bool:
    return any(name in names and root == library for name, root in _bases(kind))


@lru_cache(maxsize=1024)
def _library_of(kind: type) -> str | None:
    return next((root for _, root in _bases(kind) if root in _DATA_LIBRARIES), None)


def keras_class(obj: Any) -> Any:
    """Returns the first class of Keras among the bases of an object or class; None for others."""
    cls = obj if isinstance(obj, type) else type(obj)
    return next((base for base in cls.__mro__ if is_of_keras(base)), None)


def is_of_keras(obj: Any) -> bool:
    """Tells whether a class or function is defined in an installed Keras."""
    module = getattr(obj, "__module__", None)
    return isinstance(module, str) and is_module_of_keras(module)


def is_module_of_keras(name: str) -> bool:
    """Tells whether a module with this name is part of an installed Keras.

    Example:

    >>> is_module_of_keras("keras.src.ops"), is_module_of_keras("kerastuner")
    (True, False)
    """
    return name.partition(".")[0] in _KERAS


# The package of cornu with the classes that replace those of Keras, by the base class in Keras.
_PACKAGES = {
    "KerasTensor": "",
    "Variable": "",
    "SeedGenerator": "random.",
    "Optimizer": "optimizers.",
    "Metric": "metrics.",
    "Model": "",
    "Layer": "layers.",
    "Callback": "callbacks.",
}
_NAMES = {"Functional": "Model", "KerasTensor": "Input"}
# Bases of objects with Variables or symbolic Tensors of Keras, which cornu cannot use.
_WITH_STATE = frozenset(_PACKAGES) - {"Callback"}


def describe_replacement(obj: Any) -> str:
    """Returns what to write instead of an object of Keras; an empty string for other objects.

    Args:
        obj: the object, or its class.

    Example:

    >>> describe_replacement(3)
    ''
    """
    found = keras_class(obj)
    if found is None:
        return ""
    cls = obj if isinstance(obj, type) else type(obj)
    names = [base.__name__ for base in found.__mro__]
    package = next((_PACKAGES[name] for name in names if name in _PACKAGES), "")
    name = f"cornu.{package}{_NAMES.get(found.__name__, found.__name__)}"
    if cls is found:
        return f"\nIt is an object of Keras: write {name}(...) instead."
    return f"\nIts class is one of Keras: derive {cls.__name__} from {name}."


def find_object_with_state(values: Any) -> Any:
    """Returns the first object of Keras with Variables or symbolic Tensors, or None.

    Args:
        values: an object, or nested lists, tuples and dicts of objects.
    """
    if isinstance(values, dict):
        values = tuple(values.values())
    if isinstance(values, (list, tuple, set)):
        found = map(find_object_with_state, values)
        return next((one for one in found if one is not None), None)
    return values if _has_state(type(values)) else None  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _has_state(kind: type) -> bool:
    found = keras_class(kind)
    return found is not None and any(base.__name__ in _WITH_STATE for base in found.__mro__)


def check_backend(obj: Any) -> None:
    """Raises a TypeError if an object of Keras computes with another library than JAX."""
    found = keras_class(obj)
    root = found.__module__.partition(".")[0]
    keras = sys.modules.get("keras") if root == "keras" else None
    backend = keras.backend.backend() if keras is not None else "tensorflow"
    if backend != "jax":
        raise TypeError(
            f"{obj!r} is an object of Keras, which computes with {backend}.\nSet the environment "
            'variable KERAS_BACKEND="jax" before Keras is imported, or use the class of cornu.'
        )


def check_attributes(owner: Any, label: str) -> None:
    """Raises a TypeError if an attribute of a layer or model is a layer or metric of Keras.

    Its Variables would not be trained or saved. Preprocessing layers, which work on the host before
    the model, are accepted.
    """
    for name, value in vars(owner).copy().items():
        found = find_object_with_state(value)
        if found is not None and ".preprocessing." not in keras_class(found).__module__:
            raise TypeError(
                f"{label}: the attribute {name!r} is or contains {found!r}, whose state is not "
                f"part of a model of cornu.{describe_replacement(found)}"
            )


def explain_argument(error: Exception, arguments: Any) -> Exception:
    """Returns the error to raise for a call with arguments of Keras: it says what to write instead.

    Args:
        error: the error that was caught.
        arguments: the arguments of the call.
    """
    found = find_object_with_state(arguments)
    if found is None or " of Keras" in str(error):
        return error
    problem = f"expected objects of cornu, received {found!r}.{describe_replacement(found)}"
    return TypeError(problem)
