"""Names of dtypes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.errors import suggest
from cornu.types import DTypeLike

__all__ = ["enable_64_bits", "is_float", "standardize_dtype"]

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


def is_float(dtype: DTypeLike) -> bool:
    """Tells whether a dtype is a real floating-point type, which autocasting applies to."""
    return np.dtype(dtype).name in _FLOATS
