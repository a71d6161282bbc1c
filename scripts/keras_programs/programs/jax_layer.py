"""JaxLayer: functions of JAX with parameters and a state, mixed with other layers and saved

A radial basis network in JAX whose inputs are standardized by a running average.
"""

import os
import tempfile

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
X = rng.normal(2, 3, (64, 4)).astype("float32")
Y = np.sin(X[:, :1]) + 0.3 * X[:, 1:2]


@keras.saving.register_keras_serializable(package="rbf")
def rbf_init(rng, inputs):
    centers, widths = jax.random.split(rng)
    return {
        "centers": jax.random.normal(centers, (8, inputs.shape[-1])),
        "widths": [0.5 + jax.random.uniform(widths, (8,))],
    }


@keras.saving.register_keras_serializable(package="rbf")
def rbf(params, inputs):
    distance = jnp.square(inputs[:, None] - params["centers"]).sum(-1)
    return jnp.exp(-distance * jnp.abs(params["widths"][0]))


@keras.saving.register_keras_serializable(package="rbf")
def running_init(rng, inputs):
    return None, {"mean": jnp.zeros(inputs.shape[-1]), "scale": jnp.ones(inputs.shape[-1])}


@keras.saving.register_keras_serializable(package="rbf")
def running_scale(state, inputs, training):
    if training:
        state = {
            "mean": 0.8 * state["mean"] + 0.2 * inputs.mean(0),
            "scale": 0.8 * state["scale"] + 0.2 * inputs.std(0),
        }
    return (inputs - state["mean"]) / state["scale"], state


def build():
    x = keras.Input((4,))
    scaled = layers.JaxLayer(running_scale, running_init, name="running")(x)
    hidden = layers.JaxLayer(rbf, rbf_init, name="basis")(scaled)
    hidden = layers.Concatenate()([hidden, layers.Dense(3, "tanh")(scaled)])
    out = layers.JaxLayer(
        lambda params, inputs: inputs @ params, params=np.zeros((11, 1), "float32"), name="out"
    )
    return keras.Model(x, out(hidden)), keras.Sequential(
        [keras.Input((4,)), layers.JaxLayer(rbf, rbf_init), layers.Dense(1)]
    )


def train(model, saved, log):
    model.compile(keras.optimizers.Adam(0.02), "mse")
    options = dict(batch_size=16, shuffle=False, verbose=0, callbacks=[log])
    model.fit(X, Y, epochs=6, **options)
    model.get_layer("basis").trainable = False
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(X, Y, epochs=4, **options)
    counts = [len(model.trainable_weights), len(model.non_trainable_weights)]

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rbf.keras")
        saved.save(path)
        loaded = keras.models.load_model(path)
    equal = np.asarray(saved.predict(X, verbose=0) - loaded.predict(X, verbose=0))
    state = [np.asarray(w) for w in model.get_layer("running").weights]
    return counts, equal, state, model.predict(X, verbose=0), model.evaluate(X, Y, verbose=0)
