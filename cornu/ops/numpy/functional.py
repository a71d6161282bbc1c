"""Functions that transform functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op

__all__ = [
    "vectorize",
]


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """Makes a function of arrays, with broadcasting, of a function of elements.

    Args:
        pyfunc: a function of elements (or of small arrays, with `signature`).
        excluded: positions or names of arguments that are given as they are.
        signature: the axes of the small arrays, as in `"(n,m),(m)->(n)"`.

    Example:

    >>> import cornu
    >>> cornu.ops.vectorize(lambda a, b: a * b)([1, 2], 3).tolist()
    [3, 6]
    """
    return op(jnp.vectorize(pyfunc, excluded=excluded or set(), signature=signature))
