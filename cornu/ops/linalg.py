"""Linear algebra: factorizations, solutions, norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.errors import suggest_names
from cornu.ops.arguments import to_array, to_float, to_operand, to_pair
from cornu.ops.precision import is_half, widen
from cornu.types import Array, ArrayLike, Axes

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


@op
def det(x: ArrayLike) -> Array:
    """Computes the determinant of a matrix.

    Args:
        x: matrices, of shape (..., n, n).

    Example:

    >>> import cornu
    >>> cornu.ops.det([[1.0, 2.0], [3.0, 5.0]]).tolist()
    -1.0
    """
    return jnp.linalg.det(to_float(x))


@op
def inv(x: ArrayLike) -> Array:
    """Computes the inverse of a matrix.

    Args:
        x: matrices, of shape (..., n, n).

    Example:

    >>> import cornu
    >>> cornu.ops.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return jnp.linalg.inv(to_float(x))


@op
def pinv(x: ArrayLike, rcond: float | None = None) -> Array:
    """Computes the Moore-Penrose pseudoinverse.

    Args:
        x: matrices, of shape (..., rows, columns).
        rcond: singular values below this fraction of the largest count as zero.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.pinv([[2.0], [0.0]])).round(3))
    [[0.5 0. ]]
    """
    return jnp.linalg.pinv(to_operand(x), rcond=rcond)


@op
def logdet(x: ArrayLike) -> Array:
    """Computes the natural logarithm of the absolute value of the determinant.

    Args:
        x: matrices, of shape (..., n, n).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.logdet([[2.0, 0.0], [0.0, 3.0]])).round(3))
    1.792
    """
    return jnp.linalg.slogdet(to_operand(x))[1]


@op
def matrix_rank(x: ArrayLike, tol: float | None = None) -> Array:
    """Computes the rank of a matrix: the number of singular values that are not zero.

    Args:
        x: matrices, of shape (..., rows, columns).
        tol: singular values below this fraction of the largest count as zero.

    Example:

    >>> import cornu
    >>> int(cornu.ops.matrix_rank([[1.0, 2.0], [2.0, 4.0]]))
    1
    """
    return jnp.linalg.matrix_rank(to_operand(x), tol).astype("int32")


@op
def norm(
    x: ArrayLike, ord: int | float | str | None = None, axis: Axes = None, keepdims: bool = False
) -> Array:
    """Computes the norm of vectors or matrices.

    Args:
        x: an array.
        ord: for vectors a number p or infinity; for matrices `"fro"`, `"nuc"`, 1, 2 or infinity.
        axis: the axis of vectors, or the two axes of matrices; None for the whole array.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.norm([3.0, 4.0]).tolist()
    5.0
    """
    x = to_float(x)  # the sum of squares of a long vector exceeds float16
    result = jnp.linalg.norm(widen(x), ord=ord, axis=axis, keepdims=keepdims)
    return result.astype(x.dtype) if is_half(x.dtype) else result


@op
def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """Solves the linear system `a x = b`.

    Args:
        a: matrices, of shape (..., n, n).
        b: vectors (n,), or matrices (..., n, columns).

    Example:

    >>> import cornu
    >>> cornu.ops.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    return jnp.linalg.solve(to_operand(a), to_operand(b))


@op
def solve_triangular(a: ArrayLike, b: ArrayLike, lower: bool = False) -> Array:
    """Solves the linear system `a x = b` for a triangular matrix.

    Args:
        a: matrices, of shape (..., n, n).
        b: vectors (n,), or matrices (..., n, columns).
        lower: whether `a` is a lower triangular matrix; an upper one by default.

    Example:

    >>> import cornu
    >>> cornu.ops.solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True).tolist()
    [1.0, 2.0]
    """
    return jax.scipy.linalg.solve_triangular(to_operand(a), to_operand(b), lower=lower)


@op
def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> Array:
    """Computes the least-squares solution of the linear system `a x = b`.

    Args:
        a: a matrix, of shape (rows, columns).
        b: a vector (rows,), or a matrix (rows, n).
        rcond: singular values below this fraction of the largest count as zero.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.lstsq([[1.0, 0.0], [1.0, 1.0]], [1.0, 3.0])).round(3))
    [1. 2.]
    """
    return jnp.linalg.lstsq(to_operand(a), to_operand(b), rcond)[0]


@op
def cholesky(x: ArrayLike, upper: bool = False) -> Array:
    """Computes the lower triangular factor L of `x = L Lᵀ`.

    Args:
        x: symmetric positive definite matrices, of shape (..., n, n).
        upper: whether to return U of x = Uᵀ U.

    Raises:
        ValueError: a matrix is not positive definite (arrays only: compiled code returns NaN).

    Example:

    >>> import cornu
    >>> cornu.ops.cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    x = to_array(x)
    out = jnp.linalg.cholesky(x, upper=upper)
    # JAX returns NaN instead of raising; the values of tracers cannot be inspected.
    if not isinstance(out, jax.core.Tracer) and bool(jnp.isnan(out).any()):
        raise ValueError("cholesky: the matrix is not positive definite.")
    return out


