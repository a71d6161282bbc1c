"""The arrays of layers of Keras 1."""

from __future__ import annotations

from cornu.legacy.array_row import ArrayRow

__all__ = ["ARRAYS"]

ARRAYS: dict[type, ArrayRow] = {}
