"""Activations, cross-entropies, normalization, attention, CTC and the like, compared with Keras."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from cornu import settings
from cornu.ops import nn
from tests.ops.against_keras import same, same_gradient, symbolic_like_concrete, takes_variables

rng = np.random.default_rng(0)
X = rng.normal(size=(5, 4)).astype("float32") * 3
IMAGE = rng.normal(size=(7, 4, 6, 8)).astype("float32")
PROBABILITY = rng.uniform(size=(5, 4)).astype("float32")
PROBABILITY[0, :2] = 0, 1
ONE_HOT = np.eye(4, dtype="float32")[rng.integers(0, 4, 5)]
CLASSES = rng.integers(0, 4, 5).astype("int32")
HEADS = rng.normal(size=(5, 6, 4, 8)).astype("float32")
KEYS = rng.normal(size=(5, 3, 4, 8)).astype("float32")
SHARED = rng.normal(size=(5, 3, 2, 8)).astype("float32")
BIAS = rng.normal(size=(1, 4, 6, 3)).astype("float32")
MASK = rng.uniform(size=(5, 1, 6, 3)) > 0.3
FRAMES = rng.normal(size=(3, 9, 5)).astype("float32")
LENGTHS = np.array([9, 7, 6], "int32")
LABELS = np.array([[1, 1, 2, 3], [4, 2, 4, 0], [0, 0, 0, 0]], "int32")
LABEL_LENGTHS = np.array([4, 3, 0], "int32")


CASES = [
    *((name, (X,), {}) for name in "relu relu6 sigmoid sparse_sigmoid softplus softsign".split()),
    *((name, (X,), {}) for name in "soft_shrink sparse_plus silu swish squareplus".split()),
    *((name, (X,), {}) for name in "log_sigmoid leaky_relu hard_sigmoid hard_silu".split()),
    *((name, (X,), {}) for name in "hard_swish elu selu gelu celu glu tanh_shrink".split()),
    *((name, (X,), {}) for name in "hard_tanh hard_shrink softmax log_softmax".split()),
    ("threshold", (X, 0.5, -2.0), {}),
    ("leaky_relu", (X,), {"negative_slope": 0.01}),
    ("elu", (X,), {"alpha": 0.5}),
    ("celu", (X,), {"alpha": 0.5}),
    ("gelu", (X,), {"approximate": False}),
    ("squareplus", (X,), {"b": 1}),
    ("glu", (IMAGE,), {"axis": 2}),
    ("hard_shrink", (X,), {"threshold": 1.0}),
    ("soft_shrink", (X, 1.0), {}),
    ("softmax", (IMAGE,), {"axis": (1, 3)}),
    ("log_softmax", (IMAGE,), {"axis": (1, 3)}),
    ("one_hot", (CLASSES, 6), {}),
    ("one_hot", (CLASSES - 1, 3), {"dtype": "int32", "axis": 0}),
    ("multi_hot", (rng.integers(-1, 6, (5, 3)), 6), {}),
    ("multi_hot", (CLASSES[:3], 6), {"dtype": "bool"}),
    ("multi_hot", (rng.integers(0, 6, (5, 3)),), {"num_tokens": 7}),
    ("binary_crossentropy", (PROBABILITY, PROBABILITY[::-1]), {}),
    ("binary_crossentropy", (PROBABILITY, X), {"from_logits": True}),
    ("categorical_crossentropy", (ONE_HOT, PROBABILITY), {}),
    ("categorical_crossentropy", (ONE_HOT, X), {"from_logits": True}),
    ("categorical_crossentropy", (PROBABILITY, X), {"from_logits": True, "axis": 0}),
    ("sparse_categorical_crossentropy", (CLASSES, PROBABILITY), {}),
    ("sparse_categorical_crossentropy", (CLASSES[:, None] - 1, X), {"from_logits": True}),
    ("psnr", (X, X + PROBABILITY, 2.0), {}),
    ("moments", (IMAGE, [0, 1, 2]), {}),
    ("moments", (IMAGE, 3), {"keepdims": True}),
    ("moments", (IMAGE.astype("float16"), (1, 2)), {}),
    ("batch_normalization", (X, X[0], X[1] ** 2, -1), {}),
    ("batch_normalization", (IMAGE, X[0], X[1] ** 2, 1), {"offset": X[2], "scale": X[3]}),
    ("layer_normalization", (X,), {}),
    ("layer_normalization", (X, X[0], X[1]), {"epsilon": 0.1}),
    ("layer_normalization", (IMAGE, IMAGE[0, :, 0], IMAGE[0, :, 1]), {"axis": [3, 1]}),
    ("layer_normalization", (IMAGE.astype("float16"),), {"axis": 1}),
    ("rms_normalization", (X,), {}),
    ("rms_normalization", (X, X[0]), {"epsilon": 0.1}),
    ("rms_normalization", (IMAGE,), {"axis": (1, 2)}),
    ("normalize", (X,), {}),
    ("normalize", (X, 0, 1), {}),
    ("normalize", (X,), {"order": 3, "epsilon": 10.0}),
    ("normalize", (np.zeros((5, 2), "float32"),), {}),
    ("polar", (PROBABILITY, X), {}),
    ("unfold", (IMAGE, 2), {}),
    ("unfold", (IMAGE, (2, 3)), {"dilation": 2, "padding": (1, 2), "stride": (2, 1)}),
    ("fold", (rng.normal(size=(5, 24, 9)).astype("float32"), 4, 2), {}),
    (
        "fold",
        (rng.normal(size=(5, 18, 9)).astype("float32"), (6, 8), (2, 3)),
        {"dilation": 2, "padding": (1, 2), "stride": (2, 3)},
    ),
    ("depth_to_space", (IMAGE, 2), {}),
    ("depth_to_space", (IMAGE, 2), {"data_format": "channels_first"}),
    ("space_to_depth", (IMAGE, 2), {}),
    ("space_to_depth", (IMAGE, 2), {"data_format": "channels_first"}),
    ("dot_product_attention", (HEADS, KEYS, KEYS[::-1]), {}),
    ("dot_product_attention", (HEADS, SHARED, SHARED), {"scale": 0.7}),
    ("dot_product_attention", (HEADS, HEADS, HEADS), {"is_causal": True}),
    ("dot_product_attention", (HEADS, KEYS, KEYS), {"bias": BIAS, "mask": MASK}),
    ("ctc_loss", (LABELS, FRAMES, LABEL_LENGTHS, LENGTHS), {"mask_index": 0}),
    ("ctc_loss", (LABELS, FRAMES, LABEL_LENGTHS, LENGTHS), {"mask_index": 4}),
    ("ctc_decode", (FRAMES, LENGTHS), {}),
    ("ctc_decode", (FRAMES, LENGTHS), {"merge_repeated": False, "mask_index": None}),
    (
        "ctc_decode",
        (FRAMES, LENGTHS),
        {"strategy": "beam_search", "beam_width": 8, "top_paths": 2, "mask_index": 2},
    ),
]


def first_of_each_op():
    """The first case of each op always runs, the others are slow."""
    seen, parameters = set(), []
    for i, (name, args, kwargs) in enumerate(CASES):
        marks = [pytest.mark.slow] if name in seen else []
        parameters.append(pytest.param(name, args, kwargs, id=f"{i}-{name}", marks=marks))
        seen.add(name)
    return parameters


@pytest.mark.parametrize(("name", "args", "kwargs"), first_of_each_op())
def test_equal_to_keras(name, args, kwargs):
    same(getattr(nn, name), getattr(keras.ops.nn, name), *args, **kwargs)


@pytest.mark.parametrize(("name", "args", "kwargs"), first_of_each_op())
def test_symbolic_shape_is_concrete_shape(name, args, kwargs):
    symbolic_like_concrete(getattr(nn, name), *args, **kwargs)


def test_every_name_of_keras():
    theirs = {name for name in dir(keras.ops.nn) if not name.startswith("_")}
    assert set(nn.__all__) == theirs
    elsewhere = {name for name in theirs if "conv" in name or "pool" in name} | {"sparsemax"}
    assert {name for name, _, _ in CASES} == theirs - elsewhere


def test_lists_and_variables():
    assert nn.relu([-1.0, 2.0]).tolist() == [0.0, 2.0]
    takes_variables(nn.softmax, X)
    takes_variables(nn.batch_normalization, X, X[0], X[1] ** 2, -1, scale=X[2])
    takes_variables(nn.dot_product_attention, HEADS, KEYS, KEYS)


def test_gradients_of_attention():
    ours, theirs = nn.dot_product_attention, keras.ops.nn.dot_product_attention
    same_gradient(ours, theirs, (HEADS, KEYS, KEYS[::-1], BIAS), mask=MASK)
    same_gradient(ours, theirs, (HEADS, HEADS, HEADS), is_causal=True)


def test_gradients_of_ctc_and_normalization():
    def loss(op):
        return lambda frames: op(LABELS, frames, LABEL_LENGTHS, LENGTHS)

    same_gradient(loss(nn.ctc_loss), loss(keras.ops.ctc_loss), (FRAMES,))
    same_gradient(nn.layer_normalization, keras.ops.layer_normalization, (X, X[0], X[1]))
    same_gradient(nn.rms_normalization, keras.ops.rms_normalization, (X, X[0]))


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    points = nn.sparsemax(IMAGE, axis=1)
    np.testing.assert_allclose(points.sum(1), 1, rtol=1e-6)
    # The nearest point differs from x by a constant where it is not zero, and by less elsewhere.
    shift = np.where(points > 0, IMAGE - points, -np.inf).max(1, keepdims=True)
    np.testing.assert_allclose(points, np.maximum(IMAGE - shift, 0), atol=1e-6)
    symbolic_like_concrete(nn.sparsemax, IMAGE, axis=1)


def test_attention_in_bfloat16_averages_in_float32():
    halves = [x.astype(jnp.bfloat16) for x in (HEADS, KEYS, KEYS)]
    attended = nn.dot_product_attention(*halves)
    assert attended.dtype == jnp.bfloat16
    exact = nn.dot_product_attention(*(x.astype("float32") for x in halves))
    np.testing.assert_allclose(attended.astype("float32"), exact, rtol=0.02, atol=0.01)


@pytest.mark.slow
def test_derivatives_of_attention_are_those_of_jax():
    """The formulation for CPU and JAX's own: reverse, forward and second derivatives."""

    def derivatives(attention):
        def total(query, key, value):
            attended = attention(query, key, value, bias=BIAS, mask=MASK.astype(bool))
            return jnp.sum(jnp.tanh(attended) ** 2)

        first = jax.grad(total, (0, 1, 2))
        arrays = (HEADS, KEYS, KEYS)
        yield first(*arrays)
        yield jax.jvp(total, arrays, arrays)
        yield jax.jvp(lambda *args: first(*args)[1], arrays, arrays)

    ours = jax.tree.leaves(list(derivatives(nn.dot_product_attention)))
    theirs = jax.tree.leaves(list(derivatives(jax.nn.dot_product_attention)))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_attention_with_other_numbers_of_features_in_values():
    def attention(query, key, value):
        weights = jax.nn.softmax(jnp.einsum("bthf,bshf->bhts", query, key) / 8**0.5)
        return jnp.einsum("bhts,bshd->bthd", weights, value)

    for depth in (3, 11):
        value = rng.normal(size=(5, 3, 4, depth)).astype("float32")
        attended = nn.dot_product_attention(HEADS, KEYS, value)
        np.testing.assert_allclose(attended, attention(HEADS, KEYS, value), rtol=1e-5, atol=1e-6)


