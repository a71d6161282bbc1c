"""Logs: a dict of numbers that are transferred from the device on first access."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np

__all__ = ["Logs", "to_number"]


class Logs(MutableMapping[str, Any]):
    """A dict of floats that is computed on first access.

    Reading a number waits for the device, so that a training loop whose logs are not read
    dispatches steps without waiting.

    Args:
        compute: returns the values by name, as device arrays; a value that is itself a dict, such
            as the result of a metric, adds its items.
        own: whether a custom step returned the values, so that they are not those of metrics.
        sort: whether the values are ordered by name.
    """

    def __init__(
        self, compute: Callable[[], dict[str, Any]], own: bool = False, sort: bool = True
    ) -> None:
        self._compute = compute
        self.own = own
        self._sort = sort
        self._values: dict[str, Any] | None = None

    def _materialize(self) -> dict[str, Any]:
        if self._values is None:
            self._values = _flatten(self._compute(), self._sort)
        return self._values

    def __getitem__(self, name: str) -> Any:
        return self._materialize()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._materialize()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._materialize()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._materialize())

    def __len__(self) -> int:
        return len(self._materialize())

    def copy(self) -> dict[str, Any]:
        """Returns the numbers as a plain dict."""
        return dict(self._materialize())

    def __repr__(self) -> str:
        return repr(self._materialize())


def _flatten(values: Mapping[str, Any], sort: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(values, key=str) if sort else values:
        value = values[name]
        if isinstance(value, Mapping):
            found.update(_flatten(value, sort))
        else:
            found[name] = to_number(value)
    return found


def to_number(value: Any) -> Any:
    """Returns a float for a scalar array, else a NumPy array."""
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array
