"""The ops of neural networks, gathered, and the encodings of classes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from cornu import settings
from cornu.ops._table import as_float, define
from cornu.ops.activation import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from cornu.ops.attention import dot_product_attention
from cornu.ops.conv import conv, conv_transpose, depthwise_conv, separable_conv
from cornu.ops.ctc import ctc_decode, ctc_loss
from cornu.ops.loss import (
    binary_crossentropy,
    categorical_crossentropy,
    psnr,
    sparse_categorical_crossentropy,
)
from cornu.ops.normalization import (
    batch_normalization,
    layer_normalization,
    moments,
    normalize,
    rms_normalization,
)
from cornu.ops.patch import depth_to_space, fold, space_to_depth, unfold
from cornu.ops.pooling import adaptive_average_pool, adaptive_max_pool, average_pool, max_pool

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "conv",
    "conv_transpose",
    "ctc_decode",
    "ctc_loss",
    "depth_to_space",
    "depthwise_conv",
    "dot_product_attention",
    "elu",
    "fold",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "moments",
    "multi_hot",
    "normalize",
    "one_hot",
    "polar",
    "psnr",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "separable_conv",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
    "unfold",
]


@define
def one_hot(
    x: Array, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Array:
    """Integers as arrays that are 1 at their place and 0 elsewhere.

    Args:
        x: integers; one that is no class (-1) gives zeros only.
        num_classes: size of the new axis.
        axis: where the new axis stands.
        dtype: the dtype of the result; the process-wide float type by default.
        sparse: not supported.

    Shapes:
        x (...) -> (..., num_classes).

    Example:

    >>> import cornu
    >>> cornu.ops.one_hot([2, 0, -1], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    _refuse_sparse(sparse)
    dtype = settings.get("floatx") if dtype is None else dtype
    return jax.nn.one_hot(x, num_classes, axis=axis, dtype=dtype)


@define
def multi_hot(
    inputs: Array,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: int,
) -> Array:
    """Sets of integers as arrays that are 1 at the places of their members and 0 elsewhere.

    Args:
        inputs: integers; one that is no class (-1) adds nothing.
        num_classes: size of the new axis.
        axis: where the new axis stands, before the axis of members is taken away.
        dtype: the dtype of the result; the process-wide float type by default.
        sparse: not supported.
        **kwargs: `num_tokens`, the older name of `num_classes`.

    Shapes:
        inputs (members,) -> (num_classes,), or (batch, members, ...) -> (batch, ..., num_classes).

    Raises:
        ValueError: `num_classes` is missing.

    Example:

    >>> import cornu
    >>> cornu.ops.multi_hot([[2, 0], [1, 1]], 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    _refuse_sparse(sparse)
    if num_classes is None:
        num_classes = kwargs.pop("num_tokens", None)
    if kwargs:
        raise TypeError(f"multi_hot has no argument {next(iter(kwargs))!r}.")
    if num_classes is None:
        raise ValueError("multi_hot needs num_classes, the number of classes.")
    ones = one_hot(inputs.astype("int32"), num_classes, axis=axis, dtype=dtype)
    return jnp.max(ones, axis=1 if inputs.ndim > 1 else 0)


@define
def polar(abs_: Array, angle: Array) -> Array:
    """The complex numbers `abs_ * (cos(angle) + i sin(angle))`.

    Args:
        abs_: their absolute values.
        angle: their angles, in radians.

    Example:

    >>> import cornu
    >>> cornu.ops.polar(2.0, 0.0).item()
    (2+0j)
    """
    abs_, angle = as_float(abs_), as_float(angle)
    return lax.complex(abs_ * jnp.cos(angle), abs_ * jnp.sin(angle))


def _refuse_sparse(sparse: bool) -> None:
    if sparse:
        raise NotImplementedError("Sparse arrays do not exist here. Use sparse=False.")
