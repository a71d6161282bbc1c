"""Conversion of input data to arrays; strings stay on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from cornu.core.state.variable import Variable

__all__ = ["as_array", "as_bytes", "as_strings", "batches", "holds_strings", "is_array", "items_of"]

_EMPTY = "adapt() received no data: the iterable is empty or already consumed."


def as_array(x: Any, what: str = "The input") -> Any:
    """Converts data to a NumPy array; JAX arrays are returned unchanged.

    Args:
        x: an array, tensor or data frame column of any library, a list, a number or a string.
        what: the description of `x` in error messages.

    Raises:
        TypeError: `x` is a ragged or sparse tensor.
        ValueError: the rows of `x` have different lengths.

    Example:

    >>> as_array([["a"], ["b"]]).shape
    (2, 1)
    """
    if isinstance(x, np.ndarray) and x.dtype.kind != "O" or isinstance(x, jax.Array):
        return x
    # Objects of which one is a string are no numbers: the others need not be looked at.
    if isinstance(x, np.ndarray) and x.size and isinstance(x.flat[0], str):
        return np.asarray(x)
    if isinstance(x, Variable):
        return x.value
    # By name, so that TensorFlow is not imported.
    if type(x).__name__ in ("RaggedTensor", "SparseTensor"):
        raise TypeError(
            f"{what} is a {type(x).__name__}; expected a dense array.\n"
            "Convert it first, with x.to_tensor() or tf.sparse.to_dense(x)."
        )
    try:
        array = np.asarray(x)
        # Data frames store mixed or nullable numbers as objects: let NumPy infer their dtype.
        items = array.ravel().tolist() if array.dtype.kind == "O" else [""]
        numbers = items and all(isinstance(item, (int, float)) for item in items)
        return np.array(array.tolist()) if numbers else array
    except ValueError as error:
        raise ValueError(
            f"{what} is ragged: its rows have different lengths.\n"
            "Pad the rows, for example with cornu.utils.pad_sequences."
        ) from error


def holds_strings(x: Any) -> bool:
    """Whether an array holds strings, or objects, which may be strings."""
    return isinstance(x, np.ndarray) and x.dtype.kind in "OUST"


def as_strings(x: Any, label: str, encoding: str = "utf-8") -> np.ndarray:
    """Converts data of any library to an object array of Python strings.

    Args:
        x: data that `as_array` accepts.
        label: the name of the layer in error messages.
        encoding: the encoding of byte strings.

    Raises:
        TypeError: an element is not a string.

    Example:

    >>> as_strings([b"caf\\xc3\\xa9", "tea"], "example").tolist()
    ['café', 'tea']
    """
    if isinstance(x, (list, tuple)) and not any(
        isinstance(i, (list, tuple, np.ndarray)) for i in x
    ):
        # np.array would convert numbers in the list to strings, which hides the type error.
        array = np.empty(len(x), object)
        array[:] = x
    else:
        array = as_array(x, f"{label}: the input")
    if not holds_strings(array) and np.size(array):
        raise TypeError(
            f"{label} expects strings. Received: numbers of dtype {array.dtype}.\n"
            "Convert them with x.astype(str), or use the layer for integers."
        )
    words = np.asarray(array).astype(object)
    if set(map(type, words.ravel().tolist())) <= {str}:
        return words
    flat = [_to_string(item, label, encoding) for item in words.ravel().tolist()]
    out = np.empty(len(flat), object)
    out[:] = flat
    return out.reshape(words.shape)


def _to_string(item: Any, label: str, encoding: str) -> str:
    if isinstance(item, str):
        return str(item)
    if isinstance(item, bytes):
        return item.decode(encoding)
    if type(item).__module__.partition(".")[0] == "tensorflow":
        return _to_string(item.numpy(), label, encoding)
    missing = item is None or item != item  # NaN differs from itself
    raise TypeError(
        f"{label} expects strings. Received an element {item!r} of type {type(item).__name__}.\n"
        + (
            "Replace missing values first, for example by ''."
            if missing
            else "Convert it with str."
        )
    )


def as_bytes(x: np.ndarray, label: str) -> list[bytes]:
    """Returns the strings of an array, encoded as UTF-8, in a flat list."""
    items = x.astype(object).ravel().tolist()
    if set(map(type, items)) <= {str}:
        return list(map(str.encode, items))
    return [i if isinstance(i, bytes) else _to_string(i, label, "utf-8").encode() for i in items]


def is_array(data: Any) -> bool:
    """Whether data is a single array rather than an iterable of batches."""
    known = (np.ndarray, jax.Array, str, bytes, int, float)
    return isinstance(data, known) or hasattr(data, "__array__")


def items_of(data: Any, wanted: str) -> Iterator[Any]:
    """Returns an iterator over an iterable, or over a sequence such as a PyDataset.

    Args:
        data: an object with `__iter__`, or with `__len__` and `__getitem__`.
        wanted: the first sentence of the error message for other objects.
    """
    if hasattr(data, "__iter__"):
        return iter(data)
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return (data[i] for i in range(len(data)))
    raise TypeError(f"{wanted} Received: {type(data).__name__}")


def batches(data: Any, steps: int | None = None, lists: bool = False) -> Iterator[Any]:
    """Yields the batches for `adapt`; of a tuple such as `(x, y)`, the first element.

    Args:
        data: a single array, an iterable of batches, or a sequence of batches.
        steps: the maximum number of batches.
        lists: whether a list is a single array.

    Example:

    >>> [x.tolist() for x in batches(([i, i + 1] for i in range(9)), steps=2)]
    [[0, 1], [1, 2]]
    """
    if is_array(data) or (lists and isinstance(data, (list, tuple))):
        yield data if isinstance(data, (list, tuple)) else as_array(data, "The data")
        return
    items = items_of(data, "adapt() expects an array or an iterable of batches.")
    count = 0
    while steps is None or count < steps:
        batch = next(items, None)
        if batch is None:
            break
        count += 1
        yield as_array(batch[0] if isinstance(batch, tuple) else batch, "A batch")
    if count == 0:
        raise ValueError(_EMPTY)
