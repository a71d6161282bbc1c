"""Patches by `image.extract_patches`, a learned token, attention scores, and image preprocessing

A Vision Transformer with two blocks.
"""

import keras
import numpy as np
from keras import layers, ops

SIZE, PATCH, WIDTH = 12, 4, 16
rng = np.random.default_rng(0)
LABELS = rng.integers(0, 3, 36)
PATTERNS = rng.uniform(0, 255, (3, SIZE, SIZE, 3))
IMAGES = np.clip(PATTERNS[LABELS] + rng.normal(0, 40, (36, SIZE, SIZE, 3)), 0, 255).astype("uint8")


class Patches(layers.Layer):
    def call(self, images):
        patches = ops.image.extract_patches(images, size=(PATCH, PATCH))
        _, rows, columns, depth = patches.shape
        return ops.reshape(patches, (-1, rows * columns, depth))


class ClassToken(layers.Layer):
    """Adds a learned token in front, and learned positions."""

    def build(self, input_shape):
        _, length, size = input_shape
        normal = keras.initializers.TruncatedNormal(stddev=0.02)
        self.token = self.add_weight(shape=(1, 1, size), initializer=normal, name="token")
        self.positions = self.add_weight(
            shape=(1, length + 1, size), initializer=normal, name="positions"
        )

    def call(self, x):
        token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, self.token.shape[-1]))
        return ops.concatenate([token, x], axis=1) + self.positions


def block(x, heads):
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    attention = layers.MultiHeadAttention(heads, WIDTH // heads)
    y, scores = attention(y, y, return_attention_scores=True)
    x = layers.Add()([x, y])
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    y = layers.Dense(2 * WIDTH, activation="gelu")(y)
    return layers.Add()([x, layers.Dense(WIDTH)(y)]), scores


def build():
    images = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    x = layers.CenterCrop(SIZE, SIZE)(x)
    x = ClassToken()(layers.Dense(WIDTH)(Patches()(x)))
    for _ in range(2):
        x, scores = block(x, heads=2)
    x = layers.LayerNormalization(epsilon=1e-6)(x)[:, 0]
    model = keras.Model(images, layers.Dense(3)(x))
    model.attention = keras.Model(images, scores)
    return model


def train(model, log):
    model.compile(
        optimizer=keras.optimizers.Lamb(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    images = IMAGES.astype("float32")
    model.fit(images, LABELS, batch_size=18, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    flipped = ops.image.affine_transform(images[:2], ops.array([[-1.0, 0, 11, 0, 1, 0, 0, 0]] * 2))
    gray = ops.image.rgb_to_grayscale(images[:2])
    scores = model.attention.predict(images[:4], verbose=0)
    return scores, flipped / 255, gray / 255, model.evaluate(images, LABELS, verbose=0)
