"""The CTC loss, Bidirectional layers on an image's columns, and `ctc_decode`

Each image contains a row of symbols, which are read from left to right.
"""

import keras
import numpy as np
from keras import layers, ops

CLASSES = 5  # four symbols, and class 0 of CTC
rng = np.random.default_rng(0)
GLYPHS = (rng.uniform(size=(CLASSES, 8, 6)) > 0.5).astype("float32")
IMAGES = np.zeros((24, 8, 32), "float32")
LABELS = np.zeros((24, 4), "int32")
for row in range(24):
    symbols = rng.integers(1, CLASSES, rng.integers(2, 5))
    LABELS[row, : len(symbols)] = symbols
    for position, symbol in enumerate(symbols):
        IMAGES[row, :, 8 * position + 1 : 8 * position + 7] = GLYPHS[symbol]


def build():
    image = keras.Input((8, 32, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Permute((2, 1, 3))(x)  # columns are steps
    x = layers.Reshape((16, 32))(x)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x)
    x = layers.Bidirectional(layers.GRU(8, return_sequences=True), merge_mode="sum")(x)
    return keras.Model(image, layers.Dense(CLASSES)(x), name="reader")


def train(reader, log):
    reader.compile(optimizer=keras.optimizers.AdamW(0.01), loss=keras.losses.CTC())
    reader.fit(
        IMAGES[..., None],
        LABELS,
        batch_size=12,
        epochs=10,
        shuffle=False,
        verbose=0,
        callbacks=[log],
    )
    scores = reader.predict(IMAGES[..., None], verbose=0)
    lengths = ops.full((len(scores),), scores.shape[1], dtype="int32")
    decoded, log_probability = ops.ctc_decode(
        scores, lengths, strategy="greedy", mask_index=0, merge_repeated=True
    )
    return scores, np.asarray(decoded[0]), np.asarray(log_probability)
