"""`keras.utils.np_utils`: conversions of labels."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["categorical_probas_to_classes", "probas_to_classes", "to_categorical"]


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
