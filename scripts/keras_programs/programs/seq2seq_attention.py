"""LSTM layers with returned and initial states, masked sequences and AdditiveAttention

An encoder and a decoder learn to reverse sequences of digits; decoding is greedy, with a model that
reuses the layers.
"""

import keras
import numpy as np
from keras import layers, ops

START, LENGTH, SIZE = 11, 6, 16
rng = np.random.default_rng(0)
lengths = rng.integers(3, LENGTH + 1, 48)
SOURCE, TARGET = np.zeros((2, 48, LENGTH), "int32")
for row, n in enumerate(lengths):
    SOURCE[row, :n] = rng.integers(1, 11, n)
    TARGET[row, :n] = SOURCE[row, :n][::-1]
SHIFTED = np.concatenate([np.full((48, 1), START), TARGET[:, :-1]], axis=1)


class Seq2Seq(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed_source = layers.Embedding(12, SIZE, mask_zero=True)
        self.embed_target = layers.Embedding(12, SIZE)
        self.encoder = layers.LSTM(SIZE, return_sequences=True, return_state=True)
        self.decoder = layers.LSTM(SIZE, return_sequences=True, return_state=True)
        self.attention = layers.AdditiveAttention()
        self.readout = layers.Dense(12)

    def encode(self, source):
        x = self.embed_source(source)
        mask = self.embed_source.compute_mask(source)
        outputs, h, c = self.encoder(x, mask=mask)
        return outputs, mask, [h, c]

    def decode(self, token, memory, mask, state):
        x, h, c = self.decoder(self.embed_target(token), initial_state=state)
        context = self.attention([x, memory], mask=[None, mask])
        return self.readout(ops.concatenate([x, context], axis=-1)), [h, c]

    def call(self, inputs):
        source, shifted = inputs
        memory, mask, state = self.encode(source)
        return self.decode(shifted, memory, mask, state)[0]

    def reverse(self, source):
        memory, mask, state = self.encode(source)
        token = ops.full((len(source), 1), START, dtype="int32")
        found = []
        for _ in range(LENGTH):
            logits, state = self.decode(token, memory, mask, state)
            token = ops.argmax(logits, axis=-1)
            found.append(token)
        return ops.concatenate(found, axis=1)


def build():
    model = Seq2Seq()
    model([SOURCE[:1], SHIFTED[:1]])
    return model


def train(model, log):
    model.compile(
        optimizer=keras.optimizers.Adam(0.02, clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
        weighted_metrics=["accuracy"],
    )
    x, weights = [SOURCE, SHIFTED], (TARGET > 0).astype("float32")
    model.fit(x, TARGET, 24, 10, sample_weight=weights, shuffle=False, verbose=0, callbacks=[log])
    return np.asarray(model.reverse(SOURCE)), model.evaluate(
        x, TARGET, sample_weight=weights, verbose=0
    )
