"""Linear algebra: factorizations, solutions, norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jax import Array

from cornu.ops._table import define, floats, row

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "jvp",
    "logdet",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]

_MATRIX = """
    x: matrices, of shape (..., n, n)."""
_MATRICES = """
    x: matrices, of shape (..., rows, columns)."""

det = row("det(x)", floats(jnp.linalg.det), "The determinant." + _MATRIX)
inv = row("inv(x)", floats(jnp.linalg.inv), "The inverse." + _MATRIX)
eig = row(
    "eig(x)",
    lambda x: tuple(jnp.linalg.eig(x)),
    "The eigenvalues and eigenvectors (in columns), complex; on CPU only." + _MATRIX,
)
eigh = row(
    "eigh(x)",
    lambda x: tuple(jnp.linalg.eigh(x)),
    "The eigenvalues, rising, and eigenvectors (in columns) of symmetric matrices." + _MATRIX,
)
logdet = row(
    "logdet(x)",
    lambda x: jnp.linalg.slogdet(x)[1],
    "The logarithm of the absolute value of the determinant." + _MATRIX,
)
svd = row(
    "svd(x, full_matrices=True, compute_uv=True)",
    lambda x, full_matrices, compute_uv: (
        tuple(jnp.linalg.svd(x, full_matrices))
        if compute_uv
        else jnp.linalg.svd(x, compute_uv=False)
    ),
    """The factors u, s, v of x = u diag(s) v.
    full_matrices: whether u and v are square.
    compute_uv: whether to return u and v, not only s."""
    + _MATRICES,
)
lu_factor = row(
    "lu_factor(x)", jsl.lu_factor, "The LU factors in one matrix, and the pivots." + _MATRICES
)
matrix_rank = row(
    "matrix_rank(x, tol=None)",
    lambda x, tol: jnp.linalg.matrix_rank(x, tol).astype("int32"),
    """The number of singular values that are not zero.
    tol: the largest that counts as zero, as a fraction of the largest of all."""
    + _MATRICES,
)
pinv = row(
    "pinv(x, rcond=None)",
    lambda x, rcond: jnp.linalg.pinv(x, rcond),
    """The Moore-Penrose inverse.
    rcond: singular values below this fraction of the largest count as zero."""
    + _MATRICES,
)
solve = row(
    "solve(a, b)",
    jnp.linalg.solve,
    """The solution x of a x = b.
    a: matrices, of shape (..., n, n).
    b: vectors (n,), or matrices (..., n, columns).""",
)
solve_triangular = row(
    "solve_triangular(a, b, lower=False)",
    jsl.solve_triangular,
    """The solution x of a x = b where a is triangular.
    a: matrices, of shape (..., n, n).
    b: vectors (n,), or matrices (..., n, columns).
    lower: whether a is zero above the diagonal, not below.""",
)
lstsq = row(
    "lstsq(a, b, rcond=None)",
    lambda a, b, rcond: jnp.linalg.lstsq(a, b, rcond)[0],
    """The x for which the length of a x - b is smallest.
    a: a matrix, of shape (rows, columns).
    b: a vector (rows,), or a matrix (rows, n).
    rcond: singular values below this fraction of the largest count as zero.""",
)
norm = row(
    "norm(x, ord=None, axis=None, keepdims=False)",
    floats(jnp.linalg.norm),
    """The norm of vectors or matrices.
    ord: for vectors a number p or infinity; for matrices `"fro"`, `"nuc"`, 1, 2 or infinity.
    axis: the axis of vectors, or the two axes of matrices; None for the whole array.""",
)


@define
def cholesky(x: Array, upper: bool = False) -> Array:
    """The triangular factor L of x = L Lᵀ.

    Args:
        x: symmetric positive definite matrices, of shape (..., n, n).
        upper: whether to return U of x = Uᵀ U.

    Raises:
        ValueError: a matrix is not positive definite (arrays only: compiled code returns NaN).
    """
    out = jnp.linalg.cholesky(x, upper=upper)
    if not isinstance(out, jax.core.Tracer) and bool(jnp.isnan(out).any()):
        raise ValueError("cholesky: the matrix is not positive definite.")
    return out


@define
def cholesky_inverse(x: Array, upper: bool = False) -> Array:
    """The inverse of a matrix that is given by its Cholesky factor.

    Args:
        x: triangular matrices, of shape (..., n, n).
        upper: whether they are upper ones.
    """
    half = jsl.solve_triangular(
        x, jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape), lower=not upper
    )
    turned = jnp.swapaxes(half, -1, -2)
    return half @ turned if upper else turned @ half


@define
def qr(x: Array, mode: str = "reduced") -> tuple[Array, Array]:
    """The factors q, r of x = q r: q has orthonormal columns, r is triangular.

    Args:
        x: matrices, of shape (..., rows, columns).
        mode: `"reduced"`, or `"complete"` for a square q.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode is 'reduced' or 'complete'. Received: {mode!r}")
    return tuple(jnp.linalg.qr(x, mode))


@define
def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """What a function returns, and how it changes along a direction.

    Args:
        fun: a function of arrays.
        primals: its arguments, a list or tuple.
        tangents: the direction, arrays like the arguments.
        has_aux: whether `fun` returns something beside, which is returned as a third value.

    Example:

    >>> import cornu
    >>> value, change = cornu.ops.jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(value), float(change)
    (9.0, 6.0)
    """
    return jax.jvp(fun, tuple(primals), tuple(tangents), has_aux=has_aux)
