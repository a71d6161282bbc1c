"""Functions that make arrays of nothing but numbers and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu import settings
from cornu.ops._table import define, row

__all__ = [
    "arange",
    "array",
    "bartlett",
    "blackman",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "hamming",
    "hanning",
    "identity",
    "kaiser",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tri",
    "vander",
    "zeros",
    "zeros_like",
]


def _floatx(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a maker of arrays whose dtype is the process-wide float type by default."""

    def run(*args: Any, dtype: Any = None, **options: Any) -> Any:
        return function(*args, dtype=dtype or settings.get("floatx"), **options)

    return run


def _window(function: Callable[[int], Any]) -> Callable[..., Any]:
    def run(x: Any, *rest: Any) -> Any:
        return function(int(x), *rest).astype(settings.get("floatx"))

    return run


def _arange(start: Any, stop: Any, step: Any, dtype: Any) -> Array:
    if dtype is None and any(isinstance(value, float) for value in (start, stop, step)):
        dtype = settings.get("floatx")
    return jnp.arange(start, stop, step, dtype=dtype)


_DTYPE = """
    dtype: the dtype; the process-wide float type by default."""

zeros = row("zeros(shape, dtype=None)", _floatx(jnp.zeros), "An array of zeros." + _DTYPE)
ones = row("ones(shape, dtype=None)", _floatx(jnp.ones), "An array of ones." + _DTYPE)
empty = row("empty(shape, dtype=None)", _floatx(jnp.empty), "An array to be filled." + _DTYPE)
full = row(
    "full(shape, fill_value, dtype=None)", _floatx(jnp.full), "An array of one value." + _DTYPE
)
zeros_like = row(
    "zeros_like(x, dtype=None)", jnp.zeros_like, "Zeros, in the shape and dtype of an array."
)
ones_like = row(
    "ones_like(x, dtype=None)", jnp.ones_like, "Ones, in the shape and dtype of an array."
)
empty_like = row(
    "empty_like(x, dtype=None)", jnp.empty_like, "An array to be filled, like another one."
)
full_like = row(
    "full_like(x, fill_value, dtype=None)",
    jnp.full_like,
    "One value, in the shape and dtype of an array.",
)
eye = row(
    "eye(N, M=None, k=0, dtype=None)",
    _floatx(jnp.eye),
    "Ones on a diagonal of a matrix, zeros elsewhere." + _DTYPE,
)
identity = row(
    "identity(n, dtype=None)",
    _floatx(jnp.identity),
    """The identity matrix.
    n: the number of rows and columns."""
    + _DTYPE,
)
tri = row(
    "tri(N, M=None, k=0, dtype=None)",
    _floatx(jnp.tri),
    "Ones on and below a diagonal of a matrix, zeros above." + _DTYPE,
)
vander = row(
    "vander(x, N=None, increasing=False)",
    jnp.vander,
    """The matrix whose columns are the powers of a vector.
    N: the number of columns; as many as rows by default.
    increasing: whether the powers rise from left to right.""",
)

# Sequences.
arange = row(
    "arange(start, stop=None, step=None, dtype=None)",
    _arange,
    """The numbers start, start + step, ... below stop.
    start: the first number; if it is the only one given, it is the end and 0 the first.
    stop: the end, which is not reached.
    step: the distance; 1 by default.
    dtype: the dtype; int32 for integers, the process-wide float type for floats.""",
    as_is=("start", "stop"),
)
linspace = row(
    "linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0)",
    jnp.linspace,
    """Evenly spaced numbers from start to stop.
    retstep: whether to return the distance, too.
    axis: the axis along which they lie, if start and stop are arrays.""",
)
logspace = row(
    "logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0)",
    jnp.logspace,
    """The powers base**start to base**stop, with evenly spaced exponents.
    base: the base.
    axis: the axis along which they lie, if start and stop are arrays.""",
)
geomspace = row(
    "geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0)",
    jnp.geomspace,
    """Numbers from start to stop, each the same multiple of the one before.
    axis: the axis along which they lie, if start and stop are arrays.""",
)

# Windows of signal processing.
_LENGTH = """
    x: the number of points."""
bartlett = row("bartlett(x)", _window(jnp.bartlett), "The triangular window." + _LENGTH, ("x",))
blackman = row(
    "blackman(x)",
    _window(jnp.blackman),
    "The window 0.42 - 0.5 cos t + 0.08 cos 2t." + _LENGTH,
    ("x",),
)
hamming = row("hamming(x)", _window(jnp.hamming), "The window 0.54 - 0.46 cos t." + _LENGTH, ("x",))
hanning = row("hanning(x)", _window(jnp.hanning), "The window 0.5 - 0.5 cos t." + _LENGTH, ("x",))
kaiser = row(
    "kaiser(x, beta)",
    _window(jnp.kaiser),
    """The window of the Bessel function I0.
    x: the number of points.
    beta: how narrow it is.""",
    ("x",),
)


@define
def meshgrid(*x: Array, indexing: str = "xy") -> list[Array]:
    """Coordinate matrices of coordinate vectors.

    Args:
        x: vectors.
        indexing: `"xy"` (columns, rows) or `"ij"` (the order of the axes).
    """
    return jnp.meshgrid(*x, indexing=indexing)


array = row("array(x, dtype=None)", jnp.array, "An array, always a copy.")
