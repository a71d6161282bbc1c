"""Descriptions of functions and classes of the program, by which a changed one is recognized."""

from __future__ import annotations

import contextlib
import dis
import functools
import hashlib
import inspect
import json
import types
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import is_installed_code
from cornu.optimizers import Optimizer

__all__ = ["describe_code", "hash_text"]

_MAX_ITEMS = 16  # of a container that is described item by item; of longer ones, a hash
# Methods that describe an object, and compute nothing.
_DESCRIPTIVE = frozenset(("get_config", "from_config", "summary", "__repr__", "__str__"))
# Of a function or class, the first description counts: it may change what it refers to, as a loss
# that counts its calls does.
_described: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
# Functions may be recursive: what a thread is describing, by `id`.
_active: ContextVar[frozenset[int]] = ContextVar("active", default=frozenset())


def hash_text(text: str) -> str:
    """Returns a short hash of a text."""
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def describe_code(value: Any) -> Any:
    """Returns a function, class or value as JSON data that differs if it computes something else.

    A function is described by its bytecode, the values of its defaults, and the plain data,
    functions and classes in its closure and in the global variables that it uses. Names of local
    variables, comments and docstrings do not count. Functions and classes of installed packages
    are described by their names. A class is described by the methods that override those of the
    library, and by what these use.

    Example:

    >>> def make(rate):
    ...     return lambda x: rate * x
    >>> describe_code(make(0.5))["closure"]
    {'rate': 0.5}
    >>> describe_code(make(0.5))["code"] == describe_code(make(2.0))["code"]
    True
    >>> describe_code(make(0.5))["code"] == describe_code(lambda x: x)["code"]
    False
    """
    if isinstance(value, types.FunctionType):
        return _once(value, _describe_function)
    if inspect.isclass(value):
        return _once(value, _describe_class)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value if not isinstance(value, np.generic) else value.item()
    if isinstance(value, (np.ndarray, jax.Array)) and not jnp.issubdtype(
        value.dtype, jax.dtypes.extended
    ):
        array = np.asarray(value)
        content = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        return f"{array.dtype} array {list(array.shape)}, sha256 {digest}"
    if isinstance(value, (complex, bytes, range, slice, np.generic, np.dtype)):
        return _shorten(repr(value))
    if isinstance(value, Mapping):
        return _shorten({str(key): describe_code(item) for key, item in value.items()})
    if isinstance(value, AbstractSet):
        return _shorten(sorted(json.dumps(describe_code(item)) for item in value))
    if isinstance(value, (list, tuple)):
        return _shorten([describe_code(item) for item in value])
    return _describe_object(value)


