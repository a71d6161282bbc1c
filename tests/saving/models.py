"""Small models, each made with cornu or with Keras, and what they take."""

import numpy as np


def floats(*shape, seed=3):
    return np.random.default_rng(seed).uniform(0.1, 1, shape).astype("float32")


def whole(high, *shape):
    return np.random.default_rng(5).integers(0, high, shape).astype("int32")


def dense(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(5, activation="relu"), k.layers.Dense(2)])


def convolutions(k):
    x = inputs = k.Input((8, 8, 3))
    for filters in (4, 4):
        x = k.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = k.layers.BatchNormalization()(x)
        x = k.layers.ReLU()(x)
    x = k.layers.Add()([x, k.layers.Conv2D(4, 1)(inputs)])
    x = k.layers.SeparableConv2D(2, 3)(x)
    return k.Model(inputs, k.layers.Dense(2)(k.layers.GlobalAveragePooling2D()(x)))


def masked_rnns(k):
    inputs = k.Input((6,), dtype="int32")
    x = k.layers.Embedding(10, 4, mask_zero=True)(inputs)
    x = k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True))(x)
    x = k.layers.TimeDistributed(k.layers.Dense(3))(x)
    x = k.layers.RNN([k.layers.GRUCell(3), k.layers.LSTMCell(2)], return_sequences=True)(x)
    return k.Model(inputs, k.layers.GRU(2)(x))


def attention(k):
    inputs = k.Input((5, 6))
    x = k.layers.LayerNormalization()(inputs)
    x = inputs + k.layers.MultiHeadAttention(2, 3, use_gate=True)(x, x)
    x = x + k.layers.GroupQueryAttention(3, 4, 2)(x, x)
    x = k.layers.GroupNormalization(2)(x)
    return k.Model(inputs, k.layers.EinsumDense("abc,cd->abd", (None, 3))(x))


def shared_and_nested(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4, "tanh"), k.layers.Dense(4)])
    twice = k.layers.Dense(4)
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    left, right = inner(twice(a)), inner(twice(b))
    return k.Model({"a": a, "b": b}, [k.layers.Dense(1)(left), k.layers.Dot(1)([left, right])])


def ops_nodes(k):
    inputs = k.Input((3, 4))
    x = (1.0 - inputs[:, 1:]) ** 2 / 3.0
    x = k.ops.mean(k.ops.concatenate([x, -x, k.ops.exp(x)], axis=1), axis=1, keepdims=True)
    x = k.ops.expand_dims(k.ops.einsum("abc,abd->acd", x, x), -1)
    return k.Model(inputs, k.layers.Dense(2)(k.ops.reshape(k.ops.cast(x, "float32"), (-1, 16))))


def short_floats(k):
    return k.Sequential(
        [k.Input((4,)), k.layers.Dense(3, dtype="bfloat16"), k.layers.Dense(2, dtype="float32")]
    )


# name: (makes the model, its inputs)
MODELS = {
    "dense": (dense, floats(6, 4)),
    "convolutions": (convolutions, floats(2, 8, 8, 3)),
    "masked_rnns": (masked_rnns, whole(10, 3, 6)),
    "attention": (attention, floats(2, 5, 6)),
    "shared_and_nested": (shared_and_nested, {"a": floats(3, 4), "b": floats(3, 4, seed=4)}),
    "ops_nodes": (ops_nodes, floats(2, 3, 4)),
    "short_floats": (short_floats, floats(2, 4)),
}


def close(first, second, rtol=1e-5, atol=1e-6):
    first = first if isinstance(first, (list, tuple)) else [first]
    second = second if isinstance(second, (list, tuple)) else [second]
    for one, other in zip(first, second, strict=True):
        one, other = np.asarray(one, "float32"), np.asarray(other, "float32")
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
