"""Rearranging axes by a pattern with names."""

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


def _groups(side: str) -> list[list[str]]:
    """Returns the names in each axis: "b (h w) c" is [["b"], ["h", "w"], ["c"]]."""
    return [re.findall(r"\w+", part) for part in re.findall(r"\([^)]*\)|\w+", side)]


@op
def rearrange(tensor: ArrayLike, pattern: str, **axes_lengths: int) -> Array:
    """Reorders, splits and joins axes that a pattern names.

    Args:
        tensor: an array.
        pattern: the axes before and after, joined axes in parentheses: `"b (h w) c -> b c h w"`.
        axes_lengths: sizes of split axes, by name; one in each parenthesis may be missing.

    Example:

    >>> import cornu
    >>> x = cornu.ops.zeros((2, 32, 32, 3))
    >>> cornu.ops.rearrange(x, "b (h p) (w q) c -> b (h w) (p q c)", p=8, q=8).shape
    (2, 16, 192)
    """
    tensor = to_array(tensor)
    sides = pattern.split("->")
    before, after = (_groups(side) for side in sides) if len(sides) == 2 else ([], [])
    names = [name for group in before for name in group]
    order = [name for group in after for name in group]
    if len(before) != tensor.ndim or sorted(names) != sorted(order) or len(set(names)) < len(names):
        raise ValueError(
            f"rearrange: {pattern!r} does not say where each axis of {tensor.shape} goes. "
            "Both sides have the same names, once each, and the left one a term for each axis."
        )
    sizes: dict[str, Any] = dict(axes_lengths)
    for group, size in zip(before, tensor.shape, strict=True):
        missing = [name for name in group if name not in sizes]
        if len(missing) > 1:
            raise ValueError(f"rearrange: the sizes of {missing} are needed, all but one.")
        for name in missing:
            sizes[name] = size // math.prod(sizes[other] for other in group if other != name)
    split = jnp.reshape(tensor, [sizes[name] for name in names])
    turned = jnp.transpose(split, [names.index(name) for name in order])
    return jnp.reshape(turned, [math.prod(sizes[name] for name in group) for group in after])
