"""What the cases in Keras 1 share.

A case takes the `keras` module and returns numbers, or yields several. `scripts/
make_keras1_reference.py` runs the cases on Keras 1.2.2, the tests on cornu's dialect. Weights are
given, no random numbers are used, and data is not shuffled, so that the numbers are equal.
"""

import numpy as np


def numbers(*shape, seed=0):
    return np.random.RandomState(seed + sum(shape)).uniform(-1, 1, shape).astype("float32")


def predicted(keras, layer, x, *more):
    model = keras.models.Sequential([layer, *more])
    model.compile("sgd", "mse")
    return model.predict(x)


def recurrent_weights(count, inputs, units):
    given = []
    for gate in range(count):
        given += [
            numbers(inputs, units, seed=gate),
            numbers(units, units, seed=10 + gate),
            numbers(units, seed=20 + gate),
        ]
    return given


def flattened(result):
    """Returns the numbers of a case by name, in order."""
    parts = [result] if isinstance(result, np.ndarray) else list(result)
    found = {}
    for i, part in enumerate(parts):
        if isinstance(part, dict):
            found.update({f"{i}/{name}": np.asarray(value) for name, value in part.items()})
        else:
            found[f"{i}"] = np.asarray(part)
    return found
