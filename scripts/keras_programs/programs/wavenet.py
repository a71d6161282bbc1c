"""Dilated causal convolutions with gates and skip connections; generation one step at a time

A model of quantized waves predicts the next value.
"""

import keras
import numpy as np
from keras import layers

LEVELS, LENGTH = 16, 32
rng = np.random.default_rng(0)
time = np.arange(LENGTH + 1)
WAVES = np.sin(time * rng.uniform(0.3, 0.8, (24, 1)) + rng.uniform(0, 6, (24, 1)))
CODES = np.digitize(WAVES, np.linspace(-1, 1, LEVELS - 1)).astype("int32")


def gated_block(x, filters, dilation):
    options = dict(padding="causal", dilation_rate=dilation)
    content = layers.Conv1D(filters, 2, activation="tanh", **options)(x)
    gate = layers.Conv1D(filters, 2, activation="sigmoid", **options)(x)
    x_new = layers.Multiply()([content, gate])
    skip = layers.Conv1D(filters, 1)(x_new)
    return layers.Add()([x, skip]), skip


def build():
    codes = keras.Input((None,), dtype="int32")
    x = layers.CategoryEncoding(num_tokens=LEVELS, output_mode="one_hot")(codes[..., None])
    x = layers.Conv1D(8, 2, padding="causal")(x)
    skips = []
    for dilation in (1, 2, 4, 8):
        x, skip = gated_block(x, 8, dilation)
        skips.append(skip)
    x = layers.ReLU()(layers.Add()(skips))
    x = layers.Conv1D(8, 1, activation="relu")(x)
    return keras.Model(codes, layers.Conv1D(LEVELS, 1)(x), name="wavenet")


def train(model, log):
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="nats")],
    )
    x, y = CODES[:, :-1], CODES[:, 1:]
    model.fit(x, y, batch_size=12, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    produced = CODES[:3, :LENGTH]
    for _ in range(5):
        logits = model.predict(produced[:, -LENGTH:], verbose=0)[:, -1]
        produced = np.concatenate([produced, logits.argmax(-1)[:, None]], axis=1)
    return produced, model.evaluate(x, y, verbose=0)
