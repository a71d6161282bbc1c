"""The base class of initializers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.state.dtypes import standardize_dtype
from cornu.core.state.initial_value import DeferrableInitializer
from cornu.registry import Configurable
from cornu.types import DTypeLike

__all__ = ["DerivedInitializer", "DeterministicInitializer", "Initializer", "numpy_dtype"]


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


class DeterministicInitializer(Initializer):
    """Base class of initializers that return the same values at each call."""

    def _freeze_(self) -> DeterministicInitializer:
        return self


class DerivedInitializer:
    """An initializer whose values are computed from those of another one.

    Args:
        base: the other initializer.
        derive: a function `(base, shape, dtype) -> values`.
    """

    def __init__(self, base: Callable[..., Any], derive: Callable[..., Any]) -> None:
        self._base = base
        self._derive = derive

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Any:
        # A copy, because the other one may be a function of the user.
        return np.array(self._derive(self._base, shape, dtype))

    def _freeze_(self) -> DerivedInitializer:
        base = self._base
        frozen = base._freeze_() if isinstance(base, DeferrableInitializer) else base
        return DerivedInitializer(frozen, self._derive)


def numpy_dtype(dtype: Any) -> np.dtype:
    """Returns the NumPy dtype for a name or dtype; the process-wide float type for `None`."""
    return jnp.dtype(standardize_dtype(dtype))
