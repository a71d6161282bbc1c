"""`keras.utils.np_utils`: conversions of labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.legacy.keras1.argument_values import convert_dim_ordering

__all__ = [
    "accuracy",
    "binary_logloss",
    "categorical_probas_to_classes",
    "conv_input_length",
    "conv_output_length",
    "convert_kernel",
    "multiclass_logloss",
    "normalize",
    "probas_to_classes",
    "to_categorical",
]


def to_categorical(y: Any, nb_classes: int | None = None) -> np.ndarray:
    """Converts integer labels of any shape to one-hot rows, in double precision.

    Args:
        y: non-negative labels.
        nb_classes: the number of classes; by default the largest label + 1.

    Example:

    >>> to_categorical([0, 2], nb_classes=3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = np.array(y, dtype="int").ravel()
    rows: np.ndarray = np.eye(nb_classes or int(labels.max()) + 1)[labels]
    return rows


def probas_to_classes(y_pred: np.ndarray) -> np.ndarray:
    """Returns the class with the highest probability; for one column, whether it is above 0.5."""
    if len(y_pred.shape) > 1 and y_pred.shape[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return np.array([1 if p > 0.5 else 0 for p in y_pred])


def categorical_probas_to_classes(p: np.ndarray) -> np.ndarray:
    """Returns the class with the highest probability in each row."""
    classes: np.ndarray = np.argmax(p, axis=1)
    return classes


def normalize(a: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divides an array by its norm along an axis."""
    norm = np.atleast_1d(np.linalg.norm(a, order, axis))
    norm[norm == 0] = 1
    found: np.ndarray = a / np.expand_dims(norm, axis)
    return found


def binary_logloss(p: Any, y: Any) -> float:
    """Returns the mean crossentropy of probabilities and labels 0 and 1."""
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return float(-np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / len(y))


def multiclass_logloss(p: np.ndarray, y: Any) -> float:
    """Returns the mean crossentropy of probabilities and numbers of classes."""
    chosen = p[np.arange(len(p)), np.asarray(y).astype("int")]
    return float(-np.mean(np.log(np.clip(chosen, 1e-15, None))))


def accuracy(p: Any, y: Any) -> float:
    """Returns the share of equal elements."""
    return float(np.mean(np.asarray(p) == np.asarray(y)))


def convert_kernel(kernel: Any, dim_ordering: str | None = None) -> np.ndarray:
    """Reverses the spatial axes of a kernel, as between Theano and TensorFlow.

    Args:
        kernel: an array with four or five axes.
        dim_ordering: "th" or "tf"; by default that of the settings.
    """
    kernel = np.asarray(kernel)
    first = convert_dim_ordering(dim_ordering) == "channels_first"
    spatial = tuple(range(2, kernel.ndim)) if first else tuple(range(kernel.ndim - 2))
    flipped: np.ndarray = np.flip(kernel, spatial).copy()
    return flipped


def conv_output_length(
    input_length: int | None, filter_size: int, border_mode: str, stride: int, dilation: int = 1
) -> int | None:
    """Returns the length of the result of a convolution.

    Example:

    >>> conv_output_length(10, 3, "valid", 2)
    4
    """
    if input_length is None:
        return None
    span = filter_size + (filter_size - 1) * (dilation - 1)
    lost = {"same": 0, "valid": span - 1, "full": 1 - span}[border_mode]
    return (input_length - lost + stride - 1) // stride


def conv_input_length(
    output_length: int | None, filter_size: int, border_mode: str, stride: int
) -> int | None:
    """Returns the length of the input of a convolution."""
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}[border_mode]
    return (output_length - 1) * stride - 2 * pad + filter_size
