"""Translations of errors of JAX and NumPy into the terms of the user, in one table."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple

import jax

from cornu.core.graph.op import VariableBase

__all__ = ["clean_message", "translate_error"]

_TRACED = "the values are not known yet: the function is being traced, once for all data"


class Translation(NamedTuple):
    """A row of the table: which error it matches, and the message that replaces it.

    Attributes:
        kind: the name of the exception class, or '' for any.
        pattern: a regular expression that the message contains.
        raised: the type of the translated exception.
        what: what is wrong, with `{0}`, `{1}` for the groups of the pattern; or a function of the
            match and the error that returns it.
        todo: what to do.
    """

    kind: str
    pattern: str
    raised: type[Exception]
    what: str | Callable[[Any, BaseException], str]
    todo: str


def _variable(_: Any, error: BaseException) -> str:
    """Returns the message for a JAX function called on a Variable, with the Variable's name."""
    found = [(words, v) for words, v in _named(error.__traceback__) if isinstance(v, VariableBase)]
    name = "a Variable"
    if found:
        words, variable = found[0]
        name = f"Variable {getattr(variable, 'path', '')!r} ({words})"
    return f"a function of JAX was called on {name} itself; it takes arrays."


def _named(trace: TracebackType | None) -> Iterator[tuple[str, Any]]:
    """Yields the names in the lines of a traceback and their values, the innermost line first."""
    if trace is None:
        return
    yield from _named(trace.tb_next)
    frame = trace.tb_frame
    line = linecache.getline(frame.f_code.co_filename, trace.tb_lineno)
    for words in re.findall(r"[A-Za-z_][\w.]*", line):
        first, *rest = words.split(".")
        value = frame.f_locals.get(first, frame.f_globals.get(first))
        for word in rest:  # by vars(), so that no code of a property runs
            value = vars(value).get(word) if hasattr(value, "__dict__") else None
        yield words, value


def _leak(match: Any, error: BaseException) -> str:
    """Returns the message for a leaked value: where it was computed, and where it was kept."""
    made = re.search(r"^([^\n]*?:\d+)(?::\d+)? \(([^)\n]*)\)\n", match[2])
    where = f" at {made[1]} in {_last(made[2])}" if made else ""
    kept = [
        w for w, v in _named(error.__traceback__) if "." in w and isinstance(v, jax.core.Tracer)
    ]
    return (
        f"a value (a {match[1]}) that was computed{where} while a function was traced was kept"
        f"{f' in {kept[0]}' if kept else ''}, and used after that trace had ended."
    )


def _last(qualname: str) -> str:
    return qualname.rpartition("<locals>.")[2]


def _size(match: Any, _: BaseException) -> str:
    return f"there is not enough memory: {match[0].strip().rstrip('.')}."


def _no_number(match: Any, _: BaseException) -> str:
    what = f"a value of type {match[1]}"
    if match[1] == "numpy.ndarray":
        what = "an array of strings or objects"
    return f"{what} is computed with, which has no numbers in it."


