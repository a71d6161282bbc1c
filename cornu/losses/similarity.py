"""Losses that compare the samples of a batch with each other."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state import scope
from cornu.losses.base import FunctionLoss

__all__ = ["Circle", "circle"]


@op
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Computes how much nearer each embedding is to those of its class than to others.

        softplus(logsumexp over positives(-gamma * (margin + d) * (margin - d))
                 + logsumexp over negatives(gamma * (1 + margin - d) * (1 - margin - d)))

    where `d` is the cosine distance of two embeddings. Samples whose value is 0 are left out of
    means.

    Args:
        y_true: class numbers.
        y_pred: embeddings of norm 1.
        ref_labels: class numbers of what to compare with; `y_true` by default.
        ref_embeddings: embeddings to compare with; `y_pred` by default.
        remove_diagonal: whether a sample is not compared with the reference of its own index.
        gamma: a scale.
        margin: how strict the separation is.

    Shapes: y_true (batch,), y_pred (batch, n) -> (batch,)

    References: Yifan Sun et al. (2020), "Circle Loss: A Unified Perspective of Pair Similarity
    Optimization", arXiv:2002.10857.
    """
    y_pred = jnp.asarray(y_pred)
    references = y_pred if ref_embeddings is None else jnp.asarray(ref_embeddings)
    labels = jnp.asarray(y_true).astype("int32").reshape(-1)
    others = labels if ref_labels is None else jnp.asarray(ref_labels).astype("int32").reshape(-1)
    distance = jnp.maximum(1 - y_pred @ references.T, 0)
    same = labels[:, None] == others[None, :]
    usable = jnp.ones_like(same)
    if remove_diagonal:
        usable &= ~jnp.eye(*same.shape, dtype="bool")
    rows = scope.current().row_mask
    if ref_embeddings is None and rows is not None and rows.shape == labels.shape:
        usable &= rows[None, :] != 0
    pull = -gamma * (margin + distance) * (margin - distance)
    push = gamma * jnp.maximum(1 + margin - distance, 0) * (1 - margin - distance)
    values = jax.nn.softplus(_logsumexp(pull, same & usable) + _logsumexp(push, ~same & usable))
    scope.current().masks.put(values, values > 0)
    return values


def _logsumexp(x: Any, where: Any) -> Any:
    return jax.nn.logsumexp(x, axis=1, where=where)


class Circle(FunctionLoss):
    """Computes how much nearer embeddings are to those of their class than to others.

    Args:
        gamma, margin, remove_diagonal: see `circle`.
        reduction, name, dtype: see `Loss`.

    References: Yifan Sun et al. (2020), "Circle Loss: A Unified Perspective of Pair Similarity
    Optimization", arXiv:2002.10857.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
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
