"""Random numbers of some rows of a batch: those that the whole batch has in these rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jax import Array, lax

from cornu.core.state import scope

__all__ = ["row_window", "sample_rows"]


def row_window(shape: Sequence[int]) -> scope.RowWindow | None:
    """Returns the rows of the batch that an array has along its first axis; None for all."""
    window = scope.current().row_window
    return window if window is not None and shape and shape[0] == window.size else None


def sample_rows(shape: Sequence[int], sample: Callable[[Sequence[int]], Array]) -> Array:
    """Returns `sample(shape)`, or the rows of the current window of a sample for all rows."""
    window = row_window(shape)
    if window is None:
        return sample(tuple(shape))
    whole = sample((window.total, *shape[1:]))
    return lax.dynamic_slice_in_dim(whole, window.start, window.size)
