"""Conversion of class weights to sample weights."""

from __future__ import annotations

import numpy as np

from cornu.types import DataLike

__all__ = ["weights_of_classes"]


def weights_of_classes(y: DataLike, class_weight: dict[int, float], name: str) -> np.ndarray:
    """Returns the weight of the class of each row.

    Args:
        y: integer labels `(batch,)` or `(batch, 1)`, or one-hot rows `(batch, classes)`.
        class_weight: the weight of each class; missing classes have weight 1.
        name: the name of the output in error messages.
    """
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] > 1:
        if labels.ndim > 2:
            raise ValueError(
                f"class_weight of output {name!r} requires one class per row; "
                f"y has the shape {labels.shape}. Use sample_weight."
            )
        labels = labels.argmax(-1)
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] != 1:
        raise ValueError(
            f"class_weight of output {name!r} requires one class per row; y has the shape "
            f"{np.shape(y)}. Use sample_weight."
        )
    labels = labels[:, 0].astype(int)
    if labels.size and labels.min() < 0:
        raise ValueError(f"class_weight of output {name!r}: labels must not be negative.")
    table = np.ones(max(int(labels.max(initial=0)), *class_weight) + 1, "float32")
    for label, weight in class_weight.items():
        table[int(label)] = weight
    weights: np.ndarray = table[labels]
    return weights
