"""Trigonometric and hyperbolic functions, element by element."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_float, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "deg2rad",
    "i0",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
]


@op
def sin(x: ArrayLike) -> Array:
    """Computes the sine.

    Args:
        x: angles in radians.

    Example:

    >>> import cornu
    >>> cornu.ops.sin([0.0]).tolist()
    [0.0]
    """
    return jnp.sin(to_float(x))


@op
def cos(x: ArrayLike) -> Array:
    """Computes the cosine.

    Args:
        x: angles in radians.

    Example:

    >>> import cornu
    >>> cornu.ops.cos([0.0]).tolist()
    [1.0]
    """
    return jnp.cos(to_float(x))


@op
def tan(x: ArrayLike) -> Array:
    """Computes the tangent.

    Args:
        x: angles in radians.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.tan([0.0, 1.0])).round(3))
    [0.    1.557]
    """
    return jnp.tan(to_float(x))


@op
def arcsin(x: ArrayLike) -> Array:
    """Computes the inverse sine: an angle in [-π/2, π/2], in radians.

    Args:
        x: numbers from -1 to 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.arcsin([0.0, 1.0])).round(3))
    [0.    1.571]
    """
    return jnp.arcsin(to_float(x))


@op
def arccos(x: ArrayLike) -> Array:
    """Computes the inverse cosine: an angle in [0, π], in radians.

    Args:
        x: numbers from -1 to 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.arccos([1.0, -1.0])).round(3))
    [0.    3.142]
    """
    return jnp.arccos(to_float(x))


@op
def arctan(x: ArrayLike) -> Array:
    """Computes the inverse tangent: an angle in [-π/2, π/2], in radians.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.arctan([0.0, 1.0])).round(3))
    [0.    0.785]
    """
    return jnp.arctan(to_float(x))


@op
def arctan2(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the angle of the point (x2, x1) from the positive x-axis, in (-π, π].

    Args:
        x1: the y-coordinates.
        x2: the x-coordinates; the shape must broadcast with that of `x1`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.arctan2([1.0, 0.0], [0.0, -1.0])).round(3))
    [1.571 3.142]
    """
    return jnp.arctan2(to_operand(x1), to_operand(x2))


@op
def sinh(x: ArrayLike) -> Array:
    """Computes the hyperbolic sine.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.sinh([0.0, 1.0])).round(3))
    [0.    1.175]
    """
    return jnp.sinh(to_float(x))


@op
def cosh(x: ArrayLike) -> Array:
    """Computes the hyperbolic cosine.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.cosh([0.0, 1.0])).round(3))
    [1.    1.543]
    """
    return jnp.cosh(to_float(x))


@op
def tanh(x: ArrayLike) -> Array:
    """Computes the hyperbolic tangent.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.tanh([0.0]).tolist()
    [0.0]
    """
    return jnp.tanh(to_float(x))


@op
def arcsinh(x: ArrayLike) -> Array:
    """Computes the inverse hyperbolic sine.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.arcsinh([0.0, 1.0])).round(3))
    [0.    0.881]
    """
    return jnp.arcsinh(to_float(x))


@op
def arccosh(x: ArrayLike) -> Array:
    """Computes the inverse hyperbolic cosine.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.arccosh([1.0]).tolist()
    [0.0]
    """
    return jnp.arccosh(to_float(x))


@op
def arctanh(x: ArrayLike) -> Array:
    """Computes the inverse hyperbolic tangent.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.arctanh([0.0, 0.5])).round(3))
    [0.    0.549]
    """
    return jnp.arctanh(to_float(x))


@op
def sinc(x: ArrayLike) -> Array:
    """Computes the normalized sinc function `sin(πx) / (πx)`, 1 at zero.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.sinc([0.0, 0.5])).round(3))
    [1.    0.637]
    """
    return jnp.sinc(to_float(x))


@op
def deg2rad(x: ArrayLike) -> Array:
    """Converts angles from degrees to radians.

    Args:
        x: angles in degrees.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.deg2rad([0.0, 180.0])).round(3))
    [0.    3.142]
    """
    return jnp.deg2rad(to_float(x))


@op
def rad2deg(x: ArrayLike) -> Array:
    """Converts angles from radians to degrees.

    Args:
        x: angles in radians.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.rad2deg([0.0, 3.1415927])).round(2))
    [  0. 180.]
    """
    return jnp.rad2deg(to_float(x))


@op
def i0(x: ArrayLike) -> Array:
    """Computes the modified Bessel function of the first kind, of order 0.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.i0([0.0, 1.0])).round(3))
    [1.    1.266]
    """
    return jnp.i0(to_float(x))
