"""Shapes as TensorFlow 1 returned them: `x.get_shape()[1].value`, `x.get_shape().as_list()`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, SupportsIndex, overload

__all__ = ["Dimension", "ListedShape", "TensorShape"]


class Dimension(int):
    """A known size: an integer with the attribute `value`."""

    @property
    def value(self) -> int:
        """The size as a plain integer."""
        return int(self)


class _Unknown:
    """An unknown size. It equals None, and arithmetic with it has an unknown result."""

    value: Final = None
    __hash__ = None  # type: ignore[assignment]  # equal to None, which has a hash of its own

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, _Unknown)

    def __repr__(self) -> str:
        return "Dimension(None)"

    def __add__(self, other: object) -> _Unknown:
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __truediv__ = __add__


class ListedShape(tuple[int | None, ...]):
    """The attribute `shape` of Tensors, with methods of TensorFlow: `x.shape.as_list()`."""

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self)

    def as_list(self) -> list[int | None]:
        """Returns the sizes, with None for unknown ones."""
        return list(self)

    def is_fully_defined(self) -> bool:
        """Whether all sizes are known."""
        return None not in self


class TensorShape(tuple[Any, ...]):
    """A tuple of sizes that have the attribute `value`.

    Args:
        sizes: integers, and None for unknown sizes.

    Example:

    >>> shape = TensorShape((None, 3))
    >>> shape[1].value, shape.as_list(), shape == (None, 3)
    (3, [None, 3], True)
    """

    def __new__(cls, sizes: Iterable[Any]) -> TensorShape:
        known = (getattr(size, "value", size) for size in sizes)
        return super().__new__(cls, [_Unknown() if n is None else Dimension(n) for n in known])

    @overload
    def __getitem__(self, key: SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> TensorShape: ...
    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        found = super().__getitem__(key)
        return TensorShape(found) if isinstance(key, slice) else found

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)

    @property
    def dims(self) -> list[Any]:
        """The sizes as a list."""
        return list(self)

    def as_list(self) -> list[int | None]:
        """Returns the sizes as integers, and None for unknown ones."""
        return [size.value for size in self]

    def is_fully_defined(self) -> bool:
        """Whether all sizes are known."""
        return None not in self.as_list()
