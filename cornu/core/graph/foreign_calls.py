"""Functions of NumPy, JAX and other libraries that a program calls on symbolic Tensors.

NumPy asks its arguments for an implementation, so its functions record the ops of the same names.
JAX, torch and `math` compute at once and cannot take a Tensor; the error names the function that
the program called and what to write instead.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Mapping
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from cornu.core.graph.op import TensorBase, find_op
from cornu.core.tracebacks.user_frames import is_user_code, user_location
from cornu.foreign import is_module_of_keras

__all__ = ["call_numpy_function", "call_numpy_ufunc", "describe_method", "symbolic_error"]

# Operators between an array and a Tensor reach the Tensor as ufuncs. They record what the operator
# of the Tensor records: `array & x` is logical, as `x & array` is.
_OPERATORS = {
    np.add: ("__add__", "__radd__"),
    np.subtract: ("__sub__", "__rsub__"),
    np.multiply: ("__mul__", "__rmul__"),
    np.divide: ("__truediv__", "__rtruediv__"),
    np.floor_divide: ("__floordiv__", "__rfloordiv__"),
    np.remainder: ("__mod__", "__rmod__"),
    np.power: ("__pow__", "__rpow__"),
    np.matmul: ("__matmul__", "__rmatmul__"),
    np.less: ("__lt__", "__gt__"),
    np.less_equal: ("__le__", "__ge__"),
    np.greater: ("__gt__", "__lt__"),
    np.greater_equal: ("__ge__", "__le__"),
    np.equal: ("__eq__", "__eq__"),
    np.not_equal: ("__ne__", "__ne__"),
    np.bitwise_and: ("__and__", "__rand__"),
    np.bitwise_or: ("__or__", "__ror__"),
    np.bitwise_xor: ("__xor__", "__rxor__"),
}
# Functions of NumPy whose op has another name, or is not among those of `cornu.ops.numpy`.
_OTHER_NAMES = {
    "around": "round",
    "astype": "cast",
    "degrees": "rad2deg",
    "expit": "sigmoid",  # of scipy.special
    "invert": "bitwise_not",
    "radians": "deg2rad",
    "shape": "shape",
}


class _Call(NamedTuple):
    """A call in the user's program: its function as text, and the name of that function."""

    text: str
    name: str
    module: str
    calls_keras: bool


# ------------------------------------------------------------------------------------------- NumPy


def call_numpy_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Records the op of a ufunc that was called on a Tensor: `Tensor.__array_ufunc__`.

    Raises:
        TypeError: there is no such op, or it does not take these arguments.
    """
    tensor = next((x for x in inputs if isinstance(x, TensorBase)), None)
    if method == "__call__" and kwargs.get("out") in (None, inputs[:1]):
        # `array += x` cannot write a symbolic value into the array; it becomes `array = array + x`.
        options = {key: value for key, value in kwargs.items() if key != "out"}
        if ufunc in _OPERATORS and not options and not _is_bitwise_call(ufunc):
            left, right = inputs
            direct, reflected = _OPERATORS[ufunc]
            if tensor is left:
                return getattr(left, direct)(right)
            return getattr(right, reflected)(left)
        op = _find_numpy_op(ufunc)
        if op is not None:
            return op(*inputs, **options)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    raise symbolic_error(tensor, f"cannot be an argument of {name}: it is symbolic")


def call_numpy_function(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Records the op of a function of NumPy that was called on a Tensor.

    Raises:
        TypeError: there is no such op, or it does not take these arguments.
    """
    op = _find_numpy_op(function)
    if op is None:
        tensor = next((x for x in (*args, *kwargs.values()) if isinstance(x, TensorBase)), None)
        name = function.__name__
        raise symbolic_error(tensor, f"cannot be an argument of {name}: it is symbolic")
    return op(*args, **kwargs)


def _is_bitwise_call(ufunc: np.ufunc) -> bool:
    """Tells whether the program calls `np.bitwise_and(a, b)` by name, and not as `a & b`."""
    if not ufunc.__name__.startswith("bitwise_"):
        return False
    call = _find_call()
    return call is not None and call.name == ufunc.__name__


def _find_numpy_op(function: Any) -> Any:
    """Returns the op with the meaning of a function of NumPy, or None."""
    name = function.__name__
    if getattr(np.linalg, name, None) is function:
        return find_op(name, "linalg")
    if getattr(np, name, None) is function:
        return find_op(_OTHER_NAMES[name]) if name in _OTHER_NAMES else find_op(name, "numpy")
    return None