@op
def cholesky_inverse(x: ArrayLike, upper: bool = False) -> Array:
    """Computes the inverse of a matrix from its Cholesky factor.

    Args:
        x: triangular matrices, of shape (..., n, n).
        upper: whether the matrices are upper triangular.

    Example:

    >>> import cornu
    >>> cornu.ops.cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    x = to_array(x)
    # With x = L, the inverse of L Lᵀ is (L⁻¹)ᵀ L⁻¹: one triangular solution and one product.
    half = jax.scipy.linalg.solve_triangular(
        x, jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape), lower=not upper
    )
    transposed = jnp.swapaxes(half, -1, -2)
    return half @ transposed if upper else transposed @ half


@op
def qr(x: ArrayLike, mode: str = "reduced") -> tuple[Array, Array]:
    """Computes the factors of `x = q r`: q has orthonormal columns, r is upper triangular.

    Args:
        x: matrices, of shape (..., rows, columns).
        mode: `"reduced"`, or `"complete"` for a square q.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> q, r = cornu.ops.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> print(np.asarray(q @ r).round(3))
    [[3. 1.]
     [4. 2.]]
    """
    x = to_array(x)
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode must be 'reduced' or 'complete'. Received: {mode!r}")
    # A plain tuple for the same reason as in `to_pair`.
    return tuple(jnp.linalg.qr(x, mode))


@op
def lu_factor(x: ArrayLike) -> tuple[Array, Array]:
    """Computes the LU factorization of a matrix.

    Args:
        x: matrices, of shape (..., rows, columns).

    Returns:
        The two factors in one matrix, and the pivots.

    Example:

    >>> import cornu
    >>> lu, pivots = cornu.ops.lu_factor([[4.0, 2.0], [2.0, 5.0]])
    >>> lu.tolist(), pivots.tolist()
    ([[4.0, 2.0], [0.5, 4.0]], [0, 1])
    """
    return jax.scipy.linalg.lu_factor(to_operand(x))


@op
def eig(x: ArrayLike) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of a matrix; on CPU only.

    Args:
        x: matrices, of shape (..., n, n).

    Returns:
        The complex eigenvalues, and the eigenvectors as columns.

    Example:

    >>> import cornu
    >>> values, vectors = cornu.ops.eig([[2.0, 0.0], [0.0, 3.0]])
    >>> values.real.tolist(), vectors.shape
    ([2.0, 3.0], (2, 2))
    """
    return to_pair(jnp.linalg.eig(to_operand(x)))


@op
def eigh(x: ArrayLike) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of a symmetric matrix.

    Args:
        x: matrices, of shape (..., n, n).

    Returns:
        The eigenvalues in ascending order, and the eigenvectors as columns.

    Example:

    >>> import cornu
    >>> values, vectors = cornu.ops.eigh([[2.0, 0.0], [0.0, 3.0]])
    >>> values.tolist(), vectors.shape
    ([2.0, 3.0], (2, 2))
    """
    return to_pair(jnp.linalg.eigh(to_operand(x)))


@op
def svd(x: ArrayLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Computes the singular value decomposition `x = u diag(s) v`.

    Args:
        x: matrices, of shape (..., rows, columns).
        full_matrices: whether `u` and `v` are square.
        compute_uv: whether to return `u` and `v`, not only `s`.

    Returns:
        (u, s, v), or s.

    Example:

    >>> import cornu
    >>> u, s, v = cornu.ops.svd([[3.0, 0.0], [0.0, 2.0]])
    >>> s.tolist(), u.shape, v.shape
    ([3.0, 2.0], (2, 2), (2, 2))
    """
    x = to_array(x)
    if compute_uv:
        return tuple(jnp.linalg.svd(x, full_matrices))
    return jnp.linalg.svd(x, compute_uv=False)


@op
def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Computes the value of a function and its Jacobian-vector product.

    Args:
        fun: a function of arrays.
        primals: the arguments of the function, a list or tuple.
        tangents: the tangent vectors, one for each argument and of the same shape.
        has_aux: whether `fun` returns (value, auxiliary data); the data are returned as a third
            value.

    Example:

    >>> import cornu
    >>> value, change = cornu.ops.jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(value), float(change)
    (9.0, 6.0)
    """
    return jax.jvp(fun, tuple(primals), tuple(tangents), has_aux=has_aux)


suggest_names(__name__, __all__)
