"""Translations of errors of JAX and NumPy into the terms of the user's program.

Messages of JAX name internals (tracers, `dot_general`, `__jax_array__`) that a Keras program does
not contain. One table maps them to messages that say what to change.
"""

from __future__ import annotations

import linecache
import math
import re
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple

import jax

from cornu.core.graph.op import VariableBase

__all__ = ["clean_message", "translate_error"]

_JAX_FOLDER = jax.__file__.removesuffix("__init__.py")

# The end of a sentence about a traced value.
_UNKNOWN = "which is not known while the function is traced"

# Messages may contain whole arrays or texts of the user. The patterns below take time that grows
# with the square of the length for some texts, so that only the beginning is searched.
_MAX_SEARCHED = 8_000  # characters; the longest message of JAX that a row translates has 3,000
_MAX_WORD = 200  # characters of the name of an operation

# A shape, in which an unknown size may be an expression such as floordiv(n, 2).
_SHAPE = r"\((?:[^()\n]|\([^()\n]*\))*\)"


class Translation(NamedTuple):
    """A row of the table: which error it matches, and the message that replaces it.

    Attributes:
        kind: the name of the exception class, or '' for any.
        pattern: a regular expression that matches in the message.
        raised: the type of the translated exception.
        problem: what is wrong, with `{0}`, `{1}` for the groups of the pattern; or a function of
            the match and the error that returns it.
        remedy: what to do.
    """

    kind: str
    pattern: str
    raised: type[Exception]
    problem: str | Callable[[re.Match[str], BaseException], str]
    remedy: str


def _describe_variable(_: re.Match[str], error: BaseException) -> str:
    """Returns the message for a JAX function called on a Variable, with the Variable's name."""
    found = [
        (expression, value)
        for expression, value in _iterate_names(error.__traceback__)
        if isinstance(value, VariableBase)
    ]
    name = "a Variable"
    if found:
        expression, variable = found[0]
        name = f"Variable {getattr(variable, 'path', '')!r} ({expression})"
    return f"a JAX function was called on {name} itself. JAX functions accept only arrays."


def _iterate_names(trace: TracebackType | None) -> Iterator[tuple[str, Any]]:
    """Yields the names in the lines of a traceback and their values, the innermost line first."""
    if trace is None:
        return
    yield from _iterate_names(trace.tb_next)
    frame = trace.tb_frame
    line = linecache.getline(frame.f_code.co_filename, trace.tb_lineno)
    for expression in re.findall(r"[A-Za-z_][\w.]*", line):
        first, *attributes = expression.split(".")
        value = frame.f_locals.get(first, frame.f_globals.get(first))
        # `getattr` would run the code of properties while an error is being handled.
        for attribute in attributes:
            value = vars(value).get(attribute) if hasattr(value, "__dict__") else None
        yield expression, value


def _describe_leak(match: re.Match[str], error: BaseException) -> str:
    """Returns the message for a leaked value: where it was computed, and where it was stored."""
    origin = re.search(r"^([^\n]*?:\d+)(?::\d+)? \(([^)\n]*)\)\n", match[2])
    where = f" at {origin[1]} in {_drop_outer_functions(origin[2])}" if origin else ""
    # A leak passes through an attribute; a plain name is a local variable of the failing line.
    stored = [
        expression
        for expression, value in _iterate_names(error.__traceback__)
        if "." in expression and isinstance(value, jax.core.Tracer)
    ]
    return (
        f"a traced value (a {match[1]}) that was computed{where} was used after tracing had ended"
        f"{f'. It was stored in {stored[0]}' if stored else ''}."
    )


def _drop_outer_functions(qualname: str) -> str:
    return qualname.rpartition("<locals>.")[2]


def _describe_memory(match: re.Match[str], _: BaseException) -> str:
    return f"not enough memory: {match[0].strip().rstrip('.')}."


def _describe_non_numeric(match: re.Match[str], _: BaseException) -> str:
    received = f"a value of type {match[1]}"
    if match[1] == "numpy.ndarray":
        received = "an array of strings or objects"
    return f"expected numbers or arrays of numbers, received {received}."


_RESHAPE_REMEDY = "One size may be -1; it is inferred from the others."


def _describe_reshape(match: re.Match[str], _: BaseException) -> str:
    """Returns the message for a reshape that does not fit, with both numbers of elements."""
    given, target = match[1], match[2]
    sizes = [int(size) for size in re.findall(r"-?\d+", target)]
    known = math.prod(size for size in sizes if size != -1)
    if given.startswith("("):
        array = f"an array of shape {clean_message(given)}"
        count = math.prod(int(size) for size in re.findall(r"\d+", given))
        # Unknown sizes are symbols.
        each = " for each row" if re.search(r"[a-z]", given) else ""
        array += f", with {count} elements{each},"
    else:
        count, array = int(given), f"an array of {given} elements"
    shape = f"({', '.join(map(str, sizes))}{',' * (len(sizes) == 1)})"
    needed = f"with {known} elements"
    if -1 in sizes:
        needed = f"because {count} is not a multiple of {known}"
    return f"{array} cannot be reshaped to {shape}, {needed}."


