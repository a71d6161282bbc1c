"""The base class of initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.state.dtypes import standardize_dtype
from cornu.registry import Configurable
from cornu.types import DTypeLike

__all__ = ["Initializer", "numpy_dtype"]


class Initializer(Configurable):
    """Base class of initializers: functions of a shape and a dtype that return initial values.

    Example:

    >>> import numpy as np
    >>> class Ramp(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    >>> Ramp()((2, 2), "float32").tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """

    _category_ = "initializers"

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        """Returns the initial values of a Variable of the given shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} does not define `__call__`.")

    def clone(self) -> Initializer:
        """Returns a new initializer with the same configuration."""
        return type(self).from_config(self.get_config())


def numpy_dtype(dtype: Any) -> np.dtype:
    """Returns the NumPy dtype for a name or dtype; the process-wide float type for `None`."""
    return jnp.dtype(standardize_dtype(dtype))
