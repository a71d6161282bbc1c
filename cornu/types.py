"""Type aliases of public signatures, in one place.

They describe what users pass: `ArrayLike` to functions, `ShapeLike` and `DTypeLike` to
constructors. Closed sets of names are unions of string literals, so that editors complete them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

__all__ = [
    "Array",
    "ArrayLike",
    "Config",
    "DTypeLike",
    "DataFormat",
    "PyTree",
    "Shape",
    "ShapeLike",
]

Array: TypeAlias = jax.Array
# What JAX converts to an array; lists are accepted by layers and ops as in NumPy.
ArrayLike: TypeAlias = (
    "jax.Array | np.ndarray | np.generic | bool | int | float | complex | Sequence[Any]"
)
# None is an axis whose size is not known before data arrives.
Shape: TypeAlias = tuple[int | None, ...]
ShapeLike: TypeAlias = Sequence[int | None]
DTypeLike: TypeAlias = "str | np.dtype[Any] | type[Any]"
DataFormat: TypeAlias = Literal["channels_first", "channels_last"]
# Nested lists, tuples and dicts of anything.
PyTree: TypeAlias = Any
# Constructor arguments as plain data, as `get_config` returns them.
Config: TypeAlias = dict[str, Any]