_TRANSLATIONS = (
    Translation(
        "TracerBoolConversionError",
        r"traced array with shape ([^\s.]*)",
        TypeError,
        "Python's `if`, `while`, `and`, `or`, `not` or `assert` asks whether a value ({0}) is "
        f"true, and {_TRACED}.",
        "Use cornu.ops.where(condition, a, b) or cornu.ops.cond(condition, f, g). Sizes and "
        "`training` are known: Python may ask for these.",
    ),
    Translation(
        "TracerArrayConversionError",
        r"traced array with shape ([^\s]*)",
        TypeError,
        f"a NumPy function was called on a value ({{0}}), and {_TRACED}.",
        "Use the function of the same name in cornu.ops or jax.numpy.",
    ),
    Translation(
        "TracerIntegerConversionError",
        r"traced array with shape ([^\s]*)",
        TypeError,
        "an integer is needed (as in range(n), list[n] or a shape), and for this value ({0}) "
        f"{_TRACED}.",
        "Take sizes from x.shape, loop with cornu.ops.fori_loop, and choose with cornu.ops.take.",
    ),
    Translation(
        "",
        r"Only integer scalar arrays can be converted to a scalar index",
        TypeError,
        "an integer is needed (as in range(n), list[n] or a shape), and this is an array with an "
        "axis, or no integer.",
        "Take sizes from x.shape, loop with cornu.ops.fori_loop, and choose with cornu.ops.take.",
    ),
    Translation(
        "NonConcreteBooleanIndexError",
        r"got ([^\s]*)",
        IndexError,
        "x[condition] with a condition ({0}) keeps so many elements as are true, and "
        f"{_TRACED}. Shapes cannot depend on values.",
        "Keep the shape: cornu.ops.where(condition, x, 0).",
    ),
    Translation(
        "",
        r"Shapes must be 1D sequences of concrete values.*?, got (.*)",
        TypeError,
        f"a shape is made of a value, and {_TRACED}. Shapes cannot depend on values.",
        "Take sizes from x.shape.",
    ),
    Translation(
        "ConcretizationTypeError",
        r"traced array with shape ([^\s]*)\s+The problem arose with the `(\w+)` function",
        TypeError,
        f"{{1}}() of a value ({{0}}): {_TRACED}.",
        "Leave it an array: arrays of one number take part in arithmetic as they are.",
    ),
    Translation(
        "ConcretizationTypeError",
        r"traced array with shape ([^\s]*)",
        TypeError,
        f"a value ({{0}}) is needed, and {_TRACED}.",
        "Use functions of cornu.ops, which take arrays as they are.",
    ),
    Translation(
        "UnexpectedTracerError",
        r"(?s)intermediate value with type (\S+).*?frames were:\s*-+\n(.*?)-{10,}",
        RuntimeError,
        _leak,
        "Return it from `call`. What has to last is a Variable: make it with add_weight(..., "
        "trainable=False) in build, and write `self.v.assign(value)`.",
    ),
    Translation(
        "",
        r"__jax_array__",
        TypeError,
        _variable,
        "Write `variable.value`, or use the function of the same name in cornu.ops.",
    ),
    Translation(
        "",
        r"(?:arrays are immutable|does not support item assignment)",
        TypeError,
        "x[...] = y: arrays cannot be changed.",
        "Write x = x.at[...].set(y), or use cornu.ops.where.",
    ),
    Translation(
        "",
        r"dot_general requires contracting dimensions to have the same shape, "
        r"got \((.*?),?\) and \((.*?),?\)",
        ValueError,
        "a product of arrays whose sizes differ along the axis that is summed: {0} and {1}.",
        "In x @ w the last axis of x must be as large as the last but one of w.",
    ),
    Translation(
        "",
        r"dot_general requires batch dimensions to have the same shape, "
        r"got \((.*?),?\) and \((.*?),?\)",
        ValueError,
        "a product of arrays whose first axes differ: ({0}) and ({1}).",
        "All axes but the last two must be equal, or 1.",
    ),
    Translation(
        "",
        r"conv_general_dilated lhs feature dimension size .* but (\d+) // (\d+) != (\d+)",
        ValueError,
        "a convolution of {0} channels in {1} groups, and a kernel made for {2} channels a group.",
        "The kernel's last axis but one must be the number of channels of a group.",
    ),
    Translation(
        "",
        r"(\w+) got incompatible shapes for broadcasting: (\(.*\)), (\(.*?\))\.",
        ValueError,
        "{0}: the shapes {1} and {2} do not fit together.",
        "Counted from the last axis, sizes must be equal, or 1.",
    ),
    Translation(
        "",
        r"Incompatible shapes for broadcasting: (?:shapes=)?(.*)",
        ValueError,
        "the shapes {0} do not fit together.",
        "Counted from the last axis, sizes must be equal, or 1.",
    ),
    Translation(
        "",
        r"Cannot concatenate arrays with different numbers of dimensions: got (.*)\.",
        ValueError,
        "arrays with different numbers of axes are joined: {0}.",
        "Give them equally many axes first, with cornu.ops.expand_dims.",
    ),
    Translation(
        "",
        r"Cannot concatenate arrays with shapes that differ .*? "
        r"concatenating along dimension (\d+) for shapes (.*)\.",
        ValueError,
        "arrays are joined along axis {0} and differ on another: {1}.",
        "On all other axes the sizes must be equal.",
    ),
    Translation(
        "",
        r"[Cc]annot reshape array of shape (\(.*?\)).*? into shape (\(.*?\))",
        ValueError,
        "an array of shape {0} cannot get the shape {1}: the numbers of elements differ.",
        "Write -1 for the one size that follows from the others.",
    ),
    Translation(
        "",
        r"cannot reshape array of size (\d+) into shape (\(.*?\))",
        ValueError,
        "an array of {0} elements cannot get the shape {1}.",
        "Write -1 for the one size that follows from the others.",
    ),
    Translation(
        "",
        r"Error interpreting argument to .* as (?:a JAX value|an abstract array)\. "
        r"The problematic value is of type <class '(.*?)'>",
        TypeError,
        _no_number,
        "Strings and objects must become numbers before; None often comes from a function without "
        "`return`.",
    ),
    Translation(
        "IndexError",
        r"tuple index out of range",
        IndexError,
        "tuple index out of range, as for an axis that a shape does not have.",
        "Print the shape; -1 is always its last axis.",
    ),
    Translation(
        "",
        r"None is not a valid value for jnp.array",
        TypeError,
        "None stands where an array is expected.",
        "Often a function without `return` made it.",
    ),
    Translation(
        "",
        r"Gradient only defined for scalar-output functions. Output had shape: (\(.*?\))",
        ValueError,
        "the function that is differentiated returned an array of shape {0}, not one number.",
        "Return its mean or sum: cornu.ops.mean(losses).",
    ),
    Translation(
        "",
        r"scan body function carry input and carry output must have equal types.*",
        ValueError,
        "what a step of the loop hands on to the next has another shape or dtype than what it got.",
        "Let it keep shape and dtype; see the error above for which part differs.",
    ),
    Translation(
        "",
        r"Symbolic dimension comparison .* is inconclusive",
        ValueError,
        "whether this fits depends on a size that is not known while the model is built.",
        "Give the Input this size, or leave the test out of `call`.",
    ),
    Translation(
        "",
        r"Unable to allocate (.*)",
        MemoryError,
        _size,
        "Make the layer or its input smaller: pool, or use a stride, before Flatten and Dense.",
    ),
    Translation(
        "",
        r"(?:RESOURCE_EXHAUSTED|Out of memory)[^\n]*",
        MemoryError,
        _size,
        "Make the batch or the model smaller, or use dtype='mixed_bfloat16'.",
    ),
)


