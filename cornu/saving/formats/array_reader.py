"""The protocol of an open file of arrays, which every format implements."""

from __future__ import annotations

from typing import Protocol

import numpy as np

__all__ = ["ArrayReader"]


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
