"""Logs: numbers that stay on the device until someone looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import numpy as np

__all__ = ["Logs", "to_number"]


class Logs(MutableMapping[str, Any]):
    """A dict of floats that is computed when it is first looked at.

    Args:
        compute: returns the values by name, as device arrays.
        own: whether a step of the user's own returned them, so that they are not in the metrics.
    """

    def __init__(self, compute: Callable[[], dict[str, Any]], own: bool = False) -> None:
        self._compute = compute
        self.own = own
        self._values: dict[str, Any] | None = None

    def _look(self) -> dict[str, Any]:
        if self._values is None:
            self._values = {name: to_number(value) for name, value in self._compute().items()}
        return self._values

    def __getitem__(self, name: str) -> Any:
        return self._look()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._look()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._look()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._look())

    def __len__(self) -> int:
        return len(self._look())

    def copy(self) -> dict[str, Any]:
        """Returns the numbers as a plain dict."""
        return dict(self._look())

    def __repr__(self) -> str:
        return repr(self._look())


def to_number(value: Any) -> Any:
    """Returns a float for a scalar array, else a NumPy array."""
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array
