"""Accumulator: a Variable whose running sum does not lose small terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.state import scope
from cornu.core.state.variable import Variable, read_value
from cornu.types import ArrayLike, ShapeLike

__all__ = ["Accumulator", "add_compensated", "zeros"]


class Accumulator(Variable):
    """A float32 Variable to which `assign_add` adds without losing small terms.

    A plain float32 sum of ones stops at 2**24, because 2**24 + 1 rounds to 2**24. An Accumulator
    keeps the rounding error in a second Variable, `residual`, and adds it to later sums. The
    value is the sum rounded once: counts are exact up to about 2**48.

    In a function of `pure` that is given the Accumulator and not its residual, such as
    `Metric.stateless_update_state`, `assign_add` is that of a plain Variable.

    Args:
        initializer, shape, **kwargs: see `Variable`.

    Example:

    >>> total = Accumulator(2.0**24, name="total")
    >>> for _ in range(3):
    ...     _ = total.assign_add(1)
    >>> float(total) - 2**24, float(total.residual)
    (4.0, -1.0)
    """

    __slots__ = ("residual",)

    def __init__(
        self,
        initializer: ArrayLike | Callable[..., Any],
        shape: int | ShapeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(initializer, shape, dtype="float32", **kwargs)
        self.residual = Variable(
            zeros(self.shape, "float32"),
            trainable=False,
            aggregation=self.aggregation,
            name=f"{self.name}_residual",
            role=self.role,
        )

    @property
    def _parts_(self) -> tuple[Variable, ...]:
        """The Variable and its residual."""
        return self, self.residual

    def assign(self, value: ArrayLike) -> jax.Array:
        """Replaces the value, and returns the new one."""
        assigned = super().assign(value)
        if self._has_residual():
            self.residual.assign(zeros(self.shape, "float32"))
        return assigned

    def assign_add(self, value: ArrayLike) -> jax.Array:
        """Adds `value` to the current value, and returns the sum."""
        if not self._has_residual():
            return super().assign_add(value)
        current = scope.current()
        high: jax.Array = current.read(self)
        low = current.read(self.residual)
        for part in _float32_parts(value):
            high, low = add_compensated(high, low, part)
        self._assign(high)
        self.residual._assign(low)
        return high

    def assign_sub(self, value: ArrayLike) -> jax.Array:
        """Subtracts `value` from the current value, and returns the difference."""
        return self.assign_add(-read_value(value))

    def __deepcopy__(self, memo: dict[int, Any]) -> Accumulator:
        copied = super().__deepcopy__(memo)
        assert isinstance(copied, Accumulator)
        copied.residual = deepcopy(self.residual, memo)
        return copied

    def _has_residual(self) -> bool:
        return scope.current().can_access(self.residual)


def zeros(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Returns zeros on the host; no program is compiled to copy them."""
    return np.zeros(shape, jnp.dtype(dtype))


# Compiled for eager calls, which would dispatch ten ops one by one.
@partial(jax.jit, inline=True)
def add_compensated(high: Any, low: Any, value: Any) -> tuple[jax.Array, jax.Array]:
    """Adds a float32 value to a sum `high + low`; returns the new sum in the same form.

    `high` is the sum rounded to float32, and `low` the rounding error.

    References: Donald Knuth (1997), "The Art of Computer Programming", volume 2, section 4.2.2,
    theorem B.
    """
    total = high + value
    added = total - high
    error = (high - (total - added)) + (value - added) + low
    # The error of an infinite sum is NaN, which would replace the infinity.
    error = jnp.where(jnp.isfinite(total), error, 0)
    rounded = total + error
    return rounded, jnp.where(jnp.isfinite(rounded), error - (rounded - total), 0)


def _float32_parts(value: ArrayLike) -> Iterator[Any]:
    """Yields float32 arrays whose exact sum is the value."""
    if isinstance(value, int):
        yield np.float32(value)
        if abs(value) > 2**24:
            yield np.float32(value - int(np.float32(value)))
        return
    array = read_value(value)
    if jnp.issubdtype(array.dtype, jnp.integer) and array.dtype.itemsize > 2:
        # float32 represents 24 bits: the upper and the lower half of an integer are exact.
        lower = array & 0xFFFF
        yield (array - lower).astype("float32")
        yield lower.astype("float32")
    else:
        yield array if array.dtype == np.float32 else array.astype("float32")
