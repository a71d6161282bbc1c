"""Functions that choose, find, sort and scatter elements."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cornu.ops._table import as_array, define, row

__all__ = [
    "argpartition",
    "argsort",
    "digitize",
    "get_item",
    "isin",
    "nonzero",
    "searchsorted",
    "select",
    "sort",
    "take",
    "take_along_axis",
    "unique",
    "unravel_index",
    "where",
]

# Choosing.
take = row(
    "take(x, indices, axis=None)",
    jnp.take,
    """The elements (or slices along an axis) at some indices.
    axis: the axis; None for the flat array.""",
)
take_along_axis = row(
    "take_along_axis(x, indices, axis=None)",
    jnp.take_along_axis,
    """The elements at indices that differ from place to place.
    indices: integers; the shape matches that of `x` except along the axis.""",
)
get_item = row(
    "get_item(x, key)",
    lambda x, key: as_array(x)[key],
    """The part x[key].
    key: an integer, slice, `...`, None or array, or a tuple of them.""",
)
where = row(
    "where(condition, x1=None, x2=None)",
    lambda condition, x1, x2: jnp.where(condition, x1, x2),
    """Elements of x1 where the condition holds, of x2 elsewhere.
    x1: an array; without it the indices where the condition holds are returned.
    x2: an array.""",
)
select = row(
    "select(condlist, choicelist, default=0)",
    lambda condlist, choicelist, default: jnp.select(
        [as_array(c) for c in condlist], [as_array(c) for c in choicelist], default
    ),
    """Elements of the choice that belongs to the first condition that holds.
    condlist: boolean arrays.
    choicelist: as many arrays.
    default: the value where no condition holds.""",
)

# Sorting.
sort = row("sort(x, axis=-1)", jnp.sort, "The elements in rising order.")
argpartition = row(
    "argpartition(x, kth, axis=-1)",
    lambda x, kth, axis: jnp.argpartition(
        *((jnp.ravel(x), kth, 0) if axis is None else (as_array(x), kth, axis))
    ),
    """The indices that put the k-th element where sorting would, smaller ones before it.
    kth: which element.""",
)
searchsorted = row(
    'searchsorted(sorted_sequence, values, side="left")',
    jnp.searchsorted,
    """The indices at which values could be inserted so that the order is kept.
    sorted_sequence: a vector in rising order.
    side: `"left"` or `"right"` of equal elements.""",
)
digitize = row(
    "digitize(x, bins)",
    lambda x, bins: jnp.digitize(as_array(x), as_array(bins)),
    """The number of the interval in which each element lies.
    bins: the borders of the intervals, in rising or falling order.""",
)
isin = row(
    "isin(x1, x2, assume_unique=False, invert=False)",
    jnp.isin,
    """Whether the elements of x1 occur in x2.
    x2: an array.
    assume_unique: whether no element occurs twice, which is faster.
    invert: whether to tell the opposite.""",
)
nonzero = row(
    "nonzero(x)",
    jnp.nonzero,
    "The indices of the elements that are not zero, one array per axis; needs concrete arrays.",
)
unique = row(
    "unique(x, sorted=True, return_index=False, return_inverse=False, return_counts=False, "
    "axis=None, size=None, fill_value=None)",
    lambda x, **options: jnp.unique(x, equal_nan=False, **options),
    """The different elements; needs concrete arrays unless `size` is given.
    sorted: whether they come in rising order.
    return_index: whether to return where each occurs first, too.
    return_inverse: whether to return which of them each element is, too.
    return_counts: whether to return how often each occurs, too.
    axis: the axis whose slices are compared; None for single elements.
    size: how many to return.
    fill_value: what fills the rest if there are fewer; the smallest by default.""",
)
unravel_index = row(
    "unravel_index(indices, shape)",
    jnp.unravel_index,
    """Indices into a flat array as indices into an array of a shape.
    shape: the shape.""",
)


@define
def argsort(x: Array, axis: int | None = -1) -> Array:
    """The indices that would put the elements in rising order; equal ones stay in order.

    Args:
        x: an array.
        axis: the axis; None for the flat array.
    """
    return jnp.argsort(x, axis=None if x.ndim == 0 else axis)


# Writing into arrays.
