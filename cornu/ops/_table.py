'''The machine that makes an op of a row: signature, function, one line of documentation.

    mean = row("mean(x, axis=None, keepdims=False)", jnp.mean, "The mean along axes.")

    @define
    def divide_no_nan(x1: Array, x2: Array) -> Array:
        """The quotient, and 0 where the divisor is 0."""
        ...

Both make a function that takes arrays, Variables and symbolic Tensors. In a row, parameters
without a default are handed on by position, those with one by name, and what the parameters mean
stands in the glossary; those that it calls arrays may also be lists. A defined function brings
its own docstring, and gets JAX arrays in the parameters that are annotated `Array`. A parameter
called `dtype` is a dtype that JAX has (or None) in both, and its name in the node of a graph.
'''

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Container
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.graph.op import Op, locate_op_error
from cornu.core.state.dtypes import standardize_dtype
from cornu.errors import visible_cause
from cornu.ops._glossary import ARRAYS, OPTIONS

__all__ = ["as_array", "as_float", "define", "floats", "jax_dtype", "row"]

# Types that hold neither Variables nor Tensors: arguments of these need no look inside. The class
# of JAX's arrays has no public name and is learnt from the first array that comes by.
_DEVICE: set[type] = {type(None)}
_PLAIN: set[type] = {type(None), np.ndarray, bool, int, float, complex, str}


def row(
    signature: str, function: Callable[..., Any], doc: str, as_is: tuple[str, ...] = ()
) -> Callable[..., Any]:
    """Makes an op of a JAX function and the public signature.

    Args:
        signature: name and parameters as in Python: `"sum(x, axis=None, keepdims=False)"`.
        function: what computes it.
        doc: one line that says what it computes; further lines `name: text` describe parameters
            that the glossary does not know, or that mean something else here.
        as_is: parameters that are not to be converted, although the glossary calls them arrays.
    """
    name, parenthesis, rest = signature.partition("(")
    parameters = _parse(parenthesis + rest)
    arrays = tuple(n for n in parameters.parameters if n in ARRAYS and n not in as_is)
    op = _write(name, parameters, function, arrays, OPTIONS, _light, by_name=True)
    op.__doc__ = _document(parameters, doc)
    return op


@functools.cache
def _parse(parameters: str) -> inspect.Signature:
    scope: dict[str, Any] = {}
    exec(f"def row{parameters}: ...", scope)
    return inspect.signature(scope["row"])


