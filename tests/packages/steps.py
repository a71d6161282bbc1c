"""What the programs of packages use: steps with results, and weights that are the same everywhere.

Keras and cornu draw different random numbers, so the programs set the weights themselves.
"""

import traceback

import numpy as np

RESULTS = {}
"""The name of each step with its result, or with the error that it raised."""


def step(fn):
    """Runs a function and records its result, which may be numbers, arrays, texts, lists, dicts."""
    try:
        RESULTS[fn.__name__] = {"value": _plain(fn())}
    except Exception:
        RESULTS[fn.__name__] = {"error": traceback.format_exc()}
    return fn


def fix_weights(model, scale=0.3):
    """Sets the weights of a model or layer to numbers that depend only on their order and shapes.

    Returns the model.
    """
    for number, weight in enumerate(model.weights):
        if "float" in str(weight.dtype):
            values = np.random.default_rng(number).normal(0, scale, tuple(weight.shape))
            positive = "variance" in weight.name
            weight.assign((np.abs(values) + 0.5 if positive else values).astype("float32"))
    return model


def data(*shape, seed=0):
    """Returns normally distributed numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return np.asarray(value).astype("float64").tolist()


def fix_initializers(keras):
    """Makes all initializers of Keras, or of cornu in its place, a function of the shape only."""

    def values(self, shape, dtype=None, **kwargs):
        shape = tuple(shape)
        numbers = np.random.default_rng(sum(shape, len(shape))).normal(0, 0.3, shape)
        return keras.ops.convert_to_tensor(numbers.astype("float32"), dtype)

    for name in ("Uniform", "Normal"):
        for kind in ("Glorot", "He", "Lecun", "Random"):
            getattr(keras.initializers, kind + name).__call__ = values
    keras.initializers.TruncatedNormal.__call__ = values
    keras.initializers.VarianceScaling.__call__ = values
    keras.initializers.Orthogonal.__call__ = values


def fix_random_numbers(keras):
    """Makes `keras.random.normal` and `uniform` functions of the shape only."""

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        numbers = np.random.default_rng(sum(shape)).normal(size=tuple(shape))
        return keras.ops.cast(mean + stddev * numbers.astype("float32"), dtype or "float32")

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        numbers = np.random.default_rng(sum(shape)).uniform(size=tuple(shape))
        return keras.ops.cast(
            minval + (maxval - minval) * numbers.astype("float32"), dtype or "float32"
        )

    keras.random.normal, keras.random.uniform = normal, uniform
