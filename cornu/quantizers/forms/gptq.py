"""GPTQ: the error of each column of a weight is corrected in the columns after it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.quantizers.zero_point import compute_quantization_parameters

__all__ = ["Hessian", "quantize_by_gptq"]

# Columns are corrected one by one within a block, and all others after each block.
_BLOCK = 128


class Hessian:
    """The mean of the outer products of the inputs of a layer, times two.

    Args:
        size: the number of inputs.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._count = 0
        self._mean = jnp.zeros((size, size), "float32")

    def add(self, inputs: Any) -> None:
        """Adds the inputs of one call, of any number of axes."""
        x = jnp.reshape(inputs, (-1, self._size)).astype("float32")
        total = self._count + x.shape[0]
        gram = x.T @ x
        gram = (gram + gram.T) / 2.0  # symmetric also after rounding
        if self._count:
            self._mean = self._mean * (self._count / total)
        self._mean = self._mean + (2.0 / total) * gram
        self._count = total

    def damped(self, damping: float) -> Any:
        """Returns the mean with a fraction of the mean diagonal added to the diagonal."""
        diagonal = jnp.diagonal(self._mean)
        # Inputs that were always zero.
        diagonal = jnp.where(diagonal == 0.0, 1.0, diagonal)
        diagonal = diagonal + damping * jnp.mean(diagonal)
        return self._mean - jnp.diag(jnp.diagonal(self._mean)) + jnp.diag(diagonal)


def quantize_by_gptq(
    weight: Any,
    hessian: Any,
    *,
    bits: int,
    symmetric: bool,
    per_channel: bool,
    group_size: int,
    activation_order: bool,
    dtype: str,
) -> tuple[np.ndarray, Any, Any, np.ndarray]:
    """Returns the levels of a weight, and the scales, zero points and indices of groups.

    Args:
        weight: the matrix (outputs, inputs).
        hessian: the damped Hessian (inputs, inputs).
        bits, symmetric, per_channel, group_size, activation_order: see `GPTQConfig`.
        dtype: the dtype of the scales.
    """
    inverse = np.asarray(jnp.linalg.inv(hessian))
    columns = np.array(weight, dtype="float32")
    size = columns.shape[1]
    order = np.arange(size)
    if activation_order:
        order = np.argsort(-np.asarray(jnp.diagonal(hessian)), kind="stable")
        columns = np.ascontiguousarray(columns[:, order])
        inverse = np.ascontiguousarray(inverse[order][:, order])
    group = size if group_size == -1 else group_size
    levels = np.zeros(columns.shape, "int32")
    scales, zeros = [], []
    for start in range(0, size, _BLOCK):
        end = min(start + _BLOCK, size)
        block = columns[:, start:end].copy()
        errors = np.zeros_like(block)
        for i in range(end - start):
            if (start + i) % group == 0:
                values = columns[:, start + i : start + i + group]
                scale, zero, most = compute_quantization_parameters(
                    values, bits=bits, symmetric=symmetric, per_channel=per_channel,
                    compute_dtype=dtype,
                )  # fmt: skip
                scales.append(scale)
                zeros.append(zero)
                factor = np.asarray(scale, "float32")[:, 0]
                offset = np.asarray(zero, "float32")[:, 0]
            found = np.clip(np.round(block[:, i] / factor + offset), 0, float(most))
            levels[:, start + i] = found
            error = (block[:, i] - factor * (found - offset)) / inverse[start + i, start + i]
            errors[:, i] = error
            block[:, i + 1 :] -= error[:, None] * inverse[start + i, start + i + 1 : end][None]
        if end < size:
            columns[:, end:] -= errors @ inverse[start:end, end:]
    # As in Keras, indices are fractions, of which computations take the integer part.
    groups = (np.arange(size) / group).astype("float32")
    back = np.argsort(order)
    return (
        levels[:, back],
        jnp.concatenate(scales, axis=1),
        jnp.concatenate(zeros, axis=1),
        groups[back],
    )
