"""Conversion of input data to arrays; strings stay on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from cornu.core.state.variable import Variable

__all__ = ["as_array", "as_bytes", "as_strings", "batches", "holds_strings", "is_array", "items_of"]

_EMPTY = "adapt() was given no data: the iterable is empty, or was read before."


def as_array(x: Any, what: str = "The input") -> Any:
    """Returns what was given as a NumPy array; arrays of JAX stay what they are.

    Args:
        x: an array, tensor or column of any library, a list, a number or a string.
        what: what to call it in errors.

    Raises:
        ValueError: it is ragged.

    Example:

    >>> as_array([["a"], ["b"]]).shape
    (2, 1)
    """
    if isinstance(x, np.ndarray) and x.dtype.kind != "O" or isinstance(x, jax.Array):
        return x
    if isinstance(x, Variable):
        return x.value
    if type(x).__name__ in ("RaggedTensor", "SparseTensor"):
        raise TypeError(
            f"{what} is a {type(x).__name__}, and only dense arrays are taken.\n"
            "Fill it up first: x.to_tensor(), or tf.sparse.to_dense(x)."
        )
    try:
        array = np.asarray(x)
        items = array.ravel().tolist() if array.dtype.kind == "O" else [""]
        numbers = items and all(isinstance(item, (int, float)) for item in items)
        return np.array(array.tolist()) if numbers else array
    except ValueError as error:
        raise ValueError(
            f"{what} is ragged: its rows have different lengths, so that it is no array.\n"
            "Pad it, for example with cornu.utils.pad_sequences."
        ) from error


def holds_strings(x: Any) -> bool:
    """Whether an array holds strings, or objects that may be some."""
    return isinstance(x, np.ndarray) and x.dtype.kind in "OUST"


def as_strings(x: Any, label: str, encoding: str = "utf-8") -> np.ndarray:
    """Returns an array of Python's strings, whatever library they come from.

    Args:
        x: what `as_array` takes.
        label: the name of the layer in error messages.
        encoding: of those that come as bytes.

    Raises:
        TypeError: something in it is no string.

    Example:

    >>> as_strings([b"caf\\xc3\\xa9", "tea"], "example").tolist()
    ['café', 'tea']
    """
    if isinstance(x, (list, tuple)) and not any(
        isinstance(i, (list, tuple, np.ndarray)) for i in x
    ):
        array = np.empty(len(x), object)  # NumPy would make all of them strings
        array[:] = x
    else:
        array = as_array(x, f"{label}: the input")
    if not holds_strings(array) and np.size(array):
        raise TypeError(
            f"{label} takes strings. Received: numbers of dtype {array.dtype}.\n"
            "Write x.astype(str), or take the layer for integers."
        )
    words = np.asarray(array).astype(object)
    if set(map(type, words.ravel().tolist())) <= {str}:
        return words
    flat = [_string(item, label, encoding) for item in words.ravel().tolist()]
    out = np.empty(len(flat), object)
    out[:] = flat
    return out.reshape(words.shape)


def _string(item: Any, label: str, encoding: str) -> str:
    if isinstance(item, str):
        return str(item)
    if isinstance(item, bytes):
        return item.decode(encoding)
    if type(item).__module__.partition(".")[0] == "tensorflow":
        return _string(item.numpy(), label, encoding)
    missing = item is None or item != item
    raise TypeError(
        f"{label} takes strings. Received: {item!r} (of type {type(item).__name__}) among them.\n"
        + ("Give missing values a word first, such as ''." if missing else "Write str(x) for it.")
    )


def as_bytes(x: np.ndarray, label: str) -> list[bytes]:
    """Returns the strings of an array as bytes, in a flat list."""
    items = x.astype(object).ravel().tolist()
    if set(map(type, items)) <= {str}:
        return list(map(str.encode, items))
    return [i if isinstance(i, bytes) else _string(i, label, "utf-8").encode() for i in items]


def is_array(data: Any) -> bool:
    """Whether data is one array rather than an iterable of batches."""
    known = (np.ndarray, jax.Array, str, bytes, int, float)
    return isinstance(data, known) or hasattr(data, "__array__")


def items_of(data: Any, wanted: str) -> Iterator[Any]:
    """Returns an iterator over what has items, in order or by number (as a PyDataset has).

    Args:
        data: where they are.
        wanted: what to say if there are none.
    """
    if hasattr(data, "__iter__"):
        return iter(data)
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return (data[i] for i in range(len(data)))
    raise TypeError(f"{wanted} Received: {type(data).__name__}")


def batches(data: Any, steps: int | None = None, lists: bool = False) -> Iterator[Any]:
    """Yields the batches that `adapt` is to see.

    Args:
        data: one array; or an iterable of batches, or what has batches by number.
        steps: after how many batches to stop.
        lists: whether a list is one array.

    Of a batch that is a tuple, such as `(x, y)`, the first part is taken.

    Example:

    >>> [x.tolist() for x in batches(([i, i + 1] for i in range(9)), steps=2)]
    [[0, 1], [1, 2]]
    """
    if is_array(data) or (lists and isinstance(data, (list, tuple))):
        yield data if isinstance(data, (list, tuple)) else as_array(data, "The data")
        return
    items = items_of(data, "adapt() takes an array or an iterable of batches.")
    count = 0
    while steps is None or count < steps:
        batch = next(items, None)
        if batch is None:
            break
        count += 1
        yield as_array(batch[0] if isinstance(batch, tuple) else batch, "A batch")
    if count == 0:
        raise ValueError(_EMPTY)
