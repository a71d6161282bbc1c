"""Names of dtypes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.errors import suggest
from cornu.types import DTypeLike

__all__ = [
    "enable_64_bits",
    "host_array",
    "is_below",
    "is_direct",
    "is_float",
    "is_narrow",
    "narrowed",
    "standardize_dtype",
]

_DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64 "
    "complex64 complex128 float8_e4m3fn float8_e5m2"
).split()
# As in Keras with its JAX backend; NumPy and Python have 64 bits.
_PYTHON: dict[object, str] = {bool: "bool", int: "int32", float: "float32", complex: "complex64"}
_FLOATS = frozenset(("bfloat16", "float16", "float32", "float64"))


def standardize_dtype(dtype: DTypeLike | None) -> str:
    """Returns the name of a dtype; `None` means the process-wide float type.

    Example:

    >>> standardize_dtype(np.dtype("int8")), standardize_dtype(None)
    ('int8', 'float32')
    """
    if dtype is None:
        floatx: str = settings.get("floatx")
        return floatx
    if isinstance(dtype, str):
        name = dtype
    elif dtype in _PYTHON:
        name = _PYTHON[dtype]
    else:
        try:
            name = jnp.dtype(dtype).name
        except TypeError:
            name = str(dtype).rpartition(".")[2]  # such as torch.float32
    if name in ("int", "float"):
        name = "int32" if name == "int" else settings.get("floatx")
    if name not in _DTYPES:
        raise ValueError(f"Unknown dtype {dtype!r}. {suggest(name, _DTYPES)}")
    if name == "float64":
        enable_64_bits()
    return name


def enable_64_bits() -> None:
    """Enables the 64-bit types of JAX, for the whole process."""
    # JAX silently converts float64 to float32 unless this process-wide option is on. A dtype that
    # is named explicitly is taken literally.
    if not jax.config.read("jax_enable_x64"):
        jax.config.update("jax_enable_x64", True)


# The dtypes of NumPy that JAX takes as they are.
_DIRECT = frozenset(
    map(
        np.dtype,
        "bool int8 int16 int32 uint8 uint16 uint32 float16 float32 float64 complex64".split(),
    )
)


# Those that do not depend on whether JAX uses 64 bits.
_NARROW = frozenset(dtype for dtype in _DIRECT if dtype != np.float64)


def is_narrow(dtype: np.dtype) -> bool:
    """Whether a dtype is native, and `narrowed` and JAX leave it as it is in any case."""
    return dtype in _NARROW


# By signed types in the native byte order: the unsigned type of the same size, and the number as
# which it shows the smallest negative number.
_UNSIGNED = {
    np.dtype(f"i{size}"): (np.dtype(f"u{size}"), 1 << (8 * size - 1)) for size in (1, 2, 4, 8)
}


def is_below(integers: np.ndarray, limit: int) -> bool:
    """Whether signed integers are known to be in `range(limit)`; other dtypes are not looked at.

    For the integers of a batch, it takes a sixth of the time of their minimum and maximum.

    Example:

    >>> is_below(np.array([0, 9]), 10), is_below(np.array([-1, 9]), 10)
    (True, False)
    """
    found = _UNSIGNED.get(integers.dtype)
    if found is None or not integers.size:
        return False
    dtype, negative = found
    # As unsigned numbers, negative ones are beyond all others, so that one pass is enough. `argmax`
    # takes a third of the time of `max` for few numbers.
    unsigned = integers.view(dtype)
    largest: int = unsigned.item(unsigned.argmax())
    return largest < limit and largest < negative


def narrowed(array: np.ndarray) -> np.ndarray:
    """Converts numbers to types of 32 bits, unless JAX uses 64, and to the native byte order.

    float64 and longdouble become float32. Integers beyond 32 bits become float32, too: JAX would
    keep their last 32 bits. Other integers are converted when they are copied to the device.
    """
    dtype = array.dtype
    if dtype.itemsize > 4 and dtype.kind in "fiu":
        wide: bool = jax.config.jax_enable_x64  # type: ignore[attr-defined]  # faster than `read`
        if dtype.kind == "f" and dtype.itemsize > 8:
            return _as_float(array, "float64" if wide else "float32")
        if not wide and (dtype.kind == "f" or not _fits(array)):
            return _as_float(array, "float32")
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def is_direct(array: Any) -> bool:
    """Whether a compiled function can take an array without a change of its values."""
    if isinstance(array, jax.Array):
        return True
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        return False
    if array.dtype in _DIRECT:
        return True
    # `isbuiltin` is 2 for the dtypes of `ml_dtypes`, such as bfloat16.
    return (array.dtype.kind in "iu" or array.dtype.isbuiltin == 2) and narrowed(array) is array


def host_array(array: np.ndarray) -> np.ndarray:
    """Returns an array in a dtype that JAX takes without changing its values.

    Raises:
        OverflowError: it has integers beyond 32 bits, and JAX does not use 64.
    """
    if array.dtype in _DIRECT:
        return array
    found = narrowed(array)
    if found.dtype.kind != array.dtype.kind:
        raise OverflowError(
            f"An array of {array.dtype.name} has integers from {array.min()} to {array.max()}, "
            "beyond 32 bits.\nConvert it to floats first, array.astype('float32'), or enable the "
            "64-bit types of JAX: jax.config.update('jax_enable_x64', True)."
        )
    return found


def _fits(integers: np.ndarray) -> bool:
    """Whether integers of 64 bits are in the range of the type of 32 bits with the same sign."""
    if not integers.size or is_below(integers, 1 << 31):
        return True
    if integers.dtype.kind == "u":
        return bool(integers.max() < 1 << 32)
    return bool(integers.max() < 1 << 31 and integers.min() >= -(1 << 31))


def _as_float(array: np.ndarray, dtype: str) -> np.ndarray:
    # Values beyond the range become infinite, which the checks of data report.
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def is_float(dtype: DTypeLike) -> bool:
    """Tells whether a dtype is a real floating-point type, which autocasting applies to."""
    return np.dtype(dtype).name in _FLOATS
