"""MultiHeadAttention in layers of one's own, causal masks, and saving a model of such layers

An encoder-decoder Transformer translates numbers to words of another alphabet. The trained model is
saved and loaded.
"""

import os
import tempfile

import keras
import numpy as np
from keras import layers, ops

VOCABULARY, LENGTH, SIZE = 20, 8, 16
rng = np.random.default_rng(0)
SOURCE = rng.integers(2, VOCABULARY, (32, LENGTH))
SOURCE[:, 6:] *= rng.integers(0, 2, (32, 1))
TARGET = np.where(SOURCE > 0, VOCABULARY + 1 - SOURCE, 0)
DECODED = np.concatenate([np.ones((32, 1), int), TARGET[:, :-1]], axis=1)


@keras.saving.register_keras_serializable("programs")
class PositionalEmbedding(layers.Layer):
    def __init__(self, length, vocabulary, size, **kwargs):
        super().__init__(**kwargs)
        self.tokens = layers.Embedding(vocabulary, size, mask_zero=True)
        self.positions = layers.Embedding(length, size)
        self.config = {"length": length, "vocabulary": vocabulary, "size": size}

    def build(self, shape):
        self.tokens.build(shape)
        self.positions.build((shape[-1],))

    def call(self, tokens):
        return self.tokens(tokens) + self.positions(ops.arange(ops.shape(tokens)[1]))

    def compute_mask(self, tokens, mask=None):
        return ops.not_equal(tokens, 0)

    def get_config(self):
        return {**super().get_config(), **self.config}


@keras.saving.register_keras_serializable("programs")
class TransformerBlock(layers.Layer):
    """A block of the encoder, or with `memory`, of the decoder."""

    def __init__(self, heads, width, is_decoder=False, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.heads, self.width, self.is_decoder = heads, width, is_decoder

    def build(self, x_shape, memory_shape=None):
        size = x_shape[-1]
        self.attention = layers.MultiHeadAttention(self.heads, size // self.heads)
        self.attention.build(x_shape, x_shape)
        if self.is_decoder:
            self.cross = layers.MultiHeadAttention(self.heads, size // self.heads)
            self.cross.build(x_shape, memory_shape)
        self.feed_forward = keras.Sequential([layers.Dense(self.width, "gelu"), layers.Dense(size)])
        self.feed_forward.build(x_shape)
        self.norms = [layers.LayerNormalization() for _ in range(3)]
        for norm in self.norms:
            norm.build(x_shape)

    def call(self, x, memory=None):
        x = self.norms[0](x + self.attention(x, x, use_causal_mask=self.is_decoder))
        if self.is_decoder:
            x = self.norms[1](x + self.cross(x, memory))
        return self.norms[2](x + self.feed_forward(x))

    def get_config(self):
        config = {"heads": self.heads, "width": self.width, "is_decoder": self.is_decoder}
        return {**super().get_config(), **config}


def build():
    source, shifted = keras.Input((None,), name="source"), keras.Input((None,), name="shifted")
    memory = PositionalEmbedding(LENGTH, VOCABULARY, SIZE)(source)
    memory = TransformerBlock(2, 32)(memory)
    x = PositionalEmbedding(LENGTH, VOCABULARY, SIZE)(shifted)
    x = TransformerBlock(2, 32, is_decoder=True)(x, memory)
    return keras.Model(
        {"source": source, "shifted": shifted}, layers.Dense(VOCABULARY, "softmax")(x)
    )


def train(model, log):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = {"source": SOURCE, "shifted": DECODED}
    model.fit(x, TARGET, batch_size=16, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "translation.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
    return loaded.predict(x, verbose=0), loaded.evaluate(x, TARGET, verbose=0)