def test_attention_errors_name_what_does_not_fit():
    with pytest.raises(ValueError, match="batch, time, heads, features"):
        nn.dot_product_attention(HEADS[0], KEYS[0], KEYS[0])
    with pytest.raises(ValueError, match="equal numbers of features"):
        nn.dot_product_attention(HEADS, KEYS[..., :4], KEYS)
    with pytest.raises(ValueError, match="must divide"):
        nn.dot_product_attention(HEADS, KEYS[:, :, :3], KEYS[:, :, :3])
    with pytest.raises(ValueError, match=r"mask must be broadcastable .*\(5, 4, 6, 3\)"):
        nn.dot_product_attention(HEADS, KEYS, KEYS, mask=MASK[..., :2])
    with pytest.raises(ValueError, match="soft_cap"):
        nn.dot_product_attention(HEADS, KEYS, KEYS, attn_logits_soft_cap=1.0)
    with pytest.raises(ValueError, match="it requires a GPU"):
        nn.dot_product_attention(HEADS, KEYS, KEYS, flash_attention=True)


def test_beam_search_follows_all_prefixes():
    """With a beam that is wide enough, scores are those of an exhaustive sum over paths."""
    frames = jax.nn.log_softmax(rng.normal(size=(1, 4, 3)) * 2)
    labels, scores = nn.ctc_decode(
        frames, [4], strategy="beam_search", beam_width=60, top_paths=5, mask_index=0
    )
    spelled: dict[tuple, float] = {}
    for path in np.ndindex(3, 3, 3, 3):
        word = tuple(c for c, before in zip(path, (0, *path), strict=False) if c and c != before)
        chance = np.exp(sum(float(frames[0, t, c]) for t, c in enumerate(path)))
        spelled[word] = spelled.get(word, 0.0) + chance
    best = sorted(spelled.items(), key=lambda item: -item[1])[:5]
    for row, score, (word, chance) in zip(labels[:, 0], scores[0], best, strict=True):
        assert tuple(c for c in row.tolist() if c >= 0) == word
        np.testing.assert_allclose(score, np.log(chance), rtol=1e-5)


