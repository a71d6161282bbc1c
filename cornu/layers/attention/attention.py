"""Attention and AdditiveAttention: averages of values, weighted by scores of keys and queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.errors import suggest
from cornu.ops import random
from cornu.types import Array, ShapeLike

__all__ = ["AdditiveAttention", "Attention"]

_MODES = ("dot", "concat")


class Attention(Layer):
    """Computes averages of values, weighted by products of queries and keys.

        scores = scale * query @ key.T                                        (mode "dot")
        scores = concat_score_weight * sum(tanh(scale * (query + key)))       (mode "concat")
        outputs = softmax(scores) @ value

    Args:
        use_scale: whether scores are multiplied by a trained scalar `scale`.
        score_mode: `"dot"` or `"concat"`.
        dropout: fraction of the weights of values that is set to zero in training.
        seed: seed of the dropout.
        **kwargs: passed to `Layer`.

    Call arguments:
        inputs: a list `[query, value]` or `[query, value, key]`; without it, values are the keys.
        mask: a list `[query_mask, value_mask]` of booleans (batch, time), (batch, steps). Where
            False, the output is zero, or the value does not count.
        training: whether weights are dropped.
        return_attention_scores: whether the weights are returned too.
        use_causal_mask: whether values after the query's own position do not count.

    Shapes: query (batch, time, depth), value (batch, steps, size), key (batch, steps, depth)
        -> (batch, time, size), and weights (batch, time, steps) if asked for.

    Raises:
        ValueError: the inputs are no list of two or three.

    Example:

    >>> import cornu
    >>> query, value = cornu.Input((5, 8)), cornu.Input((7, 8))
    >>> Attention()([query, value]).shape
    (None, 5, 8)

    References: Minh-Thang Luong, Hieu Pham, Christopher D. Manning (2015), "Effective approaches
    to attention-based neural machine translation".
    """

    rowwise = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in _MODES:
            raise ValueError(
                f"{self._label()}: unknown score_mode {score_mode!r}. {suggest(score_mode, _MODES)}"
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed, name=self.name)
        # Any: Variables multiply arrays by operators that are not typed.
        self.scale: Any = None
        self.concat_score_weight: Any = None

    def build(self, input_shape: Sequence[ShapeLike]) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self._make_scale(input_shape)
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _make_scale(self, input_shape: Sequence[ShapeLike]) -> Variable:
        return self.add_weight((), "ones", name="scale")

    def call(
        self,
        inputs: Sequence[Array],
        mask: Sequence[Array | None] | None = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs)
        self._check_masks(mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = mask[:2] if mask is not None else (None, None)
        scores = self._scores(query, key)
        weights = jax.nn.softmax(_masked(scores, value_mask, use_causal_mask), axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        outputs = weights @ value
        if query_mask is not None:
            outputs = jnp.where(query_mask[..., None], outputs, 0)
        return (outputs, weights) if return_attention_scores else outputs

    def _scores(self, query: Array, key: Array) -> Any:
        """Returns the scores of keys and queries: (batch, time, steps)."""
        if self.score_mode == "dot":
            scores = query @ jnp.swapaxes(key, -2, -1)
            return scores if self.scale is None else scores * self.scale
        sums = _sums(query, key)
        sums = sums if self.scale is None else self.scale * sums
        return self.concat_score_weight * jnp.tanh(sums).sum(-1)

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Any:
        self._check_masks(mask)
        return None if mask is None else mask[0]

    def _check(self, inputs: Any) -> None:
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            received = tree.map(lambda x: getattr(x, "shape", x), inputs)
            raise ValueError(
                f"{self._label()} is called on a list, [query, value] or [query, value, key]. "
                f"Received: {received}"
            )

    def _check_masks(self, mask: Any) -> None:
        if mask is not None and (not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3)):
            raise ValueError(
                f"{self._label()}: mask must be a list [query_mask, value_mask], with None for "
                f"no mask. Received: {tree.map(lambda x: getattr(x, 'shape', x), mask)}"
            )


class AdditiveAttention(Attention):
    """Computes averages of values, weighted by sums of queries and keys.

        scores = sum(scale * tanh(query + key))
        outputs = softmax(scores) @ value

    Args:
        use_scale: whether there is a trained vector `scale`.
        dropout: fraction of the weights of values that is set to zero in training.
        **kwargs: passed to `Layer`, and `seed`.

    Call arguments: as in `Attention`.

    Shapes: query (batch, time, depth), value (batch, steps, size), key (batch, steps, depth)
        -> (batch, time, size); scale (depth,).

    Example:

    >>> import cornu
    >>> query, value = cornu.Input((5, 8)), cornu.Input((7, 8))
    >>> AdditiveAttention()([query, value]).shape
    (None, 5, 8)

    References: Dzmitry Bahdanau, Kyunghyun Cho, Yoshua Bengio (2015), "Neural machine translation
    by jointly learning to align and translate".

    Differences: the paper multiplies query and key by matrices first: put a Dense layer before.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}

    def _make_scale(self, input_shape: Sequence[ShapeLike]) -> Variable:
        return self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _scores(self, query: Array, key: Array) -> Any:
        activated = jnp.tanh(_sums(query, key))
        return (activated if self.scale is None else self.scale * activated).sum(-1)


def _sums(query: Array, key: Array) -> Any:
    """Returns the sum of each query with each key: (batch, time, steps, depth)."""
    return query[..., :, None, :] + key[..., None, :, :]


def _masked(scores: Any, value_mask: Any, causal: bool) -> Any:
    """Makes scores of what does not count so small that softmax makes them zero."""
    kept = None
    if value_mask is not None:
        kept = value_mask[..., None, :] if value_mask.ndim == scores.ndim - 1 else value_mask
    if causal:
        before = jnp.arange(scores.shape[-2])[:, None] >= jnp.arange(scores.shape[-1])
        kept = before if kept is None else kept & before
    if kept is None:
        return scores
    # Subtracted, not set: of a row that has nothing that counts, the differences stay.
    far = 65504.0 if scores.dtype == jnp.float16 else 1e9
    return jnp.where(kept, scores, scores - far)
