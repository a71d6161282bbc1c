"""Attention: what masks and windows hide, the axes and heads that there may be, errors."""

import numpy as np
import pytest

import cornu
from cornu.core.graph.graph import Graph
from cornu.layers.attention.attention import Attention
from cornu.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype("float32")


def test_masks_of_a_functional_graph_are_followed():
    tokens = np.array([[3, 1, 2, 0], [2, 1, 0, 0]])
    x = cornu.Input((None,), dtype="int32")
    embedded = cornu.layers.Embedding(4, 6, mask_zero=True)(x)
    y, scores = MultiHeadAttention(2, 3)(embedded, embedded, return_attention_scores=True)
    assert y.shape == (None, None, 6) and scores.shape == (None, 2, None, None)
    mask, scores = Graph([x], [y.mask, scores]).run([tokens])
    np.testing.assert_array_equal(mask, tokens != 0)
    assert not scores[0, :, :, 3].any() and not scores[1, :, :, 2:].any()
    np.testing.assert_allclose(scores[1, :, :2].sum(-1), 1, rtol=1e-6)


def test_masks_given_in_the_call_are_those_attached():
    layer = MultiHeadAttention(2, 3)
    x, mask = array(2, 4, 6), RNG.random((2, 4)) > 0.5
    given = layer(x, x, query_mask=mask, value_mask=mask)
    joined = mask[:, :, None] & mask[:, None, :]
    np.testing.assert_allclose(given, layer(x, x, attention_mask=joined), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [lambda **k: MultiHeadAttention(2, 3, **k), lambda **k: GroupQueryAttention(3, 4, 2, **k)],
)
def test_both_ways_of_computing_agree(make):
    layer, other = make(), make(dropout=0.5)
    x, visible = array(2, 5, 6), RNG.random((2, 5, 5)) > 0.3
    visible[:, range(5), range(5)] = True
    layer(x, x), other(x, x)
    other.set_weights(layer.get_weights())
    for kwargs in ({}, {"use_causal_mask": True}, {"attention_mask": visible}):
        expected = layer(x, x, **kwargs)
        by_scores, _ = layer(x, x, return_attention_scores=True, **kwargs)
        np.testing.assert_allclose(by_scores, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(other(x, x, **kwargs), expected, rtol=1e-5, atol=1e-6)


def test_causal_windows_see_the_last_steps_only():
    x = array(1, 6, 4)
    layer = MultiHeadAttention(1, 4, sliding_window=3)
    _, scores = layer(x, x, use_causal_mask=True, return_attention_scores=True)
    steps = np.arange(6)
    ago = steps[:, None] - steps
    np.testing.assert_array_equal(scores[0, 0] > 0, (ago >= 0) & (ago < 3))


def test_dropout_drops_in_training_only():
    x = array(2, 5, 6)
    for layer in (Attention(dropout=0.5), MultiHeadAttention(2, 3, dropout=0.5)):
        args = ([x, x],) if isinstance(layer, Attention) else (x, x)
        still = layer(*args)
        np.testing.assert_array_equal(layer(*args), still)
        one, other = layer(*args, training=True), layer(*args, training=True)
        assert not np.allclose(one, still) and not np.allclose(one, other)


def test_unknown_sizes_are_inferred():
    query, value = cornu.Input((None, 6)), cornu.Input((7, 6))
    assert Attention()([query, value]).shape == (None, None, 6)
    assert MultiHeadAttention(2, 3, output_shape=(2, 5))(query, value).shape == (None, None, 2, 5)
    assert GroupQueryAttention(3, 4, 2)(query, value, use_causal_mask=True).shape == (None, None, 6)


def test_the_output_shape_follows_from_the_shapes_of_all_inputs():
    layer = MultiHeadAttention(2, 3)
    assert layer.compute_output_shape((None, 4, 6), (None, 5, 3), (None, 5, 6)) == (None, 4, 6)


def test_weights_have_the_paths_of_keras():
    layer = GroupQueryAttention(3, 4, 2, use_gate=True)
    layer(array(2, 5, 6), array(2, 5, 6))
    assert [v.path.removeprefix("grouped_query_attention/") for v in layer.weights] == [
        f"{name}/{weight}"
        for name in ("query", "key", "gate", "value", "attention_output")
        for weight in ("kernel", "bias")
    ]
    assert layer.key_dense.kernel.shape == (6, 2, 3) and layer.num_repeats == 2
    assert not np.array_equal(*(d.kernel for d in (layer.query_dense, layer.gate_dense)))


def test_errors_name_the_expected_value():
    x, y = array(2, 4, 6), array(2, 5, 6)
    with pytest.raises(ValueError, match=r"expects a list, \[query, value\]"):
        Attention()(x)
    with pytest.raises(ValueError, match=r"mask must be a list \[query_mask, value_mask\]"):
        Attention()([x, y], mask=np.ones((2, 4), bool))
    with pytest.raises(ValueError, match="unknown score_mode 'dots'. Did you mean 'dot'"):
        Attention(score_mode="dots")
    with pytest.raises(ValueError, match="key_dim must be a positive integer. Received: 0"):
        MultiHeadAttention(2, 0)
    with pytest.raises(ValueError, match="sliding_window must be a positive integer"):
        MultiHeadAttention(2, 3, sliding_window=0)
    with pytest.raises(ValueError, match="must divide num_query_heads. Received: 3 and 4"):
        GroupQueryAttention(3, 4, 3)
    with pytest.raises(ValueError, match="keys and values must have the same length"):
        MultiHeadAttention(2, 3)(x, x, y)
    with pytest.raises(ValueError, match="flash attention does not support dropout"):
        MultiHeadAttention(2, 3, dropout=0.1, flash_attention=True)
    with pytest.raises(ValueError, match="flash attention does not compute the attention scores"):
        MultiHeadAttention(2, 3, flash_attention=True)(x, x, return_attention_scores=True)
