"""Converts labels, vectors and sequences to arrays for models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import quantity
from cornu.types import Array, ArrayLike, DTypeLike

Side: TypeAlias = Literal["pre", "post"]

__all__ = ["normalize", "pad_sequences", "to_categorical"]


@api_boundary
def to_categorical(x: ArrayLike, num_classes: int | None = None) -> np.ndarray | Array:
    """Converts integer labels to one-hot vectors.

    Args:
        x: integers from 0 to `num_classes - 1`, of any shape; a last axis of size 1 is dropped.
        num_classes: the number of classes; by default the largest label plus one.

    Shapes: `(...,)` or `(..., 1)` to `(..., num_classes)`.

    Raises:
        ValueError: a label is negative or too large.

    Example:

    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)

    Differences: the result has the global float type; in Keras it is float64.

    Fixes: negative labels are an error; Keras interprets them as counted from the end.
    """
    if isinstance(x, jax.Array):
        indices = x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x
        return jax.nn.one_hot(indices, num_classes or int(indices.max()) + 1)
    labels = np.asarray(x).astype("int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    low, high = (labels.min(), labels.max()) if labels.size else (0, -1)
    classes = num_classes or int(high) + 1
    if low < 0 or high >= classes:
        raise ValueError(
            f"to_categorical: with {quantity(classes, 'class')}, labels must be between 0 and "
            f"{classes - 1}. "
            f"Received: labels between {low} and {high}."
        )
    rows = np.zeros((labels.size, classes), jnp.dtype(settings.get("floatx")))
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, classes)


@api_boundary
def normalize(x: ArrayLike, axis: int = -1, order: float = 2) -> np.ndarray | Array:
    """Divides vectors by their norm; zero vectors do not change.

    Args:
        x: a NumPy or JAX array; the result is of the same kind.
        axis: the axis of the vectors.
        order: the order of the norm: 2 is the Euclidean norm, 1 the sum of absolute values.

    Example:

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])

    Fixes: with `axis=0`, Keras 3.15 divides by the norms of the first axis along the last one,
    which fails or gives other values (keras-team/keras#23328).
    """
    xp: Any = jnp if isinstance(x, jax.Array) else np
    norm = xp.linalg.norm(x, order, axis, keepdims=True)
    result: np.ndarray | Array = x / xp.where(norm == 0, 1, norm)
    return result


@api_boundary
def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: Side = "pre",
    truncating: Side = "pre",
    value: float | str = 0.0,
) -> np.ndarray:
    """Pads or truncates sequences to the same length, and stacks them.

    Args:
        sequences: a list of lists or arrays, whose elements all have the same shape.
        maxlen: the length of the result; by default that of the longest sequence.
        dtype: the dtype of the result; `object` for strings of different lengths.
        padding: whether to pad short sequences at the beginning (`"pre"`) or end (`"post"`).
        truncating: whether to truncate long sequences at the beginning or end.
        value: the padding value.

    Shapes: a list of `batch` sequences `(length, ...)` to `(batch, maxlen, ...)`.

    Raises:
        ValueError: an entry is not a sequence, or the shapes of elements differ.

    Example:

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
    array([[0, 1],
           [2, 3],
           [5, 6]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post'. Received: {side!r}")
    if isinstance(value, str) and dtype is not object and np.dtype(dtype).kind not in "SU":
        raise ValueError(f"pad_sequences: strings require dtype=object. Received: dtype={dtype!r}")
    for i, sequence in enumerate(sequences):
        if not isinstance(sequence, Sequence) and not np.ndim(sequence):
            raise ValueError(f"pad_sequences: entry {i} is not a sequence: {sequence!r}.")
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
                f"pad_sequences: the elements of entry {i} have shape {kept.shape[1:]}, "
                f"but those of earlier entries have shape {shape}."
            )
        start = maxlen - len(kept) if padding == "pre" else 0
        padded[i, start : start + len(kept)] = kept
    return padded
