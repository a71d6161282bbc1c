"""Conversion of class weights to sample weights."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.types import DataLike

__all__ = ["checked_class_weight", "weights_of_classes"]

_LARGEST = float(np.finfo("float32").max)


def checked_class_weight(class_weight: Any, name: str) -> dict[int, float]:
    """Returns class weights with integers as keys and floats as values.

    Args:
        class_weight: the weight of each class.
        name: the name of the output in error messages.

    Raises:
        TypeError: it is not a dict of numbers.
        ValueError: a weight is negative or not finite.
    """
    what = f"class_weight of output {name!r}"
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"{what} must be a dict of weights by class, such as {{0: 1.0, 1: 5.0}}. Received: "
            f"{class_weight!r:.80}\nFor balanced weights compute rows / (classes * rows of the "
            "class) for each class."
        )
    found: dict[int, float] = {}
    for key, weight in class_weight.items():
        if not isinstance(key, (numbers.Real, np.bool_)) or not float(key).is_integer():
            raise TypeError(
                f"{what}: expected integer classes as keys, received {key!r} (of type "
                f"{type(key).__name__}).\nPass the weights by label, {{0: 1.0, 1: 5.0}}; for "
                "several outputs, {output name: {class: weight}}."
            )
        if not isinstance(weight, (numbers.Real, np.bool_)):
            raise TypeError(
                f"{what}: the weight of class {key} must be a number. Received: {weight!r:.80}"
            )
        if not 0 <= float(weight) <= _LARGEST:  # NaN compares as False
            raise ValueError(
                f"{what}: the weight of class {key} must be finite and not negative. Received: "
                f"{weight}\nA class of weight 0 is ignored."
            )
        found[int(float(key))] = float(weight)
    return found


def weights_of_classes(y: DataLike, class_weight: Mapping[int, float], name: str) -> np.ndarray:
    """Returns the weight of the class of each row.

    Args:
        y: labels `(batch,)` or `(batch, 1)`, or one-hot rows `(batch, classes)`. Labels with
            fractions, such as smoothed ones, are rounded.
        class_weight: the weight of each class; missing classes have weight 1.
        name: the name of the output in error messages.
    """
    what = f"class_weight of output {name!r}"
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] > 1:
        if labels.ndim > 2:
            raise ValueError(
                f"{what} requires one class per row; y has the shape {labels.shape}. Use "
                "sample_weight."
            )
        labels = labels.argmax(-1)
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] != 1:
        raise ValueError(
            f"{what} requires one class per row; y has the shape {np.shape(y)}. Use sample_weight."
        )
    labels = labels[:, 0]
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise ValueError(
                f"{what}: y contains {'NaN' if np.isnan(labels).any() else 'infinity'}, which is "
                "not a class. Drop these rows, or give them a class."
            )
        labels = np.rint(labels)
    if not class_weight:
        return np.ones(len(labels), "float32")
    # No table from 0 to the largest label: labels may be as large as hashes.
    classes = np.array(sorted(class_weight), "int64")
    values = np.array([class_weight[label] for label in classes.tolist()], "float32")
    labels = labels.astype("int64")
    at = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    weights: np.ndarray = np.where(classes[at] == labels, values[at], np.float32(1.0))
    return weights
