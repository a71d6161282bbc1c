"""Metrics of intersection over union, for segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.metrics.base import Metric
from cornu.parts.formulas.align import spread

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    """Computes `right / (labeled + predicted - right)` of classes, and its mean over them.

    Args:
        num_classes: how many classes there are.
        target_class_ids: those over which the mean is taken; classes that do not occur are left
            out.
        name: see `Metric`.
        dtype: what is counted in.
        ignore_class: a label that stands for none.
        sparse_y_true: whether labels are class numbers (else one-hot).
        sparse_y_pred: whether predictions are class numbers (else scores).
        axis: the axis of the classes where they are not.

    Example:

    >>> round(float(IoU(2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333

    Differences: counts are floats unless `dtype` says otherwise, so that weights such as 0.5 are
    not rounded to 0.
    """

    direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"target_class_ids must be below num_classes={num_classes}. "
                f"Received: {list(target_class_ids)}"
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: class numbers or one-hot labels.
            y_pred: class numbers or scores.
            sample_weight: weights, one per sample or more.
        """
        y_true = _numbers(y_true, self.sparse_y_true, self.axis)
        y_pred = _numbers(y_pred, self.sparse_y_pred, self.axis)
        if y_true.size != y_pred.size:
            raise ValueError(
                f"{type(self).__name__}: there are {y_true.shape} labels and {y_pred.shape} "
                "predictions; check sparse_y_true, sparse_y_pred and axis."
            )
        weights = jnp.ones((), self.dtype) if sample_weight is None else sample_weight
        weights = _weights(jnp.asarray(weights, self.dtype), y_true.shape)
        labels, predictions = y_true.reshape(-1), y_pred.reshape(-1)
        known = (labels >= 0) & (labels < self.num_classes)
        known &= (predictions >= 0) & (predictions < self.num_classes)
        if self.ignore_class is not None:
            known &= labels != self.ignore_class
        # One number for each cell of the matrix; what has none falls outside and is dropped.
        cells = jnp.where(known, labels * self.num_classes + predictions, -1)
        counts = jax.ops.segment_sum(weights.reshape(-1), cells, self.num_classes**2)
        self.total_cm.assign_add(counts.reshape(self.num_classes, self.num_classes))

    def result(self) -> Any:
        """Returns the mean over the classes that occur."""
        matrix = self.total_cm.value
        classes = jnp.asarray(self.target_class_ids)
        right = jnp.diag(matrix)
        union = (jnp.sum(matrix, axis=0) + jnp.sum(matrix, axis=1) - right)[classes]
        right, union = right[classes].astype("float32"), union.astype("float32")
        occurs = union > 1e-9
        epsilon = settings.get("epsilon")
        ratios = jnp.where(occurs, right / (union + epsilon), 0)
        return jnp.sum(ratios) / (jnp.sum(occurs) + epsilon)


class BinaryIoU(IoU):
    """Computes the mean intersection over union of two classes, 0 and 1.

    Args:
        target_class_ids: over which of the two the mean is taken.
        threshold: from it on a prediction counts as class 1.
        name, dtype: see `IoU`.

    Example:

    >>> round(float(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: labels 0 and 1.
            y_pred: probabilities.
            sample_weight: weights, one per sample or more.
        """
        super().update_state(y_true, jnp.asarray(y_pred) >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """Computes the mean intersection over union of all classes.

    Args:
        num_classes: how many classes there are.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see `IoU`.

    Example:

    >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


class OneHotIoU(IoU):
    """Computes the mean intersection over union of classes, for one-hot labels.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """Computes the mean intersection over union of all classes, for one-hot labels.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


def _numbers(y: Any, sparse: bool, axis: int) -> jax.Array:
    y = jnp.asarray(y)
    return y.astype("int32") if sparse else jnp.argmax(y, axis=axis).astype("int32")


def _weights(weights: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    if weights.size == 1 or weights.shape == shape:
        return jnp.broadcast_to(weights.reshape(()) if weights.size == 1 else weights, shape)
    return jnp.broadcast_to(spread(weights, shape), shape)
