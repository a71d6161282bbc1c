"""The protocol of an open file of arrays, which every format implements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jax.sharding import Sharding

__all__ = ["ArrayReader", "Placed", "PlacingReader"]


class Placed(NamedTuple):
    """Where an array is to be on devices, and its dtype."""

    sharding: Sharding
    dtype: np.dtype


class ArrayReader(Protocol):
    """An open file of arrays whose structure has been validated.

    Attributes:
        shapes: the shape of each array by its key.
        nbytes: the size of all arrays together.
    """

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]: ...

    @property
    def nbytes(self) -> int: ...

    def read(self, key: str, /) -> np.ndarray:
        """Reads an array.

        Returns:
            An array that may be a view of the file: what is kept must be a copy.
        """


@runtime_checkable
class PlacingReader(Protocol):
    """An ArrayReader that reads arrays onto devices, without the whole array on the host."""

    def read_placed(self, wanted: Mapping[str, Placed], /) -> dict[str, jax.Array]:
        """Reads arrays; those that are stored in another dtype are left out."""
