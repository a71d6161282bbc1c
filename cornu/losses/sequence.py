"""Losses of sequences without an alignment between inputs and labels."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.losses.base import FunctionLoss
from cornu.ops.nn.ctc import ctc_loss
from cornu.ops.precision import in_float32
from cornu.types import Array, ArrayLike, DTypeLike, Reduction

__all__ = ["CTC", "ctc"]


@op
@in_float32
def ctc(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `-log(P(labels))`, summed over all alignments of the labels with the input.

    Args:
        y_true: class indices of at least 1; 0 pads short sequences, and is the blank.
        y_pred: logits of each time step.

    Shapes: y_true (batch, labels), y_pred (batch, time, classes) -> (batch,)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> scores = np.zeros((1, 2, 3), "float32")
    >>> print(np.asarray(cornu.losses.ctc(np.array([[1]]), scores)).round(3))
    [1.099]

    References: Alex Graves et al. (2006), "Connectionist Temporal Classification".
    """
    labels, logits = jnp.asarray(y_true).astype("int32"), jnp.asarray(y_pred)
    if labels.ndim != 2 or logits.ndim != 3:
        raise ValueError(
            "ctc: expected class indices of shape (batch, labels) and logits of shape "
            f"(batch, time, classes). Received shapes: {labels.shape} and {logits.shape}"
        )
    label_length = jnp.sum(labels != 0, axis=-1, dtype="int32")
    input_length = jnp.full(logits.shape[:1], logits.shape[1], "int32")
    loss: Array = ctc_loss(labels, logits, label_length, input_length, mask_index=0)
    return loss


class CTC(FunctionLoss):
    """Computes the connectionist temporal classification (CTC) loss; see `ctc`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> scores = np.zeros((1, 2, 3), "float32")
    >>> print(np.asarray(cornu.losses.CTC()(np.array([[1]]), scores)).round(3))
    1.099
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "ctc",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)
