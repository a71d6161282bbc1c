"""Exponentials and logarithms, element by element."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_float, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
]


@op
def exp(x: ArrayLike) -> Array:
    """Computes the exponential function.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.exp([0.0]).tolist()
    [1.0]
    """
    return jnp.exp(to_float(x))


@op
def exp2(x: ArrayLike) -> Array:
    """Computes `2 ** x`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.exp2([0.0, 3.0]).tolist()
    [1.0, 8.0]
    """
    return jnp.exp2(to_float(x))


@op
def expm1(x: ArrayLike) -> Array:
    """Computes `exp(x) - 1`, accurate also for small `x`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.expm1([0.0, 1.0])).round(3))
    [0.    1.718]
    """
    return jnp.expm1(to_float(x))


@op
def log(x: ArrayLike) -> Array:
    """Computes the natural logarithm.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.log([1.0]).tolist()
    [0.0]
    """
    return jnp.log(to_float(x))


@op
def log10(x: ArrayLike) -> Array:
    """Computes the logarithm to base 10.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.log10([1.0, 100.0])).round(3))
    [0. 2.]
    """
    return jnp.log10(to_float(x))


@op
def log2(x: ArrayLike) -> Array:
    """Computes the logarithm to base 2.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.log2([1.0, 8.0]).tolist()
    [0.0, 3.0]
    """
    return jnp.log2(to_float(x))


@op
def log1p(x: ArrayLike) -> Array:
    """Computes `log(1 + x)`, accurate also for small `x`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.log1p([0.0, 1.0])).round(3))
    [0.    0.693]
    """
    return jnp.log1p(to_float(x))


@op
def logaddexp(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes `log(exp(x1) + exp(x2))` without overflow.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.logaddexp([0.0, 1.0], [0.0, 100.0])).round(3))
    [  0.693 100.   ]
    """
    return jnp.logaddexp(to_operand(x1), to_operand(x2))


@op
def logaddexp2(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes `log2(2**x1 + 2**x2)` without overflow.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.logaddexp2(3.0, 3.0).tolist()
    4.0
    """
    return jnp.logaddexp2(to_operand(x1), to_operand(x2))
