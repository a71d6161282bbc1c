"""Arrays: data with random access; each batch is a function of (seed, epoch, number)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds
from cornu.core.state.aligned import copy_to_device
from cornu.data.lazy_columns import Column
from cornu.data.sources.order import LARGE, positions_of
from cornu.data.sources.stream import SourceCheck
from cornu.errors import quantity
from cornu.types import ArrayLike, PyTree

__all__ = ["Arrays", "length", "rows_of", "take"]

# Data above this size stays on the host and is sent batch by batch.
RESIDENT_BYTES = 2 << 30


class Arrays:
    """A batch structure (x, y, sample_weight) of whole arrays, or of Columns.

    Args:
        structure: nested arrays with the same first size; `None` for parts that are missing.
        batch_size: rows per batch.
        shuffle: whether each epoch has a different order.
        seed: the seed of the orders.
        steps: batches per epoch; by default one pass through the data.
        restart: whether `steps` may differ from the batches of one pass: then an epoch continues
            where the last one ended, and restarts at the end of the data.
        whole: whether all rows form one batch; then the arrays may differ in their numbers of rows.

    Attributes:
        count: the number of rows per epoch.
        steps: the number of batches per epoch.
        check: called with each batch and its number if rows are read when they are needed; it
            raises an error for wrong values.
        rejected: the number of the batch that was wrong, or None.
    """

    resumes = "batch"

    def __init__(
        self,
        structure: PyTree,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        steps: int | None = None,
        restart: bool = False,
        whole: bool = False,
    ) -> None:
        self.structure = structure
        self.count = self._rows = _most_rows(structure) if whole else length(structure)
        self.batch_size = min(batch_size, self._rows)
        self.shuffle = shuffle
        self.seed = seed
        self.steps = self._steps_per_pass = -(-self._rows // self.batch_size)
        self._on_device: Any = None
        self._order: tuple[int, np.ndarray] | None = None
        self._first_epoch: int | None = None
        self._continues = restart and steps not in (None, self._steps_per_pass)
        self.check: SourceCheck | None = None
        self.rejected: int | None = None
        self._leaves = jax.tree_util.tree_leaves(structure)
        self._has_columns = any([isinstance(leaf, Column) for leaf in self._leaves])
        if steps is not None:
            self._set_steps(steps, restart)

    def _set_steps(self, steps: int, restart: bool) -> None:
        if steps > self._steps_per_pass and not restart:
            raise ValueError(
                f"The data has {quantity(self._rows, 'row')}, which gives "
                f"{quantity(self._steps_per_pass, 'batch')} of {self.batch_size}, but "
                f"steps={steps}.\nPass fewer steps, or None for all data."
            )
        self.steps = steps
        self.count = min(steps * self.batch_size, self._rows)
        if self._continues:
            self.count = steps * self.batch_size

    @property
    def has_partial_batch(self) -> bool:
        """Whether the last batch of a pass has fewer rows than the others."""
        last = self.steps == self._steps_per_pass or self._continues
        return last and self._rows % self.batch_size != 0

    @property
    def resident(self) -> bool:
        """Whether all data is copied to the device, because it is small enough."""
        if self._has_columns:
            return False
        # A partial batch may then be in the middle of an epoch, where the loop on the device needs
        # full ones.
        if self._continues and self.has_partial_batch:
            return False
        return bool(sum(leaf.nbytes for leaf in self._leaves) <= RESIDENT_BYTES)

    def on_device(self) -> Any:
        """Returns the data on the device; it is copied once."""
        if self._on_device is None:
            self._on_device = jax.tree_util.tree_map(_copy, self.structure)
        return self._on_device

    def order(self, epoch: int) -> np.ndarray:
        """Returns the indices of the rows in an epoch, padded to full batches."""
        order = np.zeros(self.steps * self.batch_size, "int32")
        if self._continues:
            parts = [self._positions(epoch, step) for step in range(self.steps)]
            found = np.concatenate(parts)
        else:
            found = self._permutation(epoch)[: self.count]
        order[: len(found)] = found
        return order

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, beginning with number `start`, as host arrays."""
        for step in range(start, self.steps):
            if self.shuffle:
                batch = take(self.structure, self._positions(epoch, step))
            else:
                first = self._pass_of(epoch, step)[1] * self.batch_size
                stop = min(first + self.batch_size, self._rows)
                batch = rows_of(self.structure, first, stop)
            if self._has_columns and self.check is not None:
                self._check(batch, step)
            yield batch

    def _check(self, batch: PyTree, number: int) -> None:
        """Checks rows that were not in memory when the data was checked."""
        assert self.check is not None
        try:
            self.check(batch, number)
        except (TypeError, ValueError) as error:
            self.rejected = number
            shuffled = ", in shuffled order" if self.shuffle else ""
            error.add_note(f"This was batch {number} of the epoch{shuffled}; the first is 0.")
            raise

    def finish_checks(self) -> None:
        """Does nothing: rows that are read in an epoch are on the host, and checked at once."""

    def _positions(self, epoch: int, step: int) -> np.ndarray:
        """Returns which rows are in a batch."""
        pass_number, number = self._pass_of(epoch, step)
        start, stop = number * self.batch_size, (number + 1) * self.batch_size
        if self.shuffle and self._rows >= LARGE:
            return positions_of(self._rows, self.seed, pass_number, start, stop)
        return self._permutation(pass_number)[start:stop]

    def _pass_of(self, epoch: int, step: int) -> tuple[int, int]:
        """Returns the number of the pass through the data, and the number of the step in it."""
        if not self._continues:
            return epoch, step
        if self._first_epoch is None:
            self._first_epoch = epoch
        passes, number = divmod(
            (epoch - self._first_epoch) * self.steps + step, self._steps_per_pass
        )
        return self._first_epoch + passes, number

    def _permutation(self, pass_number: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(self._rows, dtype="int32")
        if self._rows >= LARGE:
            return positions_of(self._rows, self.seed, pass_number, 0, self._rows)
        if self._order is None or self._order[0] != pass_number:
            # A generator for each pass, so that any epoch can be resumed without running those
            # before it.
            bits = np.random.Philox(key=seeds.mix_bits(self.seed, pass_number))
            order = np.random.Generator(bits).permutation(self._rows).astype("int32")
            self._order = (pass_number, order)
        return self._order[1]

    def example(self) -> Any:
        """Returns the specs of a batch."""

        def spec_of(x: Any) -> Any:
            rows = min(self.batch_size, x.shape[0])
            if isinstance(x, Column):
                return x.spec(rows)
            dtype = jax.dtypes.canonicalize_dtype(x.dtype)
            return jax.ShapeDtypeStruct((rows, *x.shape[1:]), dtype)

        return jax.tree_util.tree_map(spec_of, self.structure)

    def preview(self) -> Any:
        """Returns data for checks before training: whole arrays, and the first rows of Columns."""
        return jax.tree_util.tree_map(
            lambda x: x.range(0, self.batch_size) if isinstance(x, Column) else x, self.structure
        )

    # ----------------------------------------------------------------------------------- resuming

    def state(self) -> dict[str, Any] | None:
        """Returns the state, besides epoch and number, that determines batches; or None."""
        return None if self._first_epoch is None else {"began": self._first_epoch}

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Restores what `state()` returned."""
        self._first_epoch = None if state is None else int(state["began"])

    def reseed(self, seed: int) -> None:
        """Sets the seed of the orders, before the first epoch."""
        self.seed, self._order = seed, None

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches."""
        return {
            "kind": "arrays",
            "count": self._rows,
            "batch_size": self.batch_size,
            "steps": self.steps,
            "shuffle": bool(self.shuffle),
        }

    def close(self) -> None:
        """Does nothing: there are no open files or threads."""


def _copy(array: ArrayLike) -> jax.Array:
    """Returns an array on the device, which does not change with the array of the user."""
    if type(array) is not np.ndarray:
        return jnp.asarray(array)
    return copy_to_device(array, jax.dtypes.canonicalize_dtype(array.dtype).name)


def length(structure: PyTree) -> int:
    """Returns the common number of rows of nested arrays."""
    sizes = {leaf.shape[0] for leaf in jax.tree_util.tree_leaves(structure)}
    if len(sizes) != 1:
        raise ValueError(f"The arrays have different numbers of rows: {sorted(sizes)}")
    found: int = sizes.pop()
    return found


def _most_rows(structure: PyTree) -> int:
    most: int = max(leaf.shape[0] for leaf in jax.tree_util.tree_leaves(structure))
    return most


def rows_of(structure: PyTree, start: int, stop: int) -> Any:
    """Returns a range of rows of nested arrays."""
    return jax.tree_util.tree_map(
        lambda x: x.range(start, stop) if isinstance(x, Column) else x[start:stop], structure
    )


def take(structure: PyTree, positions: np.ndarray) -> Any:
    """Returns the rows of nested arrays with some indices."""
    return jax.tree_util.tree_map(
        lambda x: x.take(positions) if isinstance(x, Column) else np.asarray(x)[positions],
        structure,
    )