def translate_error(error: Exception) -> Exception | None:
    """Returns a built-in error with a translated message; None if there is no translation.

    Example:

    >>> import jax.numpy as jnp
    >>> try:
    ...     jnp.ones((2, 3)) @ jnp.ones((2, 3))
    ... except TypeError as error:
    ...     print(translate_error(error))
    a product of arrays whose sizes differ along the axis that is summed: 3 and 2.
    In x @ w the last axis of x must be as large as the last but one of w.
    """
    kind, text = type(error).__name__, str(error)
    for row in _TRANSLATIONS:
        match = re.search(row.pattern, text) if row.kind in ("", kind) else None
        if match is None:
            continue
        if callable(row.what):
            what = row.what(match, error)
        else:
            what = row.what.format(*map(clean_message, match.groups()))
        return row.raised(f"{what}\n{row.todo}")
    if _is_foreign(error):
        kept = type(error) if type(error).__module__ == "builtins" else TypeError
        if "shape" in text and kept is TypeError:
            kept = ValueError
        if kept in (TypeError, ValueError):
            return kept(clean_message(text.partition("\nSee https://docs.jax")[0].strip()))
    return None


def clean_message(text: str | None) -> str:
    """Replaces the symbol of an unknown size by None, and shortens names of nested functions.

    Example:

    >>> clean_message("main.<locals>.loss() got (n, 4)")
    'loss() got (None, 4)'
    """
    text = re.sub(r"[\w.<>]*<locals>\.", "", text or "")
    return re.sub(r"(?<=[(\[,])n(?=[,)\]])|(?<=, )n(?=[,)\]])", "None", text)


def _is_foreign(error: BaseException) -> bool:
    """Tells whether JAX itself raised an error."""
    if type(error).__module__.startswith("jax"):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(_JAX)


_JAX = jax.__file__.removesuffix("__init__.py")
