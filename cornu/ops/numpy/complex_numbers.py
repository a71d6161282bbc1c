"""Parts of complex numbers, element by element."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_float, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "angle",
    "conj",
    "conjugate",
    "imag",
    "isreal",
    "real",
]


@op
def real(x: ArrayLike) -> Array:
    """Returns the real part of each element.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.real(np.array([1 + 2j])).tolist()
    [1.0]
    """
    return jnp.real(to_operand(x))


@op
def imag(x: ArrayLike) -> Array:
    """Returns the imaginary part of each element.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.imag(np.array([1 + 2j])).tolist()
    [2.0]
    """
    return jnp.imag(to_operand(x))


@op
def conjugate(x: ArrayLike) -> Array:
    """Computes the complex conjugate of each element.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.conjugate(np.array([1 + 2j])).tolist()
    [(1-2j)]
    """
    return jnp.conjugate(to_operand(x))


@op
def conj(x: ArrayLike) -> Array:
    """Computes the complex conjugate of each element; the same as `conjugate`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.conj(np.array([1 + 2j])).tolist()
    [(1-2j)]
    """
    return jnp.conjugate(to_operand(x))


@op
def angle(x: ArrayLike) -> Array:
    """Computes the angle of each complex number, in radians.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.angle(np.array([1, 1j, -1]))).round(3))
    [0.    1.571 3.142]
    """
    return jnp.angle(to_float(x))


@op
def isreal(x: ArrayLike) -> Array:
    """Tests whether the imaginary part of each element is zero.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.isreal(np.array([1 + 0j, 1j])).tolist()
    [True, False]
    """
    return jnp.isreal(to_operand(x))
