"""Attention with and without heads, masks, gates and windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.conformance.table import Call, LayerRow

_QUERY_MASK = np.array([[True, True, True, False], [True, False, True, True]])
_VALUE_MASK = np.array([[True, True, True, False, True], [True, False, False, False, False]])
_VISIBLE = np.array([[[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 0], [0, 1, 1, 1]]] * 2, bool)


def _x(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype("float32")


def _pair(rng: np.random.Generator) -> list[np.ndarray]:
    return [_x(rng, 2, 4, 6), _x(rng, 2, 5, 6)]


def _triple(rng: np.random.Generator) -> list[np.ndarray]:
    return [_x(rng, 2, 4, 6), _x(rng, 2, 5, 3), _x(rng, 2, 5, 6)]


def _listed(
    name: str,
    make: Callable[[Any], Any],
    inputs: Callable[[np.random.Generator], Any] = _pair,
    mask: bool = False,
    random: bool = False,
    **kwargs: Any,
) -> LayerRow:
    """A row of a layer that takes its inputs in a list, with call arguments."""
    return LayerRow(
        name,
        make,
        lambda rng: Call((inputs(rng),), kwargs),
        mask=(lambda rng: [_QUERY_MASK, _VALUE_MASK]) if mask else None,
        random=random,
    )


def _headed(
    name: str,
    make: Callable[[Any], Any],
    inputs: Callable[[np.random.Generator], Any] = _pair,
    mask: bool = False,
    random: bool = False,
    skip: dict[str, str] | None = None,
    **kwargs: Any,
) -> LayerRow:
    """A row of a layer that takes its inputs one by one, with call arguments."""
    return LayerRow(
        name,
        make,
        lambda rng: Call(tuple(inputs(rng)), kwargs),
        mask=(lambda rng: _QUERY_MASK) if mask else None,
        random=random,
        atol=2e-6,
        skip=skip or {},
    )


# Keras attaches the mask of an inner softmax to the scores.
_MASKED_SCORES = {"mask": "the scores that are returned have no mask"}


def _same(rng: np.random.Generator) -> list[np.ndarray]:
    x = _x(rng, 2, 4, 6)
    return [x, x]


ROWS = [
    _listed("attention", lambda k: k.layers.Attention()),
    _listed("attention_key", lambda k: k.layers.Attention(use_scale=True), _triple),
    _listed("attention_concat", lambda k: k.layers.Attention(True, "concat")),
    _listed("attention_mask", lambda k: k.layers.Attention(), mask=True),
    _listed(
        "attention_causal",
        lambda k: k.layers.Attention(score_mode="concat"),
        use_causal_mask=True,
        return_attention_scores=True,
    ),
    _listed(
        "attention_causal_mask", lambda k: k.layers.Attention(), mask=True, use_causal_mask=True
    ),
    _listed("attention_dropout", lambda k: k.layers.Attention(dropout=0.5), random=True),
    _listed("additive_attention", lambda k: k.layers.AdditiveAttention()),
    _listed(
        "additive_attention_plain",
        lambda k: k.layers.AdditiveAttention(use_scale=False),
        _triple,
        return_attention_scores=True,
    ),
    _listed("additive_attention_mask", lambda k: k.layers.AdditiveAttention(), mask=True),
    _headed("multi_head", lambda k: k.layers.MultiHeadAttention(2, 3)),
    _headed("multi_head_self", lambda k: k.layers.MultiHeadAttention(2, 3), _same),
    _headed(
        # Keras fails on a value_dim of its own where it does not compute the scores.
        "multi_head_key",
        lambda k: k.layers.MultiHeadAttention(2, 3, 4, dropout=0.2),
        _triple,
        random=True,
    ),
    _headed("multi_head_output", lambda k: k.layers.MultiHeadAttention(2, 3, output_shape=(2, 5))),
    _headed(
        "multi_head_scores",
        lambda k: k.layers.MultiHeadAttention(2, 3, use_bias=False),
        _pair,
        return_attention_scores=True,
    ),
    _headed("multi_head_causal", lambda k: k.layers.MultiHeadAttention(2, 3), use_causal_mask=True),
    _headed(
        "multi_head_causal_scores",
        lambda k: k.layers.MultiHeadAttention(2, 3),
        skip=_MASKED_SCORES,
        return_attention_scores=True,
        use_causal_mask=True,
    ),
    _headed("multi_head_query_mask", lambda k: k.layers.MultiHeadAttention(2, 3), mask=True),
    _headed(
        "multi_head_masks",
        lambda k: k.layers.MultiHeadAttention(2, 3),
        _same,
        attention_mask=_VISIBLE,
        use_causal_mask=True,
    ),
    _headed(
        "multi_head_window",
        lambda k: k.layers.MultiHeadAttention(2, 3, sliding_window=2, use_gate=True),
        _same,
        use_causal_mask=True,
    ),
    _headed(
        "multi_head_dropout", lambda k: k.layers.MultiHeadAttention(2, 3, dropout=0.4), random=True
    ),
    _headed(
        "multi_head_regularized",
        lambda k: k.layers.MultiHeadAttention(
            2, 3, kernel_regularizer="l2", activity_regularizer="l1"
        ),
    ),
    _headed(
        "multi_head_axes",
        lambda k: k.layers.MultiHeadAttention(2, 3, attention_axes=2),
        lambda rng: [_x(rng, 2, 3, 4, 6), _x(rng, 2, 3, 5, 6)],
    ),
    _headed(
        "multi_head_all_axes",
        lambda k: k.layers.MultiHeadAttention(2, 3),
        lambda rng: [_x(rng, 2, 3, 4, 6), _x(rng, 2, 2, 5, 6)],
    ),
    _headed("grouped", lambda k: k.layers.GroupQueryAttention(3, 4, 2)),
    _headed(
        "grouped_key", lambda k: k.layers.GroupQueryAttention(3, 4, 1, use_bias=False), _triple
    ),
    _headed(
        "grouped_scores",
        lambda k: k.layers.GroupQueryAttention(3, 4, 2, use_gate=True),
        _same,
        skip=_MASKED_SCORES,
        attention_mask=_VISIBLE,
        return_attention_scores=True,
        use_causal_mask=True,
    ),
    _headed(
        "grouped_window",
        lambda k: k.layers.GroupQueryAttention(3, 4, 2, sliding_window=3),
        _same,
        attention_mask=_VISIBLE,
    ),
    _headed(
        "grouped_dropout", lambda k: k.layers.GroupQueryAttention(3, 4, 2, dropout=0.4), random=True
    ),
]
