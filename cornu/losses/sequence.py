"""Losses of sequences that are not aligned with their labels."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu import ops
from cornu.core.graph.op import op
from cornu.losses.base import FunctionLoss

__all__ = ["CTC", "ctc"]


@op
def ctc(y_true: Any, y_pred: Any) -> Any:
    """Computes `-log(P(labels))` over all ways to stretch the labels to the length of the input.

    Args:
        y_true: class numbers from 1 on; 0 fills up short sequences, and is the blank.
        y_pred: logits of each step.

    Shapes: y_true (batch, labels), y_pred (batch, time, classes) -> (batch,)

    References: Alex Graves et al. (2006), "Connectionist Temporal Classification".
    """
    y_true, y_pred = jnp.asarray(y_true).astype("int32"), jnp.asarray(y_pred)
    if y_true.ndim != 2 or y_pred.ndim != 3:
        raise ValueError(
            "ctc takes class numbers of shape (batch, labels) and logits of shape (batch, time, "
            f"classes). Received the shapes: {y_true.shape} and {y_pred.shape}"
        )
    label_length = jnp.sum(y_true != 0, axis=-1, dtype="int32")
    input_length = jnp.full(y_pred.shape[:1], y_pred.shape[1], "int32")
    return ops.ctc_loss(y_true, y_pred, label_length, input_length, mask_index=0)


class CTC(FunctionLoss):
    """Computes the loss of connectionist temporal classification; see `ctc`.

    Args:
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ctc",
        dtype: Any = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)
