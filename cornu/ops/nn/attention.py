"""Attention: averages of values, weighted by the similarity of keys and queries."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.state.placement import gather_steps
from cornu.core.target import applies, current_target
from cornu.ops.arguments import to_array, to_float
from cornu.types import Array, ArrayLike

__all__ = ["dot_product_attention"]


@op
def dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    bias: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Array:
    """Computes `softmax(query @ key.T * scale + bias) @ value` for each head.

    The softmax is computed at least in float32, independent of the dtype of the arrays.

    Args:
        query: the queries.
        key: the keys. Their number of heads must divide that of the queries; several heads of
            the queries then share a head of the keys (grouped-query attention).
        value: the values, one per key.
        bias: added to the scores.
        mask: False (or 0) where a query must not attend to a key.
        scale: the factor of the scores; `1 / sqrt(features)` by default.
        is_causal: whether a query attends only to keys up to its own position.
        flash_attention: whether to use cuDNN's fused kernel, which never stores all scores. If
            None, it is used where possible, provided that
            `cornu.config.enable_flash_attention()` was called.
        attn_logits_soft_cap: not supported.

    Shapes:
        query (batch, time, heads, features), key (batch, steps, heads, features),
        value (batch, steps, heads, depth), bias and mask broadcastable to
        (batch, heads, time, steps) -> (batch, time, heads, depth).

    Raises:
        ValueError: the shapes are incompatible, or flash attention is requested and not
            available.

    Example:

    >>> import cornu
    >>> x = [[[[1.0]], [[3.0]]]]  # one sample, two steps, one head, one feature
    >>> cornu.ops.dot_product_attention(x, x, x, scale=0.0).ravel().tolist()
    [2.0, 2.0]

    References: Vaswani et al. (2017), "Attention Is All You Need"; Dao et al. (2022),
    "FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness".

    For a query whose keys are all masked, the result is the average of all values, as in Keras
    without a fused kernel.

    Differences: Keras uses the fused kernel by default where possible.

    Extensions: values and keys may differ in their number of features.

    Fixes: float16 works on CPU; Keras 3.15 on JAX raises an error there where it takes the fused
    kernel.
    """
    query, key, value = to_float(query), to_float(key), to_float(value)
    bias = to_array(bias)
    mask = to_array(mask)
    if attn_logits_soft_cap is not None:
        raise ValueError("attn_logits_soft_cap is not supported. Cap the scores in a custom layer.")
    _check(query, key, value)
    dtype = jnp.result_type(query, key, value)
    query, key, value = (x.astype(dtype) for x in (query, key, value))
    key, value = gather_steps(key), gather_steps(value)
    score_shape = (query.shape[0], query.shape[2], query.shape[1], key.shape[1])
    if bias is not None:
        bias = _to_four_axes(bias.astype(dtype), score_shape, "bias")
    if mask is not None:
        mask = _to_four_axes(mask.astype(bool), score_shape, "mask")
    features, depth = query.shape[-1], value.shape[-1]
    scale = features**-0.5 if scale is None else scale
    if _use_flash(flash_attention, query, value):
        if mask is not None:
            # cuDNN broadcasts masks and biases over batch and heads only.
            mask = jnp.broadcast_to(mask, (*mask.shape[:2], *score_shape[2:]))
        if bias is not None:
            bias = jnp.broadcast_to(bias, (*bias.shape[:2], *score_shape[2:]))
        return jax.nn.dot_product_attention(
            *(query, key, value, bias, mask),
            scale=scale,
            is_causal=is_causal,
            implementation="cudnn",
        )
    if applies("attention"):
        if is_causal:
            past = jnp.tril(jnp.ones(score_shape[2:], bool))
            mask = past if mask is None else mask & past
        return _attend(query, key, value, bias, mask, scale)
    # JAX requires equal numbers of features in values and keys. Padding with zeros changes neither
    # the scores nor the first features of the result.
    query, key, value = (_widen(x, max(features, depth)) for x in (query, key, value))
    attended = jax.nn.dot_product_attention(
        *(query, key, value, bias, mask), scale=scale, is_causal=is_causal, implementation="xla"
    )
    return attended[..., :depth]


# The heads are moved next to the batch, so that the products are of contiguous matrices. With JAX's
# own function, a training step of a Transformer's attention takes 1.3 times as long on CPU.
def _attend(
    query: Array, key: Array, value: Array, bias: Array | None, mask: Array | None, scale: float
) -> Array:
    """Returns the attention in the layout of the queries."""
    wide = jnp.promote_types(query.dtype, "float32")
    query, key, value = (jnp.swapaxes(x, 1, 2) for x in (query, key, value))
    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        # Grouped-query attention: consecutive heads of the queries share a head of the keys.
        key, value = (jnp.repeat(x, shared, axis=1) for x in (key, value))
    # Scaling the queries instead of the scores is cheaper, as they have fewer elements.
    query = (query.astype(wide) * scale).astype(query.dtype)
    scores = jnp.einsum("bhtf,bhsf->bhts", query, key, preferred_element_type=wide)
    if bias is not None:
        scores = scores + bias.astype(wide)
    if mask is not None:
        # A finite value, as in JAX: minus infinity would give NaN for a query whose keys are all
        # masked.
        scores = jnp.where(mask, scores, -0.7 * float(jnp.finfo(wide).max))
    weights = _softmax(scores).astype(value.dtype)
    return jnp.swapaxes(jnp.einsum("bhts,bhsf->bhtf", weights, value), 1, 2)


@jax.custom_jvp
def _softmax(scores: Array) -> Array:
    """Returns the softmax along the last axis."""
    terms = jnp.exp(scores - jnp.max(scores, -1, keepdims=True))
    return terms / jnp.sum(terms, -1, keepdims=True)


# JAX computes the softmax again for its gradient; here its result is reused.
@_softmax.defjvp
def _softmax_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    weights = _softmax(*primals)
    (tangent,) = tangents
    return weights, weights * (tangent - jnp.sum(weights * tangent, -1, keepdims=True))


def _check(query: Array, key: Array, value: Array) -> None:
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if not query.ndim == key.ndim == value.ndim == 4:
        raise ValueError(
            "dot_product_attention: expected arrays of shape (batch, time, heads, features). "
            f"Received: {shapes}"
        )
    if query.shape[-1] != key.shape[-1] or key.shape[:-1] != value.shape[:-1]:
        raise ValueError(
            "dot_product_attention: queries and keys must have equal numbers of features, and "
            f"there must be one value per key. Received: {shapes}"
        )
    if query.shape[2] % key.shape[2]:
        raise ValueError(
            "dot_product_attention: the number of heads of the keys must divide that of the "
            "queries. "
            f"Received: {shapes}"
        )


def _to_four_axes(x: Array, score_shape: tuple[Any, ...], name: str) -> Array:
    """Returns a bias or mask with four axes, after checking its shape."""
    if x.ndim < 4:
        x = jnp.expand_dims(x, tuple(range(4 - x.ndim)))
    if x.ndim > 4 or any(n not in (1, m) for n, m in zip(x.shape, score_shape, strict=True)):
        raise ValueError(
            f"dot_product_attention: the {name} must be broadcastable to (batch, heads, time, "
            f"steps), here {score_shape}. Received shape {x.shape}"
        )
    return x


def _widen(x: Array, features: int) -> Array:
    missing = features - x.shape[-1]
    return jnp.pad(x, [(0, 0)] * 3 + [(0, missing)]) if missing else x


def _use_flash(wanted: bool | None, query: Array, value: Array) -> bool:
    """Returns whether to use cuDNN's kernel; raises an error if it is required but unavailable."""
    if wanted is False or (wanted is None and not settings.get("flash_attention")):
        return False
    reason = _explain_unavailable(query, value)
    if wanted and reason:
        raise ValueError(f"Flash attention cannot be used: {reason}.")
    return not reason


def _explain_unavailable(query: Array, value: Array) -> str:
    """Returns why cuDNN's kernel cannot be used, or an empty string if it can."""
    target = current_target()
    if target.backend != "gpu":
        return "it requires a GPU"
    capability = target.compute_capability
    if not re.fullmatch(r"\d+\.\d", capability) or float(capability) < 8:
        return "it requires an NVIDIA GPU of compute capability 8.0 or higher"
    if not all(isinstance(size, int) for size in (*query.shape, *value.shape)):
        return "all sizes must be known"
    if query.shape[1] % 2 or value.shape[1] % 2:
        return "it requires even numbers of queries and keys"
    if query.dtype not in (jnp.float16, jnp.bfloat16):
        return f"it requires float16 or bfloat16, not {query.dtype}"
    features = query.shape[-1]
    if features != value.shape[-1] or features % 8 or features > 128:
        return (
            "it requires equal numbers of features in values and keys, a multiple of 8 up to 128, "
            f"not {features} and {value.shape[-1]}"
        )
    return ""
