"""FlaxLayer: modules of Flax as layers, with state and a method of one's own, between other layers

A convolutional classifier in which Flax computes the features.
"""

import os
import tempfile

import keras
import numpy as np
from flax import linen
from keras import layers

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 3, 48)
X = (rng.normal(size=(3, 8, 8, 1))[LABELS] + rng.normal(0, 1.5, (48, 8, 8, 1))).astype("float32")


class Features(linen.Module):
    width: int = 6

    @linen.compact
    def __call__(self, inputs, training):
        x = linen.Conv(self.width, (3, 3), strides=(2, 2))(inputs)
        x = linen.BatchNorm(use_running_average=not training, momentum=0.8)(x)
        return linen.gelu(x)


@keras.saving.register_keras_serializable(package="flax_program")
class Head(linen.Module):
    classes: int

    @linen.compact
    def logits(self, inputs):
        x = linen.LayerNorm()(inputs.reshape((inputs.shape[0], -1)))
        return linen.Dense(self.classes)(x)

    def get_config(self):
        return {"classes": self.classes}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def two_inputs(module, inputs):
    first, second = inputs
    return module.logits(first) - module.logits(second)


def build():
    image = keras.Input((8, 8, 1))
    x = layers.Rescaling(0.5)(image)
    x = layers.FlaxLayer(Features(), name="features")(x)
    x = layers.Conv2D(4, 2, activation="relu")(x)
    head = Head(3)
    classifier = keras.Model(image, layers.FlaxLayer(head, method=head.logits)(x))

    one, other = keras.Input((6,)), keras.Input((6,))
    difference = layers.FlaxLayer(Head(2), method=two_inputs)([one, other])
    return classifier, keras.Model([one, other], difference)


def train(classifier, difference, log):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.AdamW(0.01), loss, metrics=["accuracy"])
    options = dict(batch_size=16, shuffle=False, verbose=0, callbacks=[log])
    classifier.fit(X, LABELS, epochs=7, validation_data=(X, LABELS), **options)
    one, other = X.reshape(48, 64)[:, :6], X.reshape(48, 64)[:, 6:12]
    difference.compile("sgd", "mse")
    difference.fit([one, other], one[:, :2] - other[:, :2], epochs=3, **options)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "classifier.weights.h5")
        before = classifier.predict(X, verbose=0)
        classifier.save_weights(path)
        classifier.set_weights([np.ones_like(w) for w in classifier.get_weights()])
        classifier.load_weights(path)
    moved = float(np.abs(classifier.predict(X, verbose=0) - before).max())
    state = [np.asarray(w) for w in classifier.get_layer("features").non_trainable_weights]
    return moved, state, classifier.evaluate(X, LABELS, verbose=0), len(difference.weights)
