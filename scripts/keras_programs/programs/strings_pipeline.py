"""Strings in a `tf.data` pipeline: TextVectorization and StringLookup as steps before the model

Short reviews with a product name; texts and names become numbers while batches are made.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

GOOD, BAD = ["Great", "lovely", "FAST!", "solid"], ["bad", "Broken,", "slow", "noisy"]
PRODUCTS = ["lamp", "kettle", "radio"]
rng = np.random.default_rng(0)
LABELS = rng.integers(0, 2, 48)
NAMES = rng.choice(PRODUCTS, 48)
TEXTS = np.array(
    [
        " ".join([*rng.choice(GOOD if label else BAD, 3), f"the {name}", rng.choice(GOOD + BAD)])
        for label, name in zip(LABELS, NAMES)
    ]
)


def build():
    text = keras.Input((8,), dtype="int32", name="text")
    product = keras.Input((4,), name="product")
    x = layers.Embedding(24, 6, mask_zero=True)(text)
    x = layers.Bidirectional(layers.GRU(4))(x)
    x = layers.Dense(6, "relu")(layers.Concatenate()([x, product]))
    return keras.Model([text, product], layers.Dense(1, "sigmoid")(x))


def train(model, log):
    vectorize = layers.TextVectorization(max_tokens=24, output_sequence_length=8)
    vectorize.adapt(TEXTS)
    lookup = layers.StringLookup(vocabulary=PRODUCTS, output_mode="one_hot")

    def encode(text, product, label):
        return {"text": vectorize(text), "product": lookup(product)}, label

    rows = tf.data.Dataset.from_tensor_slices((TEXTS, NAMES, LABELS.astype("float32")[:, None]))
    batches = rows.batch(16).map(encode).prefetch(2)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(batches, epochs=10, verbose=0, callbacks=[log])
    found = model.predict(batches, verbose=0)
    words = [str(word) for word in vectorize.get_vocabulary()]
    return len(words), found, np.asarray(vectorize(TEXTS[:4])), model.evaluate(batches, verbose=0)