def test_ctc_beyond_what_is_possible():
    loss = nn.ctc_loss([[1, 1]], np.zeros((1, 2, 3)), [2], [2])
    assert np.isfinite(loss).all() and loss[0] > 1e4
    with pytest.raises(ValueError, match="beam_width=2"):
        nn.ctc_decode(FRAMES, LENGTHS, "beam_search", beam_width=2, top_paths=3)
    with pytest.raises(ValueError, match="'best'"):
        nn.ctc_decode(FRAMES, LENGTHS, "best")


def test_moments_of_bfloat16_keep_their_range():
    mean, _ = nn.moments(jnp.full(4, 1e5, jnp.bfloat16), 0, synchronized=True)
    assert mean.dtype == jnp.bfloat16 and float(mean) > 9e4


def test_gradient_of_normalize_at_zero():
    gradient = jax.grad(lambda x: nn.normalize(x).sum())(jnp.zeros(3))
    assert np.isfinite(gradient).all()


def test_epsilon_is_the_setting():
    before = settings.get("epsilon")
    settings.put("epsilon", 0.1)
    try:
        loss = nn.binary_crossentropy(1.0, 0.0)
    finally:
        settings.put("epsilon", before)
    np.testing.assert_allclose(loss, -np.log(0.1), rtol=1e-6)


