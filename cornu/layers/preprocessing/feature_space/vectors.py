"""Vectors of rows from numbers of NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.layers.preprocessing.tabular.category_encoding import CategoryEncoding
from cornu.layers.preprocessing.tabular.encoding import mark_one_hot

__all__ = ["encoded_vectors"]


def encoded_vectors(
    numbers: Mapping[str, Any], encoders: Mapping[str, CategoryEncoding]
) -> np.ndarray | None:
    """Returns the concatenated encodings of features, each of which is written once.

    Args:
        numbers: the outputs of the layers of the features, in the order of the vectors.
        encoders: the encoders of features whose numbers are indices, which form one-hot vectors.

    Returns:
        A new array; None if JAX has to encode them: an output is not an array of NumPy with rows,
        a row has several indices, or dtypes and numbers of rows differ.

    Example:

    >>> numbers = {"city": np.array([[1], [0]]), "age": np.array([[0.5], [2.0]], "float32")}
    >>> encoded_vectors(numbers, {"city": CategoryEncoding(2)}).tolist()
    [[0.0, 1.0, 0.5], [1.0, 0.0, 2.0]]
    """
    kinds = set()
    widths = []
    for name, x in numbers.items():
        if type(x) is not np.ndarray or x.ndim != 2:
            return None
        encoder = encoders.get(name)
        if encoder is not None and x.shape[1] != 1:
            return None
        widths.append(x.shape[1] if encoder is None else encoder.num_tokens)
        kinds.add((len(x), x.dtype if encoder is None else np.dtype(encoder.compute_dtype)))
    if len(kinds) != 1:
        return None
    rows, dtype = kinds.pop()
    out = np.zeros((rows, sum(widths)), dtype)
    start = 0
    for (name, x), width in zip(numbers.items(), widths, strict=True):
        if name in encoders:
            mark_one_hot(out, start, width, x[:, 0].astype(np.int32, copy=False))
        else:
            out[:, start : start + width] = x
        start += width
    return out
