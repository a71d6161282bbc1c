"""Arrays: data in memory as a whole; every batch is a function of (seed, epoch, index)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds, tree

__all__ = ["Arrays", "length", "rows_of", "take"]

# Data above this size stays on the host and is sent batch by batch.
RESIDENT_BYTES = 2 << 30


class Arrays:
    """A batch structure (x, y, sample_weight) of whole arrays.

    Args:
        structure: nested arrays with the same first size; `None` for parts that are missing.
        batch_size: rows of a batch.
        shuffle: whether each epoch has an order of its own.
        seed: of the orders.

    Attributes:
        count: the number of rows; `steps`: of batches.
    """

    def __init__(
        self, structure: Any, batch_size: int, shuffle: bool = False, seed: int = 0
    ) -> None:
        self.structure = structure
        self.count = length(structure)
        self.batch_size = min(batch_size, self.count)
        self.shuffle = shuffle
        self.seed = seed
        self.steps = -(-self.count // self.batch_size)
        self._placed: Any = None

    @property
    def ragged(self) -> bool:
        """Whether the last batch has fewer rows."""
        return self.count % self.batch_size != 0

    @property
    def resident(self) -> bool:
        """Whether the data is small enough to lie on the device as a whole."""
        leaves = [leaf for leaf in tree.leaves(self.structure) if leaf is not None]
        return sum(leaf.nbytes for leaf in leaves) <= RESIDENT_BYTES

    def placed(self) -> Any:
        """Returns the structure on the device."""
        if self._placed is None:
            self._placed = jax.tree_util.tree_map(jnp.asarray, self.structure)
        return self._placed

    def order(self, epoch: int) -> np.ndarray:
        """Returns the positions of the rows in an epoch, padded to whole batches."""
        order = np.zeros(self.steps * self.batch_size, "int32")
        order[: self.count] = self._permutation(epoch)
        return order

    def _permutation(self, epoch: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(self.count, dtype="int32")
        bits = np.random.Philox(key=seeds.mix(self.seed, epoch))
        return np.random.Generator(bits).permutation(self.count).astype("int32")

    resumes = "batch"

    def state(self) -> None:
        """Returns nothing: epoch and number say which batch is the next."""
        return None

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Needs nothing to go on."""

    def describe(self) -> dict[str, Any]:
        """Returns what must be equal for the batches to be equal."""
        return {
            "kind": "arrays",
            "count": self.count,
            "batch_size": self.batch_size,
            "shuffle": bool(self.shuffle),
        }

    def batches(self, epoch: int = 0, start: int = 0) -> Any:
        """Yields the batches of an epoch from number `start` on, as host arrays."""
        order = self._permutation(epoch)
        for first in range(start * self.batch_size, self.count, self.batch_size):
            stop = min(first + self.batch_size, self.count)
            if self.shuffle:
                yield take(self.structure, order[first:stop])
            else:
                yield rows_of(self.structure, first, stop)

    def example(self) -> Any:
        """Returns the specs of a batch."""
        return jax.tree_util.tree_map(
            lambda x: jax.ShapeDtypeStruct(
                (self.batch_size, *x.shape[1:]), jax.dtypes.canonicalize_dtype(x.dtype)
            ),
            self.structure,
        )


def length(structure: Any) -> int:
    """Returns the common first size of some arrays."""
    sizes = {leaf.shape[0] for leaf in tree.leaves(structure) if leaf is not None}
    if len(sizes) != 1:
        raise ValueError(f"Arrays of different lengths: {sorted(sizes)}")
    return sizes.pop()


def rows_of(structure: Any, start: int, stop: int) -> Any:
    """Returns a range of rows of nested arrays."""
    return jax.tree_util.tree_map(lambda x: x[start:stop], structure)


def take(structure: Any, positions: np.ndarray) -> Any:
    """Returns some rows of nested arrays."""
    return jax.tree_util.tree_map(lambda x: np.asarray(x)[positions], structure)
