"""MultiHeadAttention and GroupedQueryAttention."""

from __future__ import annotations

from typing import Any

from cornu.layers.attention.projected import HeadedAttention
from cornu.registry import add_class
from cornu.types import ConstraintLike, InitializerLike, RegularizerLike

__all__ = ["GroupQueryAttention", "GroupedQueryAttention", "MultiHeadAttention"]


class MultiHeadAttention(HeadedAttention):
    """Multi-head attention: scaled dot-product attention between learned projections.

        q, k, v = query @ query_kernel, key @ key_kernel, value @ value_kernel     (for each head)
        outputs = softmax(q @ k.T / sqrt(key_dim)) @ v @ output_kernel             (sum of heads)

    Args:
        num_heads: the number of heads.
        key_dim: the size of queries and keys in each head.
        value_dim: the size of values in each head; `key_dim` by default.
        dropout: the fraction of the attention weights to set to zero in training.
        use_bias: whether the projections have biases.
        output_shape: the size, or sizes, of the last axes of the output; by default that of the
            query.
        attention_axes: the axes over which attention is computed; by default all axes except the
            batch and the features.
        sliding_window: each query attends only to positions closer than this; unlimited by
            default.
        flash_attention: True requires flash attention, which does not store all scores; False
            disables it. By default it is used where it is available.
        kernel_initializer, bias_initializer: initializers of the projections.
        kernel_regularizer, bias_regularizer, activity_regularizer: regularizers of the
            projections.
        kernel_constraint, bias_constraint: constraints of the projections.
        use_gate: whether to multiply the output of each head by a sigmoid gate, a further
            projection of the query.
        seed: the seed of the dropout.
        **kwargs: passed to `Layer`.

    Call arguments:
        query, value, key: the inputs; `key` is `value` by default.
        query_mask, value_mask, key_mask: boolean arrays (batch, time) or (batch, steps), False at
            padded positions.
        attention_mask: a boolean array (batch, time, steps), False where a query must not attend.
        return_attention_scores: whether to return the attention weights as well.
        training: whether dropout is applied.
        use_causal_mask: whether each query attends only to positions up to its own.

    Shapes: query (batch, time, features), value and key (batch, steps, ...)
        -> (batch, time, features); attention weights (batch, heads, time, steps).

    Raises:
        ValueError: a size is not positive, keys and values differ in length, or flash attention is
            required where it is not available.

    Example:

    >>> import cornu
    >>> x = cornu.Input((10, 16))
    >>> cornu.layers.MultiHeadAttention(num_heads=4, key_dim=8)(x, x, use_causal_mask=True).shape
    (None, 10, 16)

    References: Ashish Vaswani et al. (2017), "Attention is all you need"; Zihan Qiu et al. (2025),
    "Gated attention for large language models" (`use_gate`).

    Fixes: a `query_mask` that is passed explicitly is applied; Keras applies only the mask attached
    to the query.

    Note: PyTorch stores one kernel for queries, keys and values. In Keras, `num_heads`, `key_dim`,
    `query_dense` and the like are properties of the class; here they are attributes of the layer.

    Fixes: `value_dim` may differ from `key_dim`, and float16 works on CPU; Keras 3.15 on JAX raises
    errors where it takes the fused kernel.
    """

    # In archives, Keras stores the other projections under its public properties; the gate has
    # none.
    _saved_names_ = {"gate_dense": "_gate_dense"}
    _argument_attributes_ = {"output_shape": "output_sizes"}

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # The activity regularizer is applied to the projections, not to the layer's own output.
        self.store_arguments(locals(), skip=("activity_regularizer", "output_shape"))
        self.value_dim = key_dim if value_dim is None else value_dim
        self._check_positive("num_heads", "key_dim", "value_dim")
        self._set_heads(num_heads, num_heads, key_dim, self.value_dim)
        one_axis, one_size = isinstance(attention_axes, int), isinstance(output_shape, int)
        self.attention_axes = (attention_axes,) if one_axis else attention_axes
        self.output_sizes = (output_shape,) if one_size else output_shape


class GroupedQueryAttention(HeadedAttention):
    """Grouped-query attention: groups of query heads share keys and values.

        q, k, v = query @ query_kernel, key @ key_kernel, value @ value_kernel     (for each head)
        outputs = softmax(q @ k.T / sqrt(head_dim)) @ v @ output_kernel            (sum of heads)

    If `num_key_value_heads` equals `num_query_heads`, this is multi-head attention; if it is 1,
    multi-query attention.

    Args:
        head_dim: the size of queries, keys and values in each head.
        num_query_heads: the number of query heads.
        num_key_value_heads: the number of key and value heads; it must divide `num_query_heads`.
        dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer,
            kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, use_gate, seed: as in `MultiHeadAttention`.
        **kwargs: passed to `Layer`.

    Call arguments: as in `MultiHeadAttention`.

    Shapes: query (batch, time, features), value and key (batch, steps, ...)
        -> (batch, time, features); attention weights (batch, query heads, time, steps).

    Raises:
        ValueError: the number of key and value heads does not divide that of query heads, or flash
            attention is required where it is not available.

    Example:

    >>> import cornu
    >>> x = cornu.Input((10, 16))
    >>> layer = cornu.layers.GroupQueryAttention(8, num_query_heads=4, num_key_value_heads=2)
    >>> layer(x, x).shape
    (None, 10, 16)

    References: Joshua Ainslie et al. (2023), "GQA: training generalized multi-query transformer
    models from multi-head checkpoints".

    The activity regularizer is applied to the projections and to the output, as in Keras.

    Note: `cornu.layers.GroupQueryAttention`, the public name in Keras, is the same class.
    """

    _saved_names_ = {
        f"{name}_dense": f"_{name}_dense" for name in ("query", "key", "value", "gate", "output")
    }

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self._check_positive("head_dim", "num_query_heads", "num_key_value_heads")
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"{self._label_()}: num_key_value_heads must divide num_query_heads. "
                f"Received: {num_key_value_heads} and {num_query_heads}"
            )
        self._set_heads(num_query_heads, num_key_value_heads, head_dim, head_dim)
        self.num_repeats = num_query_heads // num_key_value_heads

    def _public_name_(self) -> tuple[str, str]:
        """Returns the module and class name in configs, which are those of Keras."""
        return "keras.layers", "GroupQueryAttention"


add_class("layers", GroupedQueryAttention, "GroupQueryAttention")
GroupQueryAttention = GroupedQueryAttention
