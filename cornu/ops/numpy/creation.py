"""Arrays of constants, ranges and grids, and window functions."""

from __future__ import annotations

from typing import Any, TypeAlias

import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import check_known, to_arrays, to_jax_dtype, to_operand
from cornu.types import Array, ArrayLike, DTypeLike, ShapeLike

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

Number: TypeAlias = int | float | Array


@op
def array(x: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Creates an array from a number, a list or an array; always a copy.

    Args:
        x: an array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.array([1, 2]).tolist()
    [1, 2]
    """
    return jnp.array(to_operand(x), dtype=to_jax_dtype(dtype))


@op
def zeros(shape: ShapeLike | int, dtype: DTypeLike | None = None) -> Array:
    """Creates an array of zeros.

    Args:
        shape: the shape of the result.
        dtype: the dtype; the process-wide float type by default.

    Example:

    >>> import cornu
    >>> cornu.ops.zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return jnp.zeros(shape, _dtype_or_floatx(dtype))


@op
def ones(shape: ShapeLike | int, dtype: DTypeLike | None = None) -> Array:
    """Creates an array of ones.

    Args:
        shape: the shape of the result.
        dtype: the dtype; the process-wide float type by default.

    Example:

    >>> import cornu
    >>> cornu.ops.ones((2,)).tolist()
    [1.0, 1.0]
    """
    return jnp.ones(shape, _dtype_or_floatx(dtype))


@op
def empty(shape: ShapeLike | int, dtype: DTypeLike | None = None) -> Array:
    """Creates an array whose elements are to be set later; they are zero.

    Args:
        shape: the shape of the result.
        dtype: the dtype; the process-wide float type by default.

    Example:

    >>> import cornu
    >>> cornu.ops.empty((2, 3)).shape
    (2, 3)
    """
    # XLA has no uninitialized arrays.
    return jnp.empty(shape, _dtype_or_floatx(dtype))


@op
def full(shape: ShapeLike | int, fill_value: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Creates an array filled with one value.

    Args:
        shape: the shape of the result.
        fill_value: the value, or an array that broadcasts.
        dtype: the dtype; the process-wide float type by default.

    Example:

    >>> import cornu
    >>> cornu.ops.full((2,), 7).tolist()
    [7.0, 7.0]
    """
    return jnp.full(shape, to_operand(fill_value), _dtype_or_floatx(dtype))


@op
def zeros_like(x: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Creates an array of zeros with the shape and dtype of another.

    Args:
        x: an array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.zeros_like([5, 6]).tolist()
    [0, 0]
    """
    return jnp.zeros_like(to_operand(x), dtype=to_jax_dtype(dtype))


@op
def ones_like(x: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Creates an array of ones with the shape and dtype of another.

    Args:
        x: an array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.ones_like([5, 6]).tolist()
    [1, 1]
    """
    return jnp.ones_like(to_operand(x), dtype=to_jax_dtype(dtype))


@op
def empty_like(x: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Creates an array to be set later, with the shape and dtype of another.

    Args:
        x: an array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.empty_like(np.ones((2, 3), "int32")).dtype
    dtype('int32')
    """
    return jnp.empty_like(to_operand(x), dtype=to_jax_dtype(dtype))


@op
def full_like(x: ArrayLike, fill_value: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Creates an array filled with one value, with the shape and dtype of another.

    Args:
        x: an array.
        fill_value: the value, or an array that broadcasts.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.full_like([1, 2], 7).tolist()
    [7, 7]
    """
    return jnp.full_like(to_operand(x), to_operand(fill_value), dtype=to_jax_dtype(dtype))


@op
def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Array:
    """Creates a matrix with ones on a diagonal and zeros elsewhere.

    Args:
        N: the number of rows.
        M: the number of columns; `N` by default.
        k: the diagonal: 0 is the main one, positive ones are above it.
        dtype: the dtype; the process-wide float type by default.

    Example:

    >>> import cornu
    >>> cornu.ops.eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return jnp.eye(N, M, k, dtype=_dtype_or_floatx(dtype))


@op
def identity(n: int, dtype: DTypeLike | None = None) -> Array:
    """Creates an identity matrix.

    Args:
        n: the number of rows and columns.
        dtype: the dtype; the process-wide float type by default.

    Example:

    >>> import cornu
    >>> cornu.ops.identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return jnp.identity(n, dtype=_dtype_or_floatx(dtype))


@op
def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Array:
    """Creates a matrix with ones on and below a diagonal, and zeros above.

    Args:
        N: the number of rows.
        M: the number of columns; `N` by default.
        k: the diagonal: 0 is the main one, positive ones are above it.
        dtype: the dtype; the process-wide float type by default.

    Example:

    >>> import cornu
    >>> cornu.ops.tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return jnp.tri(N, M, k, dtype=_dtype_or_floatx(dtype))


@op
def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Array:
    """Creates a Vandermonde matrix, whose columns are the powers of a vector.

    Args:
        x: a vector.
        N: the number of columns; as many as rows by default.
        increasing: whether the powers increase from left to right.

    Example:

    >>> import cornu
    >>> cornu.ops.vander([1, 2, 3]).tolist()
    [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    """
    return jnp.vander(to_operand(x), N=N, increasing=increasing)


@op
def arange(
    start: Number,
    stop: Number | None = None,
    step: Number | None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """Returns evenly spaced numbers in the half-open interval `[start, stop)`.

    Args:
        start: the first number; if it is the only argument, it is `stop` and the first number is 0.
        stop: the end of the interval, not included.
        step: the difference of adjacent numbers; 1 by default.
        dtype: the dtype; int32 for integers and the process-wide float type for floats by default.

    Example:

    >>> import cornu
    >>> cornu.ops.arange(2, 8, 2).tolist()
    [2, 4, 6]
    """
    for name, number in (("start", start), ("stop", stop), ("step", step)):
        check_known(number, name, "Pass numbers, such as sizes in x.shape.")
    return _arange(start, stop, step, to_jax_dtype(dtype))


@op
def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """Returns evenly spaced numbers from `start` to `stop`.

    Args:
        start: the first value.
        stop: the last value.
        num: the number of values.
        endpoint: whether `stop` is included.
        retstep: whether to also return the difference of adjacent numbers.
        dtype: the dtype of the result; determined by the input by default.
        axis: the axis along which the numbers are laid out, if `start` and `stop` are arrays.

    Example:

    >>> import cornu
    >>> cornu.ops.linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    check_known(num, "num", "Pass a number, such as a size in x.shape.")
    return jnp.linspace(
        to_operand(start),
        to_operand(stop),
        num=num,
        endpoint=endpoint,
        retstep=retstep,
        dtype=to_jax_dtype(dtype),
        axis=axis,
    )


@op
def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Array:
    """Returns numbers from `base**start` to `base**stop`, evenly spaced on a log scale.

    Args:
        start: the first value.
        stop: the last value.
        num: the number of values.
        endpoint: whether `stop` is included.
        base: the base of the powers.
        dtype: the dtype of the result; determined by the input by default.
        axis: the axis along which the numbers are laid out, if `start` and `stop` are arrays.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.logspace(0, 2, 3)).round(2))
    [  1.  10. 100.]
    """
    check_known(num, "num", "Pass a number, such as a size in x.shape.")
    return jnp.logspace(
        to_operand(start),
        to_operand(stop),
        num=num,
        endpoint=endpoint,
        base=base,
        dtype=to_jax_dtype(dtype),
        axis=axis,
    )


@op
def geomspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Array:
    """Returns numbers from `start` to `stop` in geometric progression.

    Args:
        start: the first value.
        stop: the last value.
        num: the number of values.
        endpoint: whether `stop` is included.
        dtype: the dtype of the result; determined by the input by default.
        axis: the axis along which the numbers are laid out, if `start` and `stop` are arrays.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.geomspace(1, 100, 3)).round(2))
    [  1.  10. 100.]
    """
    return jnp.geomspace(
        to_operand(start),
        to_operand(stop),
        num=num,
        endpoint=endpoint,
        dtype=to_jax_dtype(dtype),
        axis=axis,
    )


@op
def meshgrid(*x: ArrayLike, indexing: str = "xy") -> list[Array]:
    """Returns coordinate matrices from coordinate vectors.

    Args:
        x: vectors.
        indexing: `"xy"` (columns, rows) or `"ij"` (the order of the axes).

    Example:

    >>> import cornu
    >>> [part.tolist() for part in cornu.ops.meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    return jnp.meshgrid(*to_arrays(x), indexing=indexing)


@op
def bartlett(x: int) -> Array:
    """Computes the Bartlett (triangular) window.

    Args:
        x: the number of points.

    Example:

    >>> import cornu
    >>> cornu.ops.bartlett(5).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]

    Fixes: may be called in compiled functions; Keras 3.15 on JAX raises an error there.
    """
    return jnp.bartlett(int(x)).astype(settings.get("floatx"))


@op
def blackman(x: int) -> Array:
    """Computes the Blackman window `0.42 - 0.5 cos(t) + 0.08 cos(2t)`.

    Args:
        x: the number of points.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.abs(np.asarray(cornu.ops.blackman(5)).round(2)))
    [0.   0.34 1.   0.34 0.  ]

    Fixes: may be called in compiled functions; Keras 3.15 on JAX raises an error there.
    """
    return jnp.blackman(int(x)).astype(settings.get("floatx"))


@op
def hamming(x: int) -> Array:
    """Computes the Hamming window `0.54 - 0.46 cos(t)`.

    Args:
        x: the number of points.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.hamming(3)).round(2))
    [0.08 1.   0.08]

    Fixes: may be called in compiled functions; Keras 3.15 on JAX raises an error there.
    """
    return jnp.hamming(int(x)).astype(settings.get("floatx"))


@op
def hanning(x: int) -> Array:
    """Computes the Hann window `0.5 - 0.5 cos(t)`.

    Args:
        x: the number of points.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.hanning(3)).round(2))
    [0. 1. 0.]

    Fixes: may be called in compiled functions; Keras 3.15 on JAX raises an error there.
    """
    return jnp.hanning(int(x)).astype(settings.get("floatx"))


@op
def kaiser(x: int, beta: ArrayLike) -> Array:
    """Computes the Kaiser window, which is based on the Bessel function I0.

    Args:
        x: the number of points.
        beta: the shape parameter; larger values give a narrower window.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.kaiser(3, beta=2.0)).round(3))
    [0.439 1.    0.439]

    Fixes: may be called in compiled functions; Keras 3.15 on JAX raises an error there.
    """
    return jnp.kaiser(int(x), to_operand(beta)).astype(settings.get("floatx"))


def _arange(start: Number, stop: Number | None, step: Number | None, dtype: Any) -> Array:
    # As in Keras, Python floats select the process-wide float type, and integers int32.
    if dtype is None and any(isinstance(value, float) for value in (start, stop, step)):
        dtype = settings.get("floatx")
    return jnp.arange(start, stop, step, dtype=dtype)


def _dtype_or_floatx(dtype: DTypeLike | None) -> Any:
    return settings.get("floatx") if dtype is None else to_jax_dtype(dtype)
