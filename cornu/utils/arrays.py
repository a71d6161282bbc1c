"""Arrays of labels, rows and sequences in the form that models take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings

__all__ = ["normalize", "pad_sequences", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Turns integer labels into one-hot rows.

    Args:
        x: integers from 0 to `num_classes - 1`, of any shape; a last axis of size 1 is dropped.
        num_classes: the number of classes, by default the largest label and one.

    Shapes: `(...,)` or `(..., 1)` to `(..., num_classes)`.

    Raises:
        ValueError: a label is negative or too large.

    Example:

    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)

    Differences: the result has the process-wide float type; in Keras it is float64. Keras takes
        negative labels as counted from the end.
    """
    if isinstance(x, jax.Array):
        labels = x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x
        return jax.nn.one_hot(labels, num_classes or int(labels.max()) + 1)
    labels = np.asarray(x).astype("int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    low, high = (labels.min(), labels.max()) if labels.size else (0, -1)
    classes = num_classes or int(high) + 1
    if low < 0 or high >= classes:
        raise ValueError(
            f"to_categorical: labels lie between {low} and {high}; "
            f"with {classes} classes they must lie between 0 and {classes - 1}."
        )
    rows = np.zeros((labels.size, classes), jnp.dtype(settings.get("floatx")))
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, classes)


def normalize(x: Any, axis: int = -1, order: float = 2) -> Any:
    """Divides vectors by their norm; a vector of zeros stays.

    Args:
        x: a NumPy or JAX array; the result is of the same kind.
        axis: the axis along which the vectors lie.
        order: of the norm: 2 for the length, 1 for the sum of absolute values.

    Example:

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])

    Differences: `axis=0` is the first axis; Keras takes it for the last.
    """
    xp = jnp if isinstance(x, jax.Array) else np
    norm = xp.linalg.norm(x, order, axis, keepdims=True)
    return x / xp.where(norm == 0, 1, norm)


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Makes one array of sequences of different lengths.

    Args:
        sequences: lists or arrays; their elements may have a shape of their own.
        maxlen: the length of all, by default that of the longest.
        dtype: of the result; `object` for texts of different lengths.
        padding: whether short sequences are filled up at their begin (`"pre"`) or end (`"post"`).
        truncating: whether long sequences lose their begin (`"pre"`) or end (`"post"`).
        value: what to fill up with.

    Shapes: a list of `batch` sequences `(length, ...)` to `(batch, maxlen, ...)`.

    Raises:
        ValueError: something is no sequence, or the elements differ in shape.

    Example:

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
    array([[0, 1],
           [2, 3],
           [5, 6]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} is 'pre' or 'post'. Received: {side!r}")
    if isinstance(value, str) and dtype is not object and np.dtype(dtype).kind not in "SU":
        raise ValueError(f"pad_sequences: texts need dtype=object. Received dtype={dtype!r}")
    for i, sequence in enumerate(sequences):
        if not isinstance(sequence, Sequence) and not np.ndim(sequence):
            raise ValueError(f"pad_sequences: entry {i} is no sequence but {sequence!r}.")
    maxlen = max(map(len, sequences), default=0) if maxlen is None else maxlen
    shape = next((np.shape(sequence[0]) for sequence in sequences if len(sequence)), ())
    padded = np.full((len(sequences), maxlen, *shape), value, dtype)
    for i, sequence in enumerate(sequences):
        over = max(0, len(sequence) - maxlen)
        kept = sequence[over:] if truncating == "pre" else sequence[: len(sequence) - over]
        if not len(kept):
            continue
        kept = np.asarray(kept, dtype)
        if kept.shape[1:] != shape:
            raise ValueError(
                f"pad_sequences: elements of entry {i} have the shape {kept.shape[1:]}, "
                f"those before {shape}."
            )
        start = maxlen - len(kept) if padding == "pre" else 0
        padded[i, start : start + len(kept)] = kept
    return padded
