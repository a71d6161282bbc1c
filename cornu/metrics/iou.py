"""Metrics of intersection over union, for segmentation."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.base import Metric
from cornu.metrics.sums import add_sums
from cornu.parts.formulas.align import expand_weights
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    """Computes `intersection / union` of labels and predictions, and its mean over classes.

    Args:
        num_classes: the number of classes.
        target_class_ids: the classes of the mean; classes that do not occur are excluded.
        name: see `Metric`.
        dtype: the dtype of the counts.
        ignore_class: the class index of a missing label.
        sparse_y_true: whether labels are class indices; otherwise they are one-hot.
        sparse_y_pred: whether predictions are class indices; otherwise they are scores.
        axis: the axis of the classes in one-hot labels and scores.

    Example:

    >>> round(float(IoU(2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333

    Fixes: counts are floats unless `dtype` is an integer type, so that weights such as 0.5 are not
    rounded to 0.
    """

    direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"target_class_ids must be less than the number of classes, {num_classes}. "
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

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: class indices or one-hot labels.
            y_pred: class indices or scores.
            sample_weight: weights, one per sample or more.
        """
        labels = _class_indices(y_true, self.sparse_y_true, self.axis)
        predictions = _class_indices(y_pred, self.sparse_y_pred, self.axis)
        if labels.size != predictions.size:
            raise ValueError(
                f"{type(self).__name__}: expected as many labels as predictions. Received shapes: "
                f"{labels.shape} and {predictions.shape}\n"
                "Check sparse_y_true, sparse_y_pred and axis."
            )
        weights = jnp.ones((), self._sum_dtype_) if sample_weight is None else sample_weight
        weights = _broadcast_weights(jnp.asarray(weights, self._sum_dtype_), labels.shape)
        labels, predictions = labels.reshape(-1), predictions.reshape(-1)
        known = (labels >= 0) & (labels < self.num_classes)
        known &= (predictions >= 0) & (predictions < self.num_classes)
        if self.ignore_class is not None:
            known &= labels != self.ignore_class
        # One index for each cell of the confusion matrix; segment_sum drops -1.
        cells = jnp.where(known, labels * self.num_classes + predictions, -1)

        def count(cells: Array, weights: Array) -> list[Array]:
            counts = jax.ops.segment_sum(weights, cells, self.num_classes**2)
            return [counts.reshape(self.num_classes, self.num_classes)]

        add_sums([self.total_cm], count, cells, weights.reshape(-1))

    def result(self) -> Array:
        """Returns the mean over the classes that occur."""
        matrix = self.total_cm.value
        classes = jnp.asarray(self.target_class_ids)
        intersection = jnp.diag(matrix)
        union = (jnp.sum(matrix, axis=0) + jnp.sum(matrix, axis=1) - intersection)[classes]
        intersection, union = intersection[classes].astype("float32"), union.astype("float32")
        occurs = union > 1e-9
        epsilon: float = settings.get("epsilon")
        ratios = jnp.where(occurs, intersection / (union + epsilon), 0)
        return jnp.sum(ratios) / (jnp.sum(occurs) + epsilon)


class BinaryIoU(IoU):
    """Computes the mean intersection over union of two classes, 0 and 1.

    Args:
        target_class_ids: the classes of the mean.
        threshold: predictions of at least this count as class 1.
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
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: labels 0 and 1.
            y_pred: probabilities.
            sample_weight: weights, one per sample or more.
        """
        super().update_state(y_true, jnp.asarray(y_pred) >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """Computes the mean intersection over union of all classes.

    Args:
        num_classes: the number of classes.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see `IoU`.

    Example:

    >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
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

    Example:

    >>> import cornu
    >>> metric = cornu.metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
    >>> metric.update_state([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]])
    >>> round(float(metric.result()), 3)
    1.0
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
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

    Example:

    >>> import cornu
    >>> metric = cornu.metrics.OneHotMeanIoU(num_classes=2)
    >>> metric.update_state([[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]])
    >>> round(float(metric.result()), 3)
    0.25
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


def _class_indices(y: ArrayLike, sparse: bool, axis: int) -> Array:
    array = jnp.asarray(y)
    return (array if sparse else jnp.argmax(array, axis=axis)).astype("int32")


def _broadcast_weights(weights: Array, shape: tuple[int, ...]) -> Array:
    if weights.size == 1 or weights.shape == shape:
        return jnp.broadcast_to(weights.reshape(()) if weights.size == 1 else weights, shape)
    return jnp.broadcast_to(expand_weights(weights, shape), shape)