def test_errors_and_warnings():
    with pytest.warns(UserWarning, match="use sigmoid"):
        nn.softmax(X[:, :1])
    with pytest.warns(UserWarning, match="rms_normalization"):
        ours = nn.layer_normalization(X, X[0], rms_scaling=True)
    with pytest.warns(UserWarning, match="rms"):
        theirs = keras.ops.layer_normalization(X, X[0], rms_scaling=True)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    with pytest.raises(TypeError, match="'scale'"):
        nn.layer_normalization(X, scale=True)
    with pytest.raises(ValueError, match="num_classes"):
        nn.multi_hot(CLASSES)
    with pytest.raises(ValueError, match=r"\(5, 4\) and \(5, 3\)"):
        nn.binary_crossentropy(X, X[:, :3])
    with pytest.raises(ValueError, match=r"a target of shape \(5,\)"):
        nn.sparse_categorical_crossentropy(CLASSES[:4], X)
    with pytest.raises(ValueError, match="order"):
        nn.normalize(X, order=0)
    with pytest.raises(ValueError, match="block_size"):
        nn.depth_to_space(IMAGE, 1)
    with pytest.raises(ValueError, match=r"channels \* 4, 2 \* 2\)"):
        nn.fold(np.ones((1, 5, 4)), 3, 2)