# --------------------------------------------------------------------------------- other libraries


def symbolic_error(tensor: Any, problem: str, remedy: str = "") -> TypeError:
    """Returns the error for a Tensor where values are needed.

    Args:
        tensor: the Tensor; None if it is nested in an argument.
        problem: what is wrong, as the end of a sentence about the Tensor.
        remedy: what to do, if the program called no function of another library.
    """
    subject = "A symbolic Tensor" if tensor is None else repr(tensor)
    remedy = _describe_op(remedy)
    return TypeError(f"{subject} {problem}.\n{remedy}\nThis happened {user_location()}.")


def describe_method(name: str) -> str:
    """Returns the end of the message about an attribute that arrays have and Tensors do not."""
    if name.startswith("_") or not hasattr(np.ndarray, name):
        return ""
    name = {"T": "transpose"}.get(name, _OTHER_NAMES.get(name, name))
    return f". Use `cornu.ops.{name}(x)`." if find_op(name) else ""


def _describe_op(otherwise: str = "") -> str:
    """Returns what to write instead of the function that the user's program is calling.

    Args:
        otherwise: the text if `cornu.ops` has no function of this name.
    """
    call = _find_call()
    general = "Use the function of the same name in `cornu.ops`"
    convert = "`cornu.op(function)` converts a function of JAX to an op."
    if call is None:
        return otherwise or f"{general}; {convert}"
    name = _OTHER_NAMES.get(call.name, call.name)
    path = next(
        (f"{p}.{name}" if p else name for p in ("", "linalg", "image") if find_op(name, p)), ""
    )
    if path and call.module not in ("builtins", "cornu"):
        return f"Use `cornu.ops.{path}` instead of `{call.text}`."
    if call.calls_keras:
        return "Use `cornu.layers` and `cornu.ops` instead of those of Keras."
    if otherwise:
        return otherwise
    if call.module == "jax":
        return f"`cornu.op({call.text})` converts the function to one that takes symbolic Tensors."
    return f"`cornu.ops` has no function of this name. {convert}"


def _find_call() -> _Call | None:
    """Returns the call that the user's program is executing, or None if its source is unknown."""
    frame: FrameType | None = sys._getframe(1)
    calls_keras = False
    while frame is not None:
        is_keras = is_module_of_keras(frame.f_globals.get("__name__", ""))
        calls_keras = calls_keras or is_keras
        if is_user_code(frame.f_code) and not is_keras:
            break
        frame = frame.f_back
    if frame is None:
        return None
    try:
        node = ast.parse(f"({_current_source(frame)})", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(node, ast.Call):
        return None
    text = ast.unparse(node.func)
    function = _look_up(node.func, frame)
    name = getattr(function, "__name__", text.rpartition(".")[2])
    module = getattr(function, "__module__", None) or ""
    return _Call(text, str(name), str(module).partition(".")[0], calls_keras)


def _current_source(frame: FrameType) -> str:
    """Returns the source of the expression that a frame is evaluating."""
    line, end_line, start, end = _position(frame.f_code, frame.f_lasti)
    if line is None or end_line is None or start is None or end is None:
        return ""
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)[line - 1 : end_line]
    if not lines:
        return ""
    # Columns count bytes.
    encoded = [text.encode() for text in lines]
    encoded[-1] = encoded[-1][:end]
    encoded[0] = encoded[0][start:]
    return b"".join(encoded).decode()


def _position(
    code: CodeType, instruction: int
) -> tuple[int | None, int | None, int | None, int | None]:
    """Returns the first and last line and the columns of an instruction, given its offset."""
    positions = list(code.co_positions())
    number = instruction // 2  # each instruction has two bytes
    return positions[number] if 0 <= number < len(positions) else (None, None, None, None)


def _look_up(node: ast.expr, frame: FrameType) -> Any:
    """Returns the value of a name, or of an attribute of a module, in a frame; None for others."""
    if isinstance(node, ast.Name):
        for table in (frame.f_locals, frame.f_globals, frame.f_builtins):
            if node.id in table:
                return table[node.id]
    if isinstance(node, ast.Attribute):
        owner = _look_up(node.value, frame)
        return vars(owner).get(node.attr) if isinstance(owner, ModuleType) else None
    return None
