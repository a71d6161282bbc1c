"""MultiHeadAttention and GroupedQueryAttention."""

from __future__ import annotations

from typing import Any

from cornu.layers.attention.projected import HeadedAttention
from cornu.registry import add_class
from cornu.types import ConstraintLike, InitializerLike, RegularizerLike

__all__ = ["GroupQueryAttention", "GroupedQueryAttention", "MultiHeadAttention"]


class MultiHeadAttention(HeadedAttention):
    """Computes attention in several heads, between learned projections.

        q, k, v = query @ query_kernel, key @ key_kernel, value @ value_kernel     (for each head)
        outputs = softmax(q @ k.T / sqrt(key_dim)) @ v @ output_kernel             (sum of heads)

    Args:
        num_heads: the number of heads.
        key_dim: size of queries and keys in each head.
        value_dim: size of values in each head; `key_dim` by default.
        dropout: fraction of the weights of values that is set to zero in training.
        use_bias: whether the projections have biases.
        output_shape: sizes of the output's last axes; by default that of the query.
        attention_axes: the axes over which values are averaged; by default all but the first
            (batch) and the last.
        sliding_window: sees only steps that are less than this away; all by default.
        flash_attention: whether the kernel that never holds all scores must be used (True) or
            must not (False); by default it is used where it can be.
        kernel_initializer, bias_initializer: of the projections.
        kernel_regularizer, bias_regularizer, activity_regularizer: of the projections.
        kernel_constraint, bias_constraint: of the projections.
        use_gate: whether the heads' outputs are multiplied by a sigmoid of a further projection
            of the query.
        seed: seed of the dropout.
        **kwargs: passed to `Layer`.

    Call arguments:
        query, value, key: the inputs; keys are the values by default.
        query_mask, value_mask, key_mask: booleans (batch, time) or (batch, steps), False for
            what does not count.
        attention_mask: booleans (batch, time, steps), False for what a query does not see.
        return_attention_scores: whether the weights of values are returned too.
        training: whether weights are dropped.
        use_causal_mask: whether a query sees no steps after its own.

    Shapes: query (batch, time, features), value and key (batch, steps, ...)
        -> (batch, time, features), and weights (batch, heads, time, steps) if asked for.

    Raises:
        ValueError: numbers that are not positive, keys and values of different lengths, or flash
            attention where it cannot be used.

    Example:

    >>> import cornu
    >>> x = cornu.Input((10, 16))
    >>> MultiHeadAttention(num_heads=4, key_dim=8)(x, x, use_causal_mask=True).shape
    (None, 10, 16)

    References: Ashish Vaswani et al. (2017), "Attention is all you need"; Zihan Qiu et al. (2025),
    "Gated attention for large language models" (`use_gate`).

    Differences: `query_mask` also counts when it is given in the call; Keras only looks at the one
    that is attached to the query. PyTorch has one kernel for queries, keys and values.
    """

    saved_names = {"gate_dense": "_gate_dense"}

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
        # The regularizer is that of the projections; the layer itself has none.
        self.store_arguments(locals(), skip=("activity_regularizer", "output_shape"))
        self.value_dim = key_dim if value_dim is None else value_dim
        for name in ("num_heads", "key_dim", "value_dim"):
            self._check_positive(name, getattr(self, name))
        self._set_heads(num_heads, num_heads, key_dim, self.value_dim)
        one_axis, one_size = isinstance(attention_axes, int), isinstance(output_shape, int)
        self.attention_axes = (attention_axes,) if one_axis else attention_axes
        self.output_sizes = (output_shape,) if one_size else output_shape


class GroupedQueryAttention(HeadedAttention):
    """Computes attention in several heads, groups of which share keys and values.

        q, k, v = query @ query_kernel, key @ key_kernel, value @ value_kernel     (for each head)
        outputs = softmax(q @ k.T / sqrt(head_dim)) @ v @ output_kernel            (sum of heads)

    With as many heads of keys as of queries it is multi-head attention, with one it is multi-query
    attention.

    Args:
        head_dim: size of queries, keys and values in each head.
        num_query_heads: the number of heads of queries.
        num_key_value_heads: the number of heads of keys and values, which divides it.
        dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer,
            kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, use_gate, seed: as in `MultiHeadAttention`.
        **kwargs: passed to `Layer`.

    Call arguments: as in `MultiHeadAttention`.

    Shapes: query (batch, time, features), value and key (batch, steps, ...)
        -> (batch, time, features), and weights (batch, query heads, time, steps) if asked for.

    Raises:
        ValueError: the heads do not divide, or flash attention where it cannot be used.

    Example:

    >>> import cornu
    >>> x = cornu.Input((10, 16))
    >>> GroupedQueryAttention(head_dim=8, num_query_heads=4, num_key_value_heads=2)(x, x).shape
    (None, 10, 16)

    References: Joshua Ainslie et al. (2023), "GQA: training generalized multi-query transformer
    models from multi-head checkpoints".

    Differences: in Keras `keras.layers.GroupQueryAttention`; both names are known here. The
    activity regularizer acts on the projections and on the output.
    """

    saved_names = {
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
        for name in ("head_dim", "num_query_heads", "num_key_value_heads"):
            self._check_positive(name, getattr(self, name))
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"{self._label()}: num_key_value_heads must divide num_query_heads. "
                f"Received: {num_key_value_heads} and {num_query_heads}"
            )
        self._set_heads(num_query_heads, num_key_value_heads, head_dim, head_dim)
        self.num_repeats = num_query_heads // num_key_value_heads

    def public_name(self) -> tuple[str, str]:
        return "keras.layers", "GroupQueryAttention"


add_class("layers", GroupedQueryAttention, "GroupQueryAttention")
GroupQueryAttention = GroupedQueryAttention
