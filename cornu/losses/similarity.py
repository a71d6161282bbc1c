"""Losses that compare the samples of a batch with each other."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state import scope
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.losses.base import FunctionLoss
from cornu.ops.precision import in_float32
from cornu.types import Array, ArrayLike, DTypeLike, Reduction

__all__ = ["Circle", "circle"]


@op
@in_float32
def circle(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    ref_labels: ArrayLike | None = None,
    ref_embeddings: ArrayLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Array:
    """Computes the circle loss: embeddings should be closer to their own class than to others.

        softplus(logsumexp over positives(-gamma * (margin + d) * (margin - d))
                 + logsumexp over negatives(gamma * (1 + margin - d) * (1 - margin - d)))

    where `d` is the cosine distance of two embeddings. Samples whose value is 0 are excluded from
    means.

    Args:
        y_true: class indices.
        y_pred: embeddings of norm 1.
        ref_labels: class indices of the reference embeddings; `y_true` by default.
        ref_embeddings: embeddings to compare with; `y_pred` by default.
        remove_diagonal: whether to skip the comparison of a sample with the reference of the same
            index.
        gamma: the scale.
        margin: the relaxation of the decision boundary; 0 separates most strictly.

    Shapes: y_true (batch,), y_pred (batch, n) -> (batch,)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> embeddings = np.eye(2, dtype="float32")
    >>> cornu.losses.circle(np.array([0, 1]), embeddings).shape
    (2,)

    References: Yifan Sun et al. (2020), "Circle Loss: A Unified Perspective of Pair Similarity
    Optimization", arXiv:2002.10857.
    """
    embeddings = jnp.asarray(y_pred)
    references = embeddings if ref_embeddings is None else jnp.asarray(ref_embeddings)
    labels = jnp.asarray(y_true).astype("int32").reshape(-1)
    reference_labels = (
        labels if ref_labels is None else jnp.asarray(ref_labels).astype("int32").reshape(-1)
    )
    # Embeddings have length 1, so that this is the cosine distance. Rounding may make it negative.
    distance = jnp.maximum(1 - embeddings @ references.T, 0)
    same = labels[:, None] == reference_labels[None, :]
    comparable = jnp.ones_like(same)
    if remove_diagonal:
        # A sample is at distance 0 from itself, which says nothing about its class.
        comparable &= ~jnp.eye(same.shape[0], same.shape[1], dtype="bool")
    rows = scope.current().row_mask
    if ref_embeddings is None and rows is not None and rows.shape == labels.shape:
        comparable &= rows[None, :] != 0
    pull = -gamma * (margin + distance) * (margin - distance)
    # Only the weight of `push` is bounded: that of `pull` is positive, as distances are.
    push = gamma * jnp.maximum(1 + margin - distance, 0) * (1 - margin - distance)
    values = jax.nn.softplus(
        _logsumexp(pull, same & comparable) + _logsumexp(push, ~same & comparable)
    )
    # A sample without a positive or without a negative has the value 0: means exclude it.
    scope.current().masks.put(values, values > 0)
    return values


def _logsumexp(x: Array, where: Array) -> Array:
    return jax.nn.logsumexp(x, axis=1, where=where)


class Circle(FunctionLoss):
    """Computes the circle loss: embeddings should be closer to their own class than to others.

    Args:
        gamma, margin, remove_diagonal: see `circle`.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> embeddings = np.eye(2, dtype="float32")
    >>> float(cornu.losses.Circle()(np.array([0, 1]), embeddings))
    0.0

    References: Yifan Sun et al. (2020), "Circle Loss: A Unified Perspective of Pair Similarity
    Optimization", arXiv:2002.10857.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
