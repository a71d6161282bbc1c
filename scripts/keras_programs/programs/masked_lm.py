"""Tied embeddings: ReversibleEmbedding, attention with masks, sample weights per token

A small encoder fills in masked tokens.
"""

import keras
import numpy as np
from keras import layers, ops

VOCABULARY, LENGTH, SIZE, MASK = 24, 10, 16, 1
rng = np.random.default_rng(0)
starts = rng.integers(2, VOCABULARY, (32, 1))
TOKENS = 2 + (starts + 3 * np.arange(LENGTH)) % (VOCABULARY - 2)
lengths = rng.integers(6, LENGTH + 1, (32, 1))
TOKENS = np.where(np.arange(LENGTH) < lengths, TOKENS, 0)
HIDDEN = (rng.uniform(size=TOKENS.shape) < 0.25) & (TOKENS > 0)
MASKED = np.where(HIDDEN, MASK, TOKENS)


class EncoderBlock(layers.Layer):
    def __init__(self, heads, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.supports_masking = True

    def build(self, input_shape):
        size = input_shape[-1]
        self.attention = layers.GroupQueryAttention(size // self.heads, self.heads, 1)
        self.attention.build(input_shape, input_shape)
        self.norm_1 = layers.LayerNormalization(epsilon=1e-6)
        self.norm_2 = layers.LayerNormalization(epsilon=1e-6)
        self.up = layers.EinsumDense("bts,sw->btw", (None, 2 * size), bias_axes="w")
        self.down = layers.EinsumDense("btw,ws->bts", (None, size), bias_axes="s")
        for layer in (self.norm_1, self.norm_2, self.up):
            layer.build(input_shape)
        self.down.build((*input_shape[:-1], 2 * size))

    def call(self, x):
        y = self.norm_1(x)
        x = x + self.attention(y, y)
        return x + self.down(ops.gelu(self.up(self.norm_2(x)), approximate=True))


def build():
    tokens = keras.Input((LENGTH,), dtype="int32")
    embedding = layers.ReversibleEmbedding(VOCABULARY, SIZE, mask_zero=True)
    x = embedding(tokens)
    positions = ops.zeros_like(tokens) + ops.arange(LENGTH, dtype="int32")
    x = x + layers.Embedding(LENGTH, SIZE)(positions)
    for _ in range(2):
        x = EncoderBlock(2)(x)
    x = layers.Dense(SIZE, "gelu")(x)
    return keras.Model(tokens, embedding(x, reverse=True), name="masked_lm")


def train(model, log):
    warmup = keras.optimizers.schedules.CosineDecay(
        0.0, 20, alpha=0.1, warmup_target=0.01, warmup_steps=4
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(warmup, weight_decay=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["sparse_categorical_accuracy"],
    )
    model.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    weights = HIDDEN.astype("float32")
    model.fit(
        MASKED, TOKENS, 16, 10, sample_weight=weights, shuffle=False, verbose=0, callbacks=[log]
    )
    logits = model.predict(MASKED, verbose=0)
    return logits[HIDDEN], model.evaluate(MASKED, TOKENS, sample_weight=weights, verbose=0)