def _describe_object(value: Any) -> Any:
    """Describes a value that is neither a function of Python nor plain data."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, types.CodeType):
        return _describe_bytecode(value)
    if isinstance(value, types.MethodType):
        return {"method of": type(value.__self__).__name__, **describe_code(value.__func__)}
    if isinstance(value, functools.partial):
        return {
            "function": describe_code(value.func),
            "args": describe_code(value.args),
            "keywords": describe_code(value.keywords),
        }
    # What they hold is described elsewhere, or part of the state.
    if isinstance(value, (Layer, Optimizer, Variable)) or id(value) in _active.get():
        return type(value).__name__
    if isinstance(value, registry.Configurable):
        with _describing(value):
            try:
                return registry.serialize(value)
            except Exception:  # a method that the program defines
                return type(value).__name__
    inner = inspect.unwrap(value) if callable(value) else value
    if isinstance(inner, types.FunctionType):  # as functions that jax.jit returns
        return describe_code(inner)
    if callable(value) and not isinstance(value, types.BuiltinFunctionType):
        described = describe_code(type(value))
        if described.get("methods"):
            return {**described, "attributes": _plain_attributes(value)}
    # Not the repr, which may contain an address.
    return str(getattr(value, "__name__", type(value).__name__))


def _plain_attributes(value: Any) -> Any:
    attributes = getattr(value, "__dict__", {}).copy()
    plain = (bool, int, float, str, np.ndarray, jax.Array)
    return describe_code({k: v for k, v in attributes.items() if isinstance(v, plain)})


def _once(value: Any, describe: Any) -> dict[str, Any]:
    if value not in _described:
        if id(value) in _active.get():
            return {"name": value.__name__}
        with _describing(value):
            _described[value] = describe(value)
    return _described[value]


@contextlib.contextmanager
def _describing(value: Any) -> Iterator[None]:
    token = _active.set(_active.get() | {id(value)})
    try:
        yield
    finally:
        _active.reset(token)


def _describe_function(function: types.FunctionType) -> dict[str, Any]:
    code = function.__code__
    described: dict[str, Any] = {"name": function.__name__}
    defaults: dict[Any, Any] = dict(enumerate(function.__defaults__ or ()))
    defaults.update(function.__kwdefaults__ or {})
    closure = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    uses: dict[str, Any] = {}
    if not is_installed_code(code):
        described["code"] = _describe_bytecode(code)
        names = _global_names(code)
        uses = {name: function.__globals__[name] for name in names if name in function.__globals__}
    parts = {
        "defaults": {str(name): _refer(value) for name, value in defaults.items()},
        "closure": {name: _refer(_content(cell)) for name, cell in closure.items()},
        "globals": {name: _refer(value) for name, value in uses.items()},
    }
    return {**described, **{name: part for name, part in parts.items() if part}}


def _describe_class(cls: type) -> dict[str, Any]:
    own: dict[str, Any] = {}
    library: type = object
    for base in cls.__mro__:
        found = {name: _function_of(member) for name, member in vars(base).copy().items()}
        functions = [f for f in found.values() if isinstance(f, types.FunctionType)]
        if functions and all(is_installed_code(f.__code__) for f in functions):
            library = base
            break
        own = {**found, **own}
    # Other methods, which may draw plots or print, do not count unless these use them.
    names = [n for n in own if n in ("__init__", "__call__") or hasattr(library, n)]
    waiting = [n for n in names if n not in _DESCRIPTIVE and n not in vars(object)]
    waiting += [n for n in ("__init__",) if n in own]
    used: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        member = own[name]
        is_function = isinstance(member, types.FunctionType)
        if name in used or not (is_function or isinstance(member, (bool, int, float, str, tuple))):
            continue
        used[name] = _refer(member)
        if is_function:
            waiting += [n for n in _global_names(member.__code__) if n in own]
    described: dict[str, Any] = {"name": cls.__name__}
    return {**described, "methods": dict(sorted(used.items()))} if used else described


def _function_of(member: Any) -> Any:
    if isinstance(member, (staticmethod, classmethod)):
        return inspect.unwrap(member.__func__)
    if isinstance(member, property):
        return member.fget
    return inspect.unwrap(member) if callable(member) else member


def _refer(value: Any) -> Any:
    """Describes a value that another description contains; functions and classes by a hash."""
    described = describe_code(value)
    if isinstance(described, dict):
        name = described.get("name") or described.get("class_name") or type(value).__name__
        is_named_only = set(described) == {"name"}
        return name if is_named_only else f"{name} {hash_text(json.dumps(described))}"
    return described


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that has no value yet
        return None


def _describe_bytecode(code: types.CodeType) -> str:
    """Returns a hash of instructions, in which constants and names are not numbered."""
    parts: list[Any] = [code.co_argcount, code.co_kwonlyargcount, code.co_exceptiontable.hex()]
    for instruction in dis.get_instructions(code):
        value: Any = instruction.arg
        if instruction.opcode in dis.hasconst:
            constant = instruction.argval
            value = [type(constant).__name__, describe_code(constant)]
        elif instruction.opcode in (*dis.hasname, *dis.hasfree):
            value = str(instruction.argval)
        parts.append([instruction.opname, value])
    return hash_text(json.dumps(parts))


def _global_names(code: types.CodeType) -> list[str]:
    """Returns the names of global variables and attributes that code uses."""
    inner = [_global_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return [*dict.fromkeys((*code.co_names, *(name for names in inner for name in names)))]


def _shorten(value: Any) -> Any:
    """Returns a hash of a long value."""
    is_long = len(value) > _MAX_ITEMS and not isinstance(value, str)
    text = value if isinstance(value, str) else json.dumps(value)
    return hash_text(text) if is_long or len(text) > 400 else value