def define(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes an op of a Python function, with its signature and docstring."""
    types = {n: str(t) for n, t in function.__annotations__.items()}
    arrays = tuple(n for n, t in types.items() if t.startswith("Array"))
    settled = [n for n, t in types.items() if "Array" not in t and "Any" not in t]
    signature = inspect.signature(function)
    op = _write(function.__name__, signature, function, arrays, settled, as_array, by_name=False)
    op.__doc__ = function.__doc__
    op.__wrapped__ = function  # type: ignore[attr-defined]
    return op


def _write(
    name: str,
    signature: inspect.Signature,
    function: Callable[..., Any],
    arrays: Container[str],
    settled: Container[str],
    convert: Callable[[Any], Any],
    by_name: bool,
) -> Callable[..., Any]:
    """Writes the source of the public function, so that Python itself binds the arguments.

    Calls with nothing but arrays, which are most, go straight to `function`; the others through
    an Op, which sees to Variables and symbolic Tensors, and then through the conversion.

    Args:
        name: the public name.
        signature: the public parameters.
        function: what computes it.
        arrays: the parameters to be converted.
        settled: the parameters that can hold neither Variables nor Tensors.
        convert: makes a JAX array.
        by_name: whether `function` is given parameters with a default by name.
    """
    parameters = signature.parameters.values()
    bare = [p.replace(default=p.empty, annotation=p.empty) for p in parameters]
    head = str(inspect.Signature(bare))

    def call(to: str, spell: Callable[[str], str], by_name: bool = False) -> str:
        parts = []
        for p in parameters:
            named = p.kind is p.KEYWORD_ONLY or (by_name and p.default is not p.empty)
            parts.append(_STARS.get(p.kind, f"{p.name}=" if named else "") + spell(p.name))
        return f"{to}({', '.join(parts)})"

    def plain(n: str) -> str:
        return "_jax_dtype(dtype)" if n == "dtype" else n

    def kept(n: str) -> str:
        return "_dtype_name(dtype)" if n == "dtype" else n

    def converted(n: str) -> str:
        if signature.parameters[n].kind is inspect.Parameter.VAR_POSITIONAL:
            return f"map(_convert, {n})"
        return f"_convert({n})" if n in arrays else plain(n)

    if any(p.kind in _STARS for p in parameters):
        looks = ["False"]
    else:
        names = [n for n in signature.parameters if n not in settled]
        strict = arrays if not by_name else ()
        looks = [f"type({n}) in {'_DEVICE' if n in strict else '_PLAIN'}" for n in names]
    # Names of our own have an underscore: `function` may be a parameter.
    names = "".join(f"{n}, " for n in signature.parameters)
    source = f"""
def _settled{head}:
    return {call("_function", converted, by_name)}
def _public{head}:
    if {" and ".join(looks) or "True"}:
        try:
            return {call("_function", plain, by_name)}
        except Exception as _error:
            _placed = _failed(_op, _error, ({names}), {{}})
            if _placed is _error:
                raise
            raise _placed from _told(_error)
    return {call("_op", kept)}
"""
    scope = {"_function": function, "_convert": convert, "_DEVICE": _DEVICE, "_PLAIN": _PLAIN}
    scope |= {"_failed": locate_op_error, "_told": visible_cause}
    scope |= {"_jax_dtype": jax_dtype, "_dtype_name": _dtype_name}
    exec(_compile(source), scope)
    inner, outer = scope["_settled"], scope["_public"]
    for written in (inner, outer):
        written.__defaults__ = tuple(
            p.default
            for p in parameters
            if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty
        )
        written.__kwdefaults__ = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        written.__name__ = written.__qualname__ = name
        written.__code__ = written.__code__.replace(co_name=name, co_qualname=name)
    outer.__module__ = "cornu.ops"
    scope["_op"] = outer.op = Op(name, inner)
    return outer


@functools.cache
def _compile(source: str) -> Any:
    # A file name in this package: such frames are the library's, not the user's.
    return compile(source, os.path.join(os.path.dirname(__file__), "<row>"), "exec")


_STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def _light(x: Any) -> Any:
    return x if type(x) in _PLAIN else as_array(x)


def as_array(x: Any) -> Any:
    """Returns a JAX array; numbers stay weak in dtype, None stays None."""
    if x is None:
        return None
    if not isinstance(x, jax.Array):
        return jnp.asarray(x)
    if not isinstance(x, jax.core.Tracer):
        _DEVICE.add(type(x))
        _PLAIN.add(type(x))
    return x


def as_float(x: Any) -> Any:
    """Returns a JAX array of floats: integers and booleans get the process-wide float type."""
    x = as_array(x)
    return x.astype(settings.get("floatx")) if x.dtype.kind in "biu" else x


def floats(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of one array that sees integers as floats."""

    def run(x: Any, *rest: Any, **options: Any) -> Any:
        return function(as_float(x), *rest, **options)

    return run


def _dtype_name(dtype: Any) -> str | None:
    return None if dtype is None else standardize_dtype(dtype)


def jax_dtype(dtype: Any) -> Any:
    """Returns what a dtype given by a user is in JAX: 64 bits only where they are enabled."""
    if dtype is None:
        return None
    return jax.dtypes.canonicalize_dtype(standardize_dtype(dtype))


def _document(signature: inspect.Signature, doc: str) -> str:
    summary, *lines = (line.strip() for line in doc.strip().split("\n"))
    known = dict(line.split(": ", 1) for line in lines)
    texts = [
        f"    {n}: {known.get(n) or ARRAYS.get(n) or OPTIONS[n]}" for n in signature.parameters
    ]
    return "\n".join([summary, "", "Args:", *texts])
