"""Hooks of layers: `save_own_variables`, `build_from_config`, `save_assets`, and configs of objects

A layer with a quantile table of its own, and one that is built for two shapes.
"""

import os
import tempfile

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
X = rng.gamma(2.0, 1.0, (60, 3)).astype("float32")
Y = np.log(X).sum(-1, keepdims=True)


@keras.saving.register_keras_serializable(package="own_storage")
class Quantiles(layers.Layer):
    """Replaces each number by its place in a table of quantiles, which is stored by itself."""

    def __init__(self, bins, **kwargs):
        super().__init__(**kwargs)
        self.bins = bins
        self.remark = ""

    def build(self, input_shape):
        self.table = self.add_weight(
            shape=(input_shape[-1], self.bins), initializer="zeros", trainable=False, name="table"
        )

    def adapt(self, data):
        if not self.built:
            self.build(data.shape)
        self.table.assign(np.quantile(data, np.linspace(0, 1, self.bins), axis=0).T)
        self.remark = f"from {len(data)} rows"

    def call(self, inputs):
        return ops.mean(ops.cast(inputs[..., None] > self.table, inputs.dtype), axis=-1)

    def save_own_variables(self, store):
        store["rows"] = np.asarray(self.table).T

    def load_own_variables(self, store):
        self.table.assign(np.asarray(store["rows"]).T)

    def save_assets(self, dir_path):
        with open(os.path.join(dir_path, "remark.txt"), "w") as file:
            file.write(self.remark)

    def load_assets(self, dir_path):
        with open(os.path.join(dir_path, "remark.txt")) as file:
            self.remark = file.read()

    def get_config(self):
        return {**super().get_config(), "bins": self.bins}


@keras.saving.register_keras_serializable(package="own_storage")
class Bilinear(layers.Layer):
    """A product of two inputs, whose constraint is an object in the config."""

    def __init__(self, units, constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.constraint = keras.constraints.get(constraint)

    def build(self, left_shape, right_shape):
        shape = (left_shape[-1], right_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, constraint=self.constraint, name="kernel")

    def call(self, left, right):
        return ops.einsum("bi,bj,iju->bu", left, right, self.kernel)

    def get_config(self):
        constraint = keras.constraints.serialize(self.constraint)
        return {**super().get_config(), "units": self.units, "constraint": constraint}


def build():
    x = keras.Input((3,))
    quantiles = Quantiles(9, name="quantiles")
    quantiles.adapt(X)
    left = layers.Dense(4, "tanh")(quantiles(x))
    y = Bilinear(5, keras.constraints.MaxNorm(1.5, axis=0))(left, layers.Dense(3)(x))
    return keras.Model(x, layers.Dense(1)(y))


def train(model, log):
    model.get_layer("quantiles").adapt(X)
    options = dict(batch_size=20, shuffle=False, verbose=0, callbacks=[log])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(X, Y, epochs=5, **options)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
    gap = float(np.abs(loaded.predict(X, verbose=0) - model.predict(X, verbose=0)).max())
    loaded.fit(X, Y, epochs=5, **options)
    table = loaded.get_layer("quantiles")
    return gap, np.asarray(table.table), len(table.remark), loaded.evaluate(X, Y, verbose=0)
