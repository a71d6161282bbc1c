"""Functions that move elements without changing them: shapes, axes, pieces, repeats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu.ops._table import as_array, define, row
from cornu.ops.convert import shape

__all__ = [
    "append",
    "array_split",
    "broadcast_to",
    "concatenate",
    "copy",
    "diag",
    "diagflat",
    "diagonal",
    "dsplit",
    "dstack",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "hsplit",
    "hstack",
    "moveaxis",
    "ndim",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "size",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "trace",
    "transpose",
    "tril",
    "triu",
    "view",
    "vsplit",
    "vstack",
]


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of several arrays that takes lists as arrays."""

    def run(xs: Any, **options: Any) -> Any:
        return function([as_array(x) for x in xs], **options)

    return run


_SEVERAL = """
    xs: arrays."""
_CUT = """
    indices_or_sections: how many equal parts, or the indices at which the parts begin."""

# Shapes and axes.
reshape = row(
    "reshape(x, newshape)",
    jnp.reshape,
    """The same elements in another shape.
    newshape: the shape; one size may be -1, which is then found out.""",
)
ravel = row("ravel(x)", jnp.ravel, "All elements in one axis.")
broadcast_to = row("broadcast_to(x, shape)", jnp.broadcast_to, "The array repeated to a shape.")
expand_dims = row(
    "expand_dims(x, axis)",
    jnp.expand_dims,
    """Inserts axes of size 1.
    axis: where the new axes are in the result.""",
)
squeeze = row(
    "squeeze(x, axis=None)",
    jnp.squeeze,
    """Removes axes of size 1.
    axis: the axes; None for all of size 1.""",
)
transpose = row(
    "transpose(x, axes=None)",
    lambda x, axes: jnp.transpose(x, axes),
    """Puts the axes into another order.
    axes: which axis of the input each axis of the result is; reversed by default.""",
)
moveaxis = row(
    "moveaxis(x, source, destination)",
    jnp.moveaxis,
    """Moves axes to other places; the others keep their order.
    source: the axes to move.
    destination: where they go.""",
)
swapaxes = row("swapaxes(x, axis1, axis2)", jnp.swapaxes, "Exchanges two axes.")

# Together and apart.
concatenate = row(
    "concatenate(xs, axis=0)",
    _each(jnp.concatenate),
    "Joins arrays along an axis that they have." + _SEVERAL,
)
stack = row(
    "stack(x, axis=0)",
    _each(jnp.stack),
    """Joins arrays along a new axis.
    x: arrays of one shape.
    axis: where the new axis is in the result.""",
    as_is=("x",),
)
hstack = row("hstack(xs)", _each(jnp.hstack), "Joins along the second axis." + _SEVERAL)
vstack = row("vstack(xs)", _each(jnp.vstack), "Joins along the first axis." + _SEVERAL)
dstack = row("dstack(xs)", _each(jnp.dstack), "Joins along the third axis." + _SEVERAL)
append = row(
    "append(x1, x2, axis=None)",
    jnp.append,
    """Joins two arrays along an axis; flat if no axis is given.
    x2: an array.""",
)
split = row(
    "split(x, indices_or_sections, axis=0)", jnp.split, "Parts of equal size along an axis." + _CUT
)
array_split = row(
    "array_split(x, indices_or_sections, axis=0)",
    jnp.array_split,
    "Parts along an axis, whose sizes may differ by one." + _CUT,
)
hsplit = row("hsplit(x, indices_or_sections)", jnp.hsplit, "Parts along the second axis." + _CUT)
vsplit = row("vsplit(x, indices_or_sections)", jnp.vsplit, "Parts along the first axis." + _CUT)
dsplit = row("dsplit(x, indices_or_sections)", jnp.dsplit, "Parts along the third axis." + _CUT)

# Repeats and turns.
tile = row(
    "tile(x, repeats)",
    jnp.tile,
    """Repeats the whole array.
    repeats: how often along each axis.""",
)
repeat = row(
    "repeat(x, repeats, axis=None)",
    jnp.repeat,
    """Repeats each element.
    repeats: how often; one number, or one per element of the axis.
    axis: the axis; None for the flat array.""",
)
flip = row("flip(x, axis=None)", jnp.flip, "Reverses the order along axes.")
fliplr = row("fliplr(x)", jnp.fliplr, "Reverses the order along the second axis.")
flipud = row("flipud(x)", jnp.flipud, "Reverses the order along the first axis.")
rot90 = row(
    "rot90(array, k=1, axes=(0, 1))",
    jnp.rot90,
    """Turns by 90 degrees in the plane of two axes.
    k: how often.
    axes: the two axes; the turn is from the first towards the second.""",
)
roll = row(
    "roll(x, shift, axis=None)",
    jnp.roll,
    """Shifts elements along axes; what leaves at the end comes in at the start.
    shift: how far, for each axis.
    axis: the axes; None for the flat array.""",
)

# Diagonals and triangles.
diag = row("diag(x, k=0)", jnp.diag, "The diagonal of a matrix, or the matrix with a diagonal.")
diagflat = row("diagflat(x, k=0)", jnp.diagflat, "The matrix that has all elements as a diagonal.")
diagonal = row(
    "diagonal(x, offset=0, axis1=0, axis2=1)",
    jnp.diagonal,
    "The diagonals in the planes of two axes, along a new last axis.",
)
trace = row(
    "trace(x, offset=0, axis1=0, axis2=1)",
    jnp.trace,
    "The sums of the diagonals in the planes of two axes.",
)
tril = row("tril(x, k=0)", jnp.tril, "The matrix with zeros above a diagonal.")
triu = row(
    "triu(x, k=0)",
    jnp.triu,
    "The matrix with zeros below a diagonal.",
)

copy = row("copy(x)", jnp.copy, "A copy.")


@define
def pad(
    x: Array,
    pad_width: Any,
    mode: str = "constant",
    constant_values: float | None = None,
) -> Array:
    """Adds elements at the borders.

    Args:
        x: an array.
        pad_width: one number for all borders, (before, after) for all axes, or one such pair
            for each axis.
        mode: what is added: `"constant"`, `"edge"`, `"reflect"`, `"symmetric"`, `"wrap"` or
            another mode of `numpy.pad`.
        constant_values: the constant; 0 by default.
    """
    if constant_values is None:
        return jnp.pad(x, pad_width, mode)
    if mode != "constant":
        raise ValueError(f"pad: constant_values needs mode='constant'. Received: mode={mode!r}")
    return jnp.pad(x, pad_width, mode, constant_values=constant_values)


@define
def view(x: Array, dtype: Any = None) -> Array:
    """The same bytes read as another dtype; the last axis grows or shrinks accordingly.

    Args:
        x: an array.
        dtype: the dtype; that of the array by default.
    """
    return x.view(dtype)


def ndim(x: Any) -> int:
    """The number of axes.

    Args:
        x: an array, Variable or symbolic Tensor.
    """
    return len(shape(x))


@define
def size(x: Array) -> Any:
    """The number of elements.

    Args:
        x: an array.
    """
    return x.size
