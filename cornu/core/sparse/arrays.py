"""Recognition and conversion of sparse arrays of JAX and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.sparse.rows import SparseRows
from cornu.foreign import is_a

__all__ = [
    "cast_sparse",
    "is_sparse",
    "map_sparse",
    "sparse_spec",
    "stored_values",
    "to_bcoo",
    "to_dense",
    "to_rows",
]


def is_sparse(x: object) -> bool:
    """Whether an object is a sparse array of JAX or SciPy, or the rows of one."""
    return (
        isinstance(x, SparseRows)
        or is_a(x, "jax", "JAXSparse")
        or is_a(x, "scipy", "spmatrix", "sparray")
    )


def to_dense(structure: Any) -> Any:
    """Returns a nested structure with dense arrays in place of sparse ones."""
    return map_sparse(_densify, structure)


def to_bcoo(structure: Any) -> Any:
    """Returns a nested structure with arrays of the format BCOO in place of other sparse ones."""
    return map_sparse(_to_bcoo, structure)


def to_rows(structure: Any) -> Any:
    """Returns a nested structure with SparseRows in place of sparse arrays.

    Their shapes depend little on the numbers of entries, so that one program serves many arrays.
    """
    return map_sparse(_to_rows, structure)


def cast_sparse(x: Any, dtype: Any) -> Any:
    """Returns a sparse array as a BCOO with another dtype.

    Unlike the method of JAX, it also casts booleans.
    """
    x = _to_bcoo(x)
    if x.dtype == dtype or jnp.issubdtype(x.dtype, jnp.complexfloating):
        return x
    return type(x)(
        (x.data.astype(dtype), x.indices),
        shape=x.shape,
        indices_sorted=x.indices_sorted,
        unique_indices=x.unique_indices,
    )


def map_sparse(function: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to the sparse arrays in nested lists, tuples and dicts."""
    if isinstance(structure, (np.ndarray, jax.Array, str)):
        return structure
    if isinstance(structure, (list, tuple)):
        items = [map_sparse(function, item) for item in structure]
        if all(new is old for new, old in zip(items, structure, strict=True)):
            return structure
        kind = type(structure)
        return kind(*items) if hasattr(structure, "_fields") else kind(items)
    if isinstance(structure, dict):
        return {key: map_sparse(function, item) for key, item in structure.items()}
    return function(structure) if is_sparse(structure) else structure


def _densify(x: Any) -> Any:
    if isinstance(x, SparseRows):
        x = x.to_bcoo()
    if not is_a(x, "jax", "JAXSparse"):
        return jnp.asarray(x.toarray())
    # JAX adds values of equal positions, which it refuses for booleans.
    if x.dtype == bool and is_a(x, "jax", "BCOO"):
        numbers = type(x)((x.data.astype("int8"), x.indices), shape=x.shape)
        return numbers.todense().astype(bool)
    return x.todense()


def _to_bcoo(x: Any) -> Any:
    if isinstance(x, SparseRows):
        return x.to_bcoo()
    if is_a(x, "jax", "BCOO"):
        return x
    if is_a(x, "jax", "BCSR"):
        return x.to_bcoo()
    from jax.experimental import sparse

    if is_a(x, "jax", "JAXSparse"):
        return sparse.BCOO.fromdense(x.todense())
    return sparse.BCOO.from_scipy_sparse(x.tocoo())


def _to_rows(x: Any) -> Any:
    if isinstance(x, SparseRows) or not x.ndim:
        return x
    x = _to_bcoo(x)
    if x.n_batch or x.n_dense:
        x = x.update_layout(n_batch=0, n_dense=0)
    positions, values = np.asarray(x.indices), np.asarray(x.data)
    # JAX pads the entries of an array with positions outside of it.
    inside = (positions < np.asarray(x.shape)).all(axis=1)
    return SparseRows.from_entries(values[inside], positions[inside], x.shape)


def stored_values(x: Any) -> Any:
    """Returns an array whose values are those of `x`, apart from zeros that it does not store."""
    if isinstance(x, SparseRows):
        return x.values
    return x.data if is_a(x, "jax", "JAXSparse") else x


def sparse_spec(shape: tuple[Any, ...], dtype: Any) -> Any:
    """Returns a BCOO with specs in place of arrays, for abstract tracing."""
    from jax.experimental import sparse

    layout = {"shape": shape, "indices_sorted": False, "unique_indices": False}
    values = jax.ShapeDtypeStruct((1,), dtype)
    indices = jax.ShapeDtypeStruct((1, len(shape)), "int32")
    return sparse.BCOO.tree_unflatten(layout, (values, indices))
