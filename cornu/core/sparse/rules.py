"""Ops on sparse arrays: one table says which keep them sparse, and how they compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.sparse.arrays import is_sparse, to_bcoo, to_dense
from cornu.deviations import plain_formulations
from cornu.foreign import is_a

__all__ = ["RULES", "run_on_sparse"]

# What computes an op: `rule(function, *args, **kwargs)`. Sparse arguments have the format BCOO;
# `function` is that of the op, for dense arrays.
Rule = Callable[..., Any]


def _is_bcoo(x: Any) -> bool:
    return is_a(x, "jax", "BCOO")


def _like(x: Any, values: Any) -> Any:
    """Returns a sparse array with other values at the same positions."""
    from jax.experimental import sparse

    return sparse.BCOO(
        (values, x.indices),
        shape=x.shape,
        indices_sorted=x.indices_sorted,
        unique_indices=x.unique_indices,
    )


def _without_duplicates(x: Any) -> Any:
    """Returns an array that stores each position once; the number of entries remains."""
    return x if x.unique_indices else x.sum_duplicates(nse=x.nse, remove_zeros=False)


def _run_dense(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*to_dense(args), **to_dense(kwargs))


def _map_values(function: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """For functions f of one array with f(0) = 0: only the stored values change."""
    if not _is_bcoo(x) or x.n_dense:
        return _run_dense(function, x, *args, **kwargs)
    x = _without_duplicates(x)
    return _like(x, function(x.data, *args, **kwargs))


def _map_linear(function: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """For linear functions: positions may be stored several times."""
    if not _is_bcoo(x):
        return _run_dense(function, x, *args, **kwargs)
    return _like(x, function(x.data, *args, **kwargs))


def _is_scalar(x: Any) -> bool:
    return not is_sparse(x) and np.ndim(x) == 0


def _are_alike(x1: Any, x2: Any) -> bool:
    return (
        _is_bcoo(x1)
        and _is_bcoo(x2)
        and x1.shape == x2.shape
        and not (x1.n_batch or x1.n_dense or x2.n_batch or x2.n_dense)
    )


def _join(first: Any, second: Any, values: Any) -> Any:
    """Returns an array with the positions of both, and the values one after the other."""
    from jax.experimental import sparse

    return sparse.BCOO(
        (values, jnp.concatenate([first.indices, second.indices])), shape=first.shape
    )


def _add(function: Any, x1: Any, x2: Any) -> Any:
    if not _are_alike(x1, x2):
        return _run_dense(function, x1, x2)
    zero = np.zeros((), x2.dtype)
    dtype = jnp.result_type(x1.dtype, x2.dtype)
    # The second operand with its sign: that of a difference is negative.
    second = function(zero, x2.data)
    return _join(x1, x2, jnp.concatenate([x1.data.astype(dtype), second.astype(dtype)]))


def _select(function: Any, x1: Any, x2: Any) -> Any:
    """For functions f of two arrays with f(0, 0) = 0 that need the value of both."""
    if not _are_alike(x1, x2):
        return _run_dense(function, x1, x2)
    count = x1.nse + x2.nse
    zeros = jnp.zeros_like
    first = _join(x1, x2, jnp.concatenate([x1.data, zeros(x2.data, x1.dtype)]))
    second = _join(x1, x2, jnp.concatenate([zeros(x1.data, x2.dtype), x2.data]))
    # Sorted alike, because the positions are the same.
    first = first.sum_duplicates(nse=count, remove_zeros=False)
    second = second.sum_duplicates(nse=count, remove_zeros=False)
    return _like(first, function(first.data, second.data))


def _values_at(x: Any, dense: Any) -> Any:
    """Returns the values of a dense array at the positions of a sparse one, by broadcasting."""
    dense = jnp.asarray(dense)
    dense = dense.reshape((1,) * (len(x.shape) - dense.ndim) + dense.shape)
    indices = (x.indices[:, i] if size != 1 else 0 for i, size in enumerate(dense.shape))
    return dense[tuple(indices)]


def _broadcasts_to(x: Any, other: Any) -> bool:
    """Whether the shape of a dense array broadcasts to that of a sparse one."""
    if is_sparse(x) or other.n_batch or other.n_dense or np.ndim(x) > len(other.shape):
        return False
    sizes = zip(reversed(np.shape(x)), reversed(other.shape), strict=False)
    return all(size == 1 or size == whole for size, whole in sizes)


def _multiply(function: Any, x1: Any, x2: Any) -> Any:
    from jax.experimental import sparse

    x, other = (x1, x2) if _is_bcoo(x1) else (x2, x1)
    if _is_scalar(other):
        return _like(x, function(x.data, other))
    if _are_alike(x, other):
        return sparse.bcoo_multiply_sparse(_without_duplicates(x), _without_duplicates(other))
    if _broadcasts_to(other, x):
        return _like(x, function(x.data, _values_at(x, other)))
    return _run_dense(function, x1, x2)


def _divide(function: Any, x1: Any, x2: Any) -> Any:
    if not _is_bcoo(x1):
        return _run_dense(function, x1, x2)
    if _is_scalar(x2):
        return _like(x1, function(x1.data, x2))
    # Positions that are not stored remain 0, also where the divisor is 0.
    if _broadcasts_to(x2, x1):
        return _like(x1, function(x1.data, _values_at(x1, x2)))
    return _run_dense(function, x1, x2)


def _product(function: Any, *args: Any, **kwargs: Any) -> Any:
    """For sums of products, for which JAX has rules; the operands are never made dense."""
    from jax.experimental import sparse

    slots = [i for i, arg in enumerate(args) if is_sparse(arg) or np.ndim(arg)]

    def run(*arrays: Any) -> Any:
        filled = list(args)
        for slot, array in zip(slots, arrays, strict=True):
            filled[slot] = array
        return function(*filled, **kwargs)

    try:
        # JAX has no rule for formulations with gradients of their own.
        with plain_formulations():
            return sparse.sparsify(run)(*(args[slot] for slot in slots))
    except NotImplementedError as error:
        raise TypeError(f"{NOT_SUPPORTED}\n{error}") from error


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    """Returns axes as a sorted tuple of numbers >= 0."""
    count = len(x.shape)
    given = range(count) if axis is None else axis if isinstance(axis, Sequence) else (axis,)
    for one in given:
        if not -count <= one < count:
            raise ValueError(f"axis {one} is out of bounds for an array with {count} axes")
    return tuple(sorted(int(one) % count for one in given))


def _sum(function: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    from jax.experimental import sparse

    axes = _axes(x, axis)
    if x.dtype == bool:
        x = _like(x, x.data.astype(jnp.sum(x.data[:0]).dtype))
    total = sparse.bcoo_reduce_sum(x, axes=axes)
    if not keepdims:
        return total
    shape = tuple(1 if i in axes else size for i, size in enumerate(x.shape))
    kept = tuple(i for i in range(len(x.shape)) if i not in axes)
    return sparse.bcoo_broadcast_in_dim(total, shape=shape, broadcast_dimensions=kept)


def _mean(function: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    count = math.prod(x.shape[i] for i in _axes(x, axis))
    dtype = function(jnp.zeros((1,), x.dtype)).dtype
    total = _sum(function, _like(x, x.data.astype(jnp.promote_types(dtype, "float32"))), axis)
    if keepdims:
        total = _sum(function, _like(x, x.data.astype(total.dtype)), axis, True)
    return _like(total, (total.data / count).astype(dtype))


def _concatenate(function: Any, xs: Sequence[Any], axis: int = 0) -> Any:
    from jax.experimental import sparse

    if not all(map(_is_bcoo, xs)):
        return _run_dense(function, xs, axis)
    dtype = jnp.result_type(*(x.dtype for x in xs))
    same = [_like(x, x.data.astype(dtype)) for x in xs]
    return sparse.bcoo_concatenate(same, dimension=_axes(xs[0], axis)[0])


def _reshape(function: Any, x: Any, newshape: Any) -> Any:
    from jax.experimental import sparse

    sizes = [newshape] if isinstance(newshape, int) else list(newshape)
    if -1 in sizes:
        known = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = math.prod(x.shape) // known
    if all(isinstance(size, int) for size in (*sizes, *x.shape)) and (
        math.prod(sizes) != math.prod(x.shape)
    ):
        raise ValueError(f"cannot reshape array of shape {x.shape} into shape {newshape}")
    return sparse.bcoo_reshape(x, new_sizes=tuple(sizes))


def _expand_dims(function: Any, x: Any, axis: Any) -> Any:
    from jax.experimental import sparse

    given = tuple(axis) if isinstance(axis, Sequence) else (axis,)
    count = len(x.shape) + len(given)
    new = {one % count for one in given}
    kept = tuple(i for i in range(count) if i not in new)
    sizes = iter(x.shape)
    shape = tuple(1 if i in new else next(sizes) for i in range(count))
    return sparse.bcoo_broadcast_in_dim(x, shape=shape, broadcast_dimensions=kept)


def _squeeze(function: Any, x: Any, axis: Any = None) -> Any:
    from jax.experimental import sparse

    ones = [i for i, size in enumerate(x.shape) if isinstance(size, int) and size == 1]
    return sparse.bcoo_squeeze(x, dimensions=ones if axis is None else _axes(x, axis))


def _transpose(function: Any, x: Any, axes: Any = None) -> Any:
    from jax.experimental import sparse

    count = len(x.shape)
    order = reversed(range(count)) if axes is None else (one % count for one in axes)
    return sparse.bcoo_transpose(x, permutation=tuple(order))


def _call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """For functions that take sparse arrays themselves."""
    return function(*args, **kwargs)


def _take(function: Any, x: Any, indices: Any, *args: Any, **kwargs: Any) -> Any:
    """For sparse indices, of which those that are not stored are 0."""
    if is_sparse(x):
        raise TypeError(NOT_SUPPORTED)
    return _run_dense(function, x, indices, *args, **kwargs)


def _bincount(
    function: Any, x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False
) -> Any:
    """Counts the stored values, as in Keras."""
    if weights is not None and not (_is_bcoo(weights) and weights.indices.shape == x.indices.shape):
        raise ValueError("bincount: x and weights must be sparse arrays with the same indices.")
    return function(x.data, None if weights is None else weights.data, minlength, True)


_ZERO_AT_ZERO = (
    "abs absolute arcsin arcsinh arctan arctanh ceil elu expm1 floor isinf isnan leaky_relu "
    "log1p nan_to_num relu relu6 round selu sign signbit silu sin sinh softsign sqrt square tan "
    "tanh tanh_shrink trunc"
)
_LINEAR = "cast conj conjugate copy imag negative real"
_MADE_DENSE = (
    "all any arccos arccosh cos cosh digitize equal exp exp2 greater greater_equal isfinite less "
    "less_equal log log10 log2 logical_not not_equal reciprocal sigmoid softmax softplus"
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ZERO_AT_ZERO.split(), _map_values),
    **dict.fromkeys(_LINEAR.split(), _map_linear),
    **dict.fromkeys(_MADE_DENSE.split(), _run_dense),
    **dict.fromkeys(("dot", "einsum", "matmul", "tensordot"), _product),
    **dict.fromkeys(("add", "subtract"), _add),
    **dict.fromkeys(("maximum", "minimum"), _select),
    **dict.fromkeys(("max", "min"), _run_dense),
    **dict.fromkeys(("divide", "true_divide"), _divide),
    **dict.fromkeys(("take", "take_along_axis"), _take),
    "bincount": _bincount,
    "compute_mask": _call,
    "concatenate": _concatenate,
    "expand_dims": _expand_dims,
    "get_item": _call,
    "mean": _mean,
    "multiply": _multiply,
    "reshape": _reshape,
    "squeeze": _squeeze,
    "sum": _sum,
    "transpose": _transpose,
}
NOT_SUPPORTED = (
    "sparse arrays are not supported by this function.\nConvert it first: x.todense(), or "
    "x.toarray() for SciPy."
)


def run_on_sparse(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Calls the function of an op with sparse arguments.

    The result is sparse if it has about as many zeros as the arguments, and dense otherwise.

    Raises:
        TypeError: the op does not support sparse arrays.
    """
    if name not in RULES:
        raise TypeError(NOT_SUPPORTED)
    return RULES[name](function, *to_bcoo(args), **to_bcoo(kwargs))
