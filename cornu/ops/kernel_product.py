"""The product of inputs and a kernel, with a faster gradient of the kernel on CPU."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from cornu.core.state import placement
from cornu.core.target import applies

__all__ = ["einsum_axes", "is_product", "multiply"]

# Letters of the inputs, of the kernel and of the result, as in "...x,xyz->...yz".
_EQUATION = re.compile(r"((?:\.\.\.)?)([A-Za-z]+),([A-Za-z]+)->((?:\.\.\.)?[A-Za-z]+)")
_DTYPES = ("float32", "float64")


def is_product(x: Array, kernel: Array, axes: int = 1) -> bool:
    """Returns whether `multiply` should compute the product: its arrays are valid, and on a CPU.

    Not with a distribution, because `multiply` merges the axes of x, one of which may be divided:
    devices would exchange it.
    """
    return (
        x.dtype == kernel.dtype
        and x.dtype in _DTYPES
        and min(x.ndim, kernel.ndim) > axes > 0
        and x.shape[x.ndim - axes :] == kernel.shape[:axes]
        and applies("kernel_gradient")
        and placement.current() is None
    )


class _Equation(NamedTuple):
    """An einsum that is a product of inputs and a kernel; `axes` is 0 for others."""

    has_ellipsis: bool
    x_rank: int
    kernel_rank: int
    axes: int


def einsum_axes(equation: str, x_rank: int, kernel_rank: int) -> int:
    """Returns the number of axes over which an einsum is a product of inputs and a kernel.

    These are the last axes of the inputs and the first ones of the kernel, and the result has the
    other axes in their order. The number is 0 for all other equations.

    Args:
        equation: such as `"abc,cde->abde"`, which is a product over one axis.
        x_rank, kernel_rank: the ranks of the two arrays.
    """
    found = _parse(equation)
    fits = x_rank >= found.x_rank if found.has_ellipsis else x_rank == found.x_rank
    return found.axes if fits and kernel_rank == found.kernel_rank else 0


@cache
def _parse(equation: str) -> _Equation:
    found = _EQUATION.fullmatch(equation.replace(" ", ""))
    if found is None:
        return _Equation(False, 0, 0, 0)
    ellipsis, inputs, kernel, result = found.groups()
    axes = next((n for n in range(1, len(kernel)) if inputs.endswith(kernel[:n])), 0)
    rows = inputs[: len(inputs) - axes]
    distinct = len({*inputs, *kernel}) == len(inputs) + len(kernel) - axes
    is_product = axes > 0 and distinct and ellipsis + rows + kernel[axes:] == result
    return _Equation(bool(ellipsis), len(inputs), len(kernel), axes if is_product else 0)


def multiply(x: Array, kernel: Array, axes: int = 1) -> Array:
    """Returns the product over the last axes of x and the first axes of the kernel.

    Args:
        x: an array of shape (..., *features).
        kernel: an array of shape (*features, *columns).
        axes: the number of axes of the features.
    """
    rows, columns = x.shape[: x.ndim - axes], kernel.shape[axes:]
    features = math.prod(kernel.shape[:axes])
    product = _multiply(x.reshape(*rows, features), kernel.reshape(features, math.prod(columns)))
    return product.reshape(*rows, *columns)


# The gradient of the kernel is `x.T @ d`. `jax.grad` computes it as `(d.T @ x).T`, which XLA
# rewrites to a product whose operands are both transposed. YNNPACK does not compute these, and with
# XLA's other library they take twice as long. A barrier keeps one transposed array in memory.
# Without the barriers around x and dy, what is transposed would be computed again: with residual
# connections, d is a sum of the gradients of all later blocks. `kept_barriers` lets them stay.
@jax.custom_jvp
def _multiply(x: Array, kernel: Array) -> Array:
    return jnp.matmul(x, kernel)


def _multiply_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x, kernel), (dx, dkernel) = primals, tangents
    x = lax.optimization_barrier(x)
    y = jnp.matmul(x, kernel)
    dy = None if isinstance(dx, SymbolicZero) else jnp.matmul(dx, kernel)
    if not isinstance(dkernel, SymbolicZero):
        product = _multiply_tangent(x, dkernel)
        dy = product if dy is None else dy + product
    return y, jnp.zeros_like(y) if dy is None else lax.optimization_barrier(dy)


def _multiply_tangent(x: Array, dkernel: Array) -> Array:
    """Returns `x @ dkernel`, whose transposition is the gradient of the kernel."""
    features, columns = dkernel.shape
    if columns < features and x.ndim > 2:
        # XLA transposes d, which is smaller than x.
        return jnp.matmul(x, lax.optimization_barrier(dkernel.T).T)
    transposed = lax.optimization_barrier(x.reshape(-1, features).T)
    product = lax.dot_general(transposed, dkernel, (((0,), (0,)), ((), ())))
    return product.reshape(*x.shape[:-1], columns)


_multiply.defjvp(_multiply_jvp, symbolic_zeros=True)
