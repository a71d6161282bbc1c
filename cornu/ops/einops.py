"""Rearrangement of axes by a pattern of names."""

from __future__ import annotations

import math
import re
from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.types import Array, ArrayLike

__all__ = [
    "rearrange",
]


def _parse_groups(side: str) -> list[list[str]]:
    """Returns the names in each axis: "b (h w) c" is [["b"], ["h", "w"], ["c"]]."""
    return [re.findall(r"\w+", part) for part in re.findall(r"\([^)]*\)|\w+", side)]


@op
def rearrange(tensor: ArrayLike, pattern: str, **axes_lengths: int) -> Array:
    """Reorders, splits and merges axes as described by a pattern.

    Args:
        tensor: an array.
        pattern: the axes of the input and of the result, merged axes in parentheses:
            `"b (h w) c -> b c h w"`.
        axes_lengths: the sizes of split axes by name; one per parenthesis may be omitted.

    Example:

    >>> import cornu
    >>> x = cornu.ops.zeros((2, 32, 32, 3))
    >>> cornu.ops.rearrange(x, "b (h p) (w q) c -> b (h w) (p q c)", p=8, q=8).shape
    (2, 16, 192)

    Fixes: runs in compiled functions; Keras 3.15 on JAX raises an error there for patterns that
    merge or split axes.
    """
    tensor = to_array(tensor)
    sides = pattern.split("->")
    before, after = (_parse_groups(side) for side in sides) if len(sides) == 2 else ([], [])
    names = [name for group in before for name in group]
    order = [name for group in after for name in group]
    if len(before) != tensor.ndim or sorted(names) != sorted(order) or len(set(names)) < len(names):
        raise ValueError(
            f"rearrange: the pattern {pattern!r} does not match an array of shape {tensor.shape}. "
            "Both sides must contain the same names, once each, and the left side one term per "
            "axis."
        )
    sizes: dict[str, Any] = dict(axes_lengths)
    for group, size in zip(before, tensor.shape, strict=True):
        missing = [name for name in group if name not in sizes]
        if len(missing) > 1:
            raise ValueError(f"rearrange: specify the sizes of all but one of {missing}.")
        for name in missing:
            # A remainder is not checked here: `jnp.reshape` reports sizes that do not divide.
            sizes[name] = size // math.prod(sizes[other] for other in group if other != name)
    # Split all axes, reorder the parts, and merge them again.
    split = jnp.reshape(tensor, [sizes[name] for name in names])
    transposed = jnp.transpose(split, [names.index(name) for name in order])
    return jnp.reshape(transposed, [math.prod(sizes[name] for name in group) for group in after])
