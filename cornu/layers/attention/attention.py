"""Attention and AdditiveAttention: attention of a single head, without projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.errors import suggest
from cornu.ops import random
from cornu.ops.precision import wide_softmax
from cornu.types import Array, ShapeLike

__all__ = ["AdditiveAttention", "Attention"]

_MODES = ("dot", "concat")


class Attention(Layer):
    """Dot-product attention, also known as Luong attention.

        scores = scale * query @ key.T                                        (mode "dot")
        scores = concat_score_weight * sum(tanh(scale * (query + key)))       (mode "concat")
        outputs = softmax(scores) @ value

    Args:
        use_scale: whether to multiply the scores by a learned scalar `scale`.
        score_mode: `"dot"` or `"concat"`.
        dropout: the fraction of the attention weights to set to zero in training.
        seed: seed of the dropout.
        **kwargs: passed to `Layer`.

    Call arguments:
        inputs: a list `[query, value]` or `[query, value, key]`; `key` is `value` by default.
        mask: a list `[query_mask, value_mask]` of boolean arrays (batch, time) and (batch, steps).
            The output is zero at masked queries; masked values are ignored.
        training: whether dropout is applied.
        return_attention_scores: whether to return the attention weights as well.
        use_causal_mask: whether each query attends only to positions up to its own.

    Shapes: query (batch, time, depth), value (batch, steps, size), key (batch, steps, depth)
        -> (batch, time, size); attention weights (batch, time, steps).

    Raises:
        ValueError: the input is not a list of two or three arrays.

    Example:

    >>> import cornu
    >>> query, value = cornu.Input((5, 8)), cornu.Input((7, 8))
    >>> cornu.layers.Attention()([query, value]).shape
    (None, 5, 8)

    References: Minh-Thang Luong, Hieu Pham, Christopher D. Manning (2015), "Effective approaches
    to attention-based neural machine translation".
    """

    _rowwise_ = True

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
                f"{self._label_()}: unknown score_mode {score_mode!r}. "
                f"{suggest(score_mode, _MODES)}"
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed, name=self.name)
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None

    def build(self, input_shape: Sequence[ShapeLike]) -> None:
        """Creates `scale` and `concat_score_weight`, as far as they are used."""
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
        """Returns the attention output, and the weights with `return_attention_scores`."""
        self._check(inputs)
        self._check_masks(mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = mask[:2] if mask is not None else (None, None)
        scores = self._scores(query, key)
        weights = wide_softmax(_mask_scores(scores, value_mask, use_causal_mask), axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        outputs = weights @ value
        if query_mask is not None:
            # Selected, not multiplied by the mask: 0 * NaN is NaN.
            outputs = jnp.where(query_mask[..., None], outputs, 0)
        return (outputs, weights) if return_attention_scores else outputs

    def _scores(self, query: Array, key: Array) -> Any:
        """Returns the score of each query and key: (batch, time, steps)."""
        if self.score_mode == "dot":
            scores = query @ jnp.swapaxes(key, -2, -1)
            return scores if self.scale is None else scores * self.scale
        sums = _sums(query, key)
        sums = sums if self.scale is None else self.scale * sums
        scores = jnp.tanh(sums).sum(-1)
        return scores if self.concat_score_weight is None else self.concat_score_weight * scores

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Any:
        """Returns the mask of the query."""
        self._check_masks(mask)
        return None if mask is None else mask[0]

    def _check(self, inputs: Any) -> None:
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            received = tree.map(lambda x: getattr(x, "shape", x), inputs)
            raise ValueError(
                f"{self._label_()} expects a list, [query, value] or [query, value, key]. "
                f"Received: {received}"
            )

    def _check_masks(self, mask: Any) -> None:
        if mask is not None and (not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3)):
            raise ValueError(
                f"{self._label_()}: mask must be a list [query_mask, value_mask]; an entry may be "
                f"None. Received: {tree.map(lambda x: getattr(x, 'shape', x), mask)}"
            )


class AdditiveAttention(Attention):
    """Additive attention, also known as Bahdanau attention.

        scores = sum(scale * tanh(query + key))
        outputs = softmax(scores) @ value

    Args:
        use_scale: whether to multiply the scores by a learned vector `scale`.
        dropout: the fraction of the attention weights to set to zero in training.
        **kwargs: `seed`, and arguments of `Layer`.

    Call arguments: as in `Attention`.

    Shapes: query (batch, time, depth), value (batch, steps, size), key (batch, steps, depth)
        -> (batch, time, size); scale (depth,).

    Example:

    >>> import cornu
    >>> query, value = cornu.Input((5, 8)), cornu.Input((7, 8))
    >>> cornu.layers.AdditiveAttention()([query, value]).shape
    (None, 5, 8)

    References: Dzmitry Bahdanau, Kyunghyun Cho, Yoshua Bengio (2015), "Neural machine translation
    by jointly learning to align and translate".

    Note: the paper first projects query and key linearly, which this layer does not. Apply Dense
    layers before it.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, including `seed`."""
        return {**super().get_config(), "seed": self.seed}

    def _make_scale(self, input_shape: Sequence[ShapeLike]) -> Variable:
        return self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _scores(self, query: Array, key: Array) -> Any:
        activated = jnp.tanh(_sums(query, key))
        return (activated if self.scale is None else self.scale * activated).sum(-1)


def _sums(query: Array, key: Array) -> Any:
    """Returns the sum of each query with each key: (batch, time, steps, depth)."""
    return query[..., :, None, :] + key[..., None, :, :]


def _mask_scores(scores: Any, value_mask: Any, causal: bool) -> Any:
    """Lowers masked scores so far that their softmax is zero."""
    visible = None
    if value_mask is not None:
        visible = value_mask[..., None, :] if value_mask.ndim == scores.ndim - 1 else value_mask
    if causal:
        past = jnp.arange(scores.shape[-2])[:, None] >= jnp.arange(scores.shape[-1])
        visible = past if visible is None else visible & past
    if visible is None:
        return scores
    # As in Keras, a constant is subtracted rather than set: in a row that is masked entirely, the
    # scores keep their differences. 65504 is the largest finite float16.
    penalty = 65504.0 if scores.dtype == jnp.float16 else 1e9
    return jnp.where(visible, scores, scores - penalty)