# The patterns are the texts of the JAX and NumPy releases that pyproject.toml admits. The first
# row that matches is used, so special cases precede general ones.
_TRANSLATIONS = (
    Translation(
        "TracerBoolConversionError",
        r"traced array with shape ([^\s.]*)",
        TypeError,
        "Python's `if`, `while`, `and`, `or`, `not` and `assert` require a concrete bool. Received "
        f"a traced value ({{0}}), {_UNKNOWN}.",
        "Use cornu.ops.where(condition, a, b) or cornu.ops.cond(condition, f, g). Conditions on "
        "shapes and on `training` are allowed.",
    ),
    Translation(
        "TracerArrayConversionError",
        r"traced array with shape ([^\s]*)",
        TypeError,
        f"a NumPy function was called on a traced value ({{0}}), {_UNKNOWN}.",
        "Use the function of the same name in cornu.ops or jax.numpy.",
    ),
    Translation(
        "TracerIntegerConversionError",
        r"traced array with shape ([^\s]*)",
        TypeError,
        "an integer is required (as in range(k), list[k] or a shape). Received a traced value "
        f"({{0}}), {_UNKNOWN}.",
        "Use x.shape for sizes, cornu.ops.fori_loop for loops and cornu.ops.take for indexing.",
    ),
    Translation(
        "",
        r"Only integer scalar arrays can be converted to a scalar index",
        TypeError,
        "an integer is required (as in range(k), list[k] or a shape). Received an array that is "
        "not an integer scalar.",
        "Use x.shape for sizes, cornu.ops.fori_loop for loops and cornu.ops.take for indexing.",
    ),
    Translation(
        "NonConcreteBooleanIndexError",
        r"got ([^\s]*)",
        IndexError,
        "the shape of x[condition] depends on the values of the condition ({0}), and shapes must "
        "be known while the function is traced.",
        "To keep the shape of x, use cornu.ops.where(condition, x, 0).",
    ),
    Translation(
        "",
        r"Shapes must be 1D sequences of concrete values.*?, got (.*)",
        TypeError,
        f"a shape must consist of integers. Received a traced value, {_UNKNOWN}.",
        "Use the sizes in x.shape.",
    ),
    Translation(
        "ConcretizationTypeError",
        r"traced array with shape ([^\s]*)\s+The problem arose with the `(\w+)` function",
        TypeError,
        f"{{1}}() was called on a traced value ({{0}}), {_UNKNOWN}.",
        "Keep it as an array: scalar arrays support arithmetic.",
    ),
    Translation(
        "ConcretizationTypeError",
        r"traced array with shape ([^\s]*)",
        TypeError,
        f"a concrete value is required. Received a traced value ({{0}}), {_UNKNOWN}.",
        "Use functions of cornu.ops, which accept traced values.",
    ),
    Translation(
        "UnexpectedTracerError",
        r"(?s)intermediate value with type (\S++)(?>.*?frames were:\s*-+\n)(.*?)-{10,}",
        RuntimeError,
        _describe_leak,
        "Return it from `call`. To keep a value between calls, create a Variable with "
        "add_weight(..., trainable=False) in `build` and call `self.v.assign(value)`.",
    ),
    Translation(
        "",
        r"__jax_array__",
        TypeError,
        _describe_variable,
        "Pass `variable.value`, or use the function of the same name in cornu.ops.",
    ),
    Translation(
        "",
        r"(?:arrays are immutable|does not support item assignment)",
        TypeError,
        "x[...] = y is not supported: arrays are immutable.",
        "Use x = x.at[...].set(y) or cornu.ops.where.",
    ),
    Translation(
        "",
        r"dot_general requires contracting dimensions to have the same shape, "
        r"got \((.*?),?\) and \((.*?),?\)",
        ValueError,
        "the contracted axes of a product have different sizes: {0} and {1}.",
        "In x @ w, the last axis of x and the second-to-last axis of w must have the same size.",
    ),
    Translation(
        "",
        r"dot_general requires batch dimensions to have the same shape, "
        r"got \((.*?),?\) and \((.*?),?\)",
        ValueError,
        "the batch axes of a product have different sizes: ({0}) and ({1}).",
        "All axes but the last two must have equal sizes, or size 1.",
    ),
    Translation(
        "",
        r"conv_general_dilated lhs feature dimension size .* but (\d+) // (\d+) != (\d+)",
        ValueError,
        "the input of a convolution has {0} channels in {1} groups, and the kernel expects {2} "
        "channels per group.",
        "The second-to-last axis of the kernel must be the number of input channels per group.",
    ),
    Translation(
        "",
        rf"\b(\w{{1,{_MAX_WORD}}}) got incompatible shapes for broadcasting: "
        rf"({_SHAPE}(?:, {_SHAPE})*), ({_SHAPE})\.",
        ValueError,
        "{0}: shapes {1} and {2} cannot be broadcast together.",
        "Aligned at the last axis, sizes must be equal or 1.",
    ),
    Translation(
        "",
        r"Incompatible shapes for broadcasting: (?:shapes=)?(.*)",
        ValueError,
        "shapes {0} cannot be broadcast together.",
        "Aligned at the last axis, sizes must be equal or 1.",
    ),
    Translation(
        "",
        r"Cannot concatenate arrays with different numbers of dimensions: got (.*)\.",
        ValueError,
        "arrays with different numbers of axes cannot be concatenated: {0}.",
        "Add the missing axes with cornu.ops.expand_dims.",
    ),
    Translation(
        "",
        r"Cannot concatenate arrays with shapes that differ .*? "
        r"concatenating along dimension (\d+) for shapes (.*)\.",
        ValueError,
        "arrays concatenated along axis {0} differ on another axis: {1}.",
        "The sizes on all other axes must be equal.",
    ),
    Translation(
        "",
        rf"[Cc]annot reshape array of shape ({_SHAPE}).*? into shape ({_SHAPE})",
        ValueError,
        _describe_reshape,
        _RESHAPE_REMEDY,
    ),
    Translation(
        "",
        rf"cannot reshape array of size (\d+) into shape ({_SHAPE})",
        ValueError,
        _describe_reshape,
        _RESHAPE_REMEDY,
    ),
    Translation(
        "InconclusiveDimensionOperation",
        rf"Cannot divide evenly the sizes of shapes ({_SHAPE}) and ({_SHAPE})",
        ValueError,
        _describe_reshape,
        _RESHAPE_REMEDY,
    ),
    Translation(
        "",
        r"Error interpreting argument to .* as (?:a JAX value|an abstract array)\. "
        r"The problematic value is of type <class '(.*?)'>",
        TypeError,
        _describe_non_numeric,
        "Convert strings and objects to numbers first. None is often the result of a function "
        "without `return`.",
    ),
    Translation(
        "IndexError",
        r"tuple index out of range",
        IndexError,
        "tuple index out of range. The shape may have fewer axes than expected.",
        "Print the shape; -1 is always the index of its last axis.",
    ),
    Translation(
        "",
        r"None is not a valid value for jnp.array",
        TypeError,
        "expected an array, received None.",
        "None is often the result of a function without `return`.",
    ),
    Translation(
        "",
        r"Gradient only defined for scalar-output functions. Output had shape: (\(.*?\))",
        ValueError,
        "the differentiated function must return a scalar. Received an array of shape {0}.",
        "Return its mean or sum, such as cornu.ops.mean(losses).",
    ),
    Translation(
        "",
        r"scan body function carry input and carry output must have equal types.*",
        ValueError,
        "the carry that a loop step returns differs in shape or dtype from the one it received.",
        "Return a carry with the shapes and dtypes of the initial one.",
    ),
    Translation(
        "",
        r"Symbolic dimension comparison .* is inconclusive",
        ValueError,
        "the result of a comparison depends on a size that is not known while the model is built.",
        "Pass this size to Input, or remove the comparison from `call`.",
    ),
    Translation(
        "",
        r"Unable to allocate (.*)",
        MemoryError,
        _describe_memory,
        "Reduce the layer or its input: apply pooling or strides before Flatten and Dense.",
    ),
    Translation(
        "",
        r"(?:RESOURCE_EXHAUSTED|Out of memory)[^\n]*",
        MemoryError,
        _describe_memory,
        "Reduce the batch size or the model, or use dtype='mixed_bfloat16'.",
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
    the contracted axes of a product have different sizes: 3 and 2.
    In x @ w, the last axis of x and the second-to-last axis of w must have the same size.
    """
    kind, text = type(error).__name__, str(error)
    beginning = text[:_MAX_SEARCHED]
    for row in _TRANSLATIONS:
        match = re.search(row.pattern, beginning) if row.kind in ("", kind) else None
        if match is None:
            continue
        if callable(row.problem):
            problem = row.problem(match, error)
        else:
            problem = row.problem.format(*map(clean_message, match.groups()))
        return row.raised(f"{problem}\n{row.remedy}")
    # Other errors keep JAX's message. JAX reports many wrong shapes as TypeError; here, as in
    # Keras, these are ValueErrors.
    if _is_raised_by_jax(error):
        raised = type(error) if type(error).__module__ == "builtins" else TypeError
        if "shape" in text and raised is TypeError:
            raised = ValueError
        if raised in (TypeError, ValueError):
            return raised(clean_message(text.partition("\nSee https://docs.jax")[0].strip()))
    return None


def clean_message(text: str | None) -> str:
    """Replaces the symbol of an unknown size by None, and shortens names of nested functions.

    Example:

    >>> clean_message("main.<locals>.loss() got (n, 4)")
    'loss() got (None, 4)'
    """
    # With the lookbehind, a word is searched once, instead of once from each of its letters.
    text = re.sub(r"(?<![\w.<>])[\w.<>]*<locals>\.", "", text or "")
    # `n` is the symbol that shape inference uses; only where a shape may contain it.
    return re.sub(r"(?<=[(\[,])n(?=[,)\]])|(?<=, )n(?=[,)\]])", "None", text)


def _is_raised_by_jax(error: BaseException) -> bool:
    """Tells whether JAX raised an error: by its class, or by the innermost frame."""
    if type(error).__module__.startswith("jax"):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(_JAX_FOLDER)
