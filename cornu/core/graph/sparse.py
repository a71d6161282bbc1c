"""Sparse arrays of JAX and SciPy as arguments: ops compute with them, layers convert them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from cornu.foreign import is_a

__all__ = ["is_sparse", "run_on_sparse", "to_dense"]

# Functions of one array that map 0 to 0, so that only the stored values change.
_OF_VALUES = frozenset(
    "abs absolute arcsin arcsinh arctan arctanh cast ceil conj conjugate elu expm1 floor imag "
    "leaky_relu log1p negative real relu relu6 round selu sign silu sin sinh softsign sqrt square "
    "tan tanh tanh_shrink trunc".split()
)
# Linear in the array, or rearrangements of it, for which JAX has rules.
_BY_RULES = frozenset(
    "add concatenate divide dot einsum expand_dims matmul mean multiply reshape squeeze subtract "
    "sum tensordot transpose true_divide".split()
)
# The result has few zeros.
_DENSE = frozenset(
    "all any arccos arccosh cos cosh equal exp exp2 greater greater_equal isfinite isinf isnan "
    "less less_equal log log10 log2 logical_not max maximum min minimum not_equal reciprocal "
    "sigmoid softmax softplus".split()
)


def is_sparse(x: object) -> bool:
    """Whether an object is a sparse array of JAX or SciPy."""
    return is_a(x, "jax", "JAXSparse") or is_a(x, "scipy", "spmatrix", "sparray")


def to_dense(structure: Any) -> Any:
    """Returns a nested structure with dense arrays in place of sparse ones."""
    if isinstance(structure, (jax.Array, str)):
        return structure
    if isinstance(structure, (list, tuple)):
        items = [to_dense(item) for item in structure]
        if all(new is old for new, old in zip(items, structure, strict=True)):
            return structure
        kind = type(structure)
        return kind(*items) if hasattr(structure, "_fields") else kind(items)
    if isinstance(structure, dict):
        return {key: to_dense(item) for key, item in structure.items()}
    if is_a(structure, "jax", "JAXSparse"):
        return structure.todense()
    return jnp.asarray(structure.toarray()) if is_sparse(structure) else structure


def run_on_sparse(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Calls the function of an op with sparse arguments.

    The result is sparse if it has as many zeros as the argument, and dense otherwise.

    Raises:
        TypeError: the op does not support sparse arrays.
    """
    from jax.experimental import sparse

    if name in _OF_VALUES and isinstance(args[0], sparse.BCOO):
        x = args[0] if args[0].unique_indices else args[0].sum_duplicates(nse=args[0].nse)
        values = function(x.data, *args[1:], **kwargs)
        return sparse.BCOO(
            (values, x.indices),
            shape=x.shape,
            indices_sorted=x.indices_sorted,
            unique_indices=x.unique_indices,
        )
    if name in _BY_RULES:
        try:
            return sparse.sparsify(lambda *given: function(*given, **kwargs))(*args)
        except (NotImplementedError, TypeError, ValueError):
            return function(*to_dense(args), **to_dense(kwargs))
    if name in _DENSE or name in _OF_VALUES:
        return function(*to_dense(args), **to_dense(kwargs))
    raise TypeError(
        "sparse arrays are not supported by this function.\nConvert it first: x.todense(), or "
        "x.toarray() for SciPy."
    )
