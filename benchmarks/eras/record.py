"""Runs a program of Keras 1, and records the losses of three steps of each model that it trains.

    python -m benchmarks.eras.record examples/eras/keras1/mlp.py losses.json [--dialect]

Runs in an environment with Keras 1.2.2 as well as with the dialect. Before the first step of a
model its weights are set to the same numbers in both, without dropout and noise; the steps are
those on the first batches of its data. Afterwards the program continues.
"""

import inspect
import json
import os
import runpy
import sys
import time

os.environ.setdefault("MPLBACKEND", "agg")
started = time.time()
path, target = sys.argv[1:3]
IS_DIALECT = "--dialect" in sys.argv
if IS_DIALECT:
    from cornu.dialects.keras1 import install

    install()

import numpy as np  # noqa: E402

from keras import backend as K  # noqa: E402  isort: skip
import keras.engine.training  # noqa: E402  isort: skip
import keras.models  # noqa: E402  isort: skip

STEPS = 3
imported = time.time() - started
LOSSES = []
ORDER = []
seen = {}  # the models themselves, so that no `id` is used twice
running = []


def without_noise():
    """Replaces the functions of the backend that compute random numbers."""
    K.dropout = lambda x, level, noise_shape=None, seed=None: x
    K.random_binomial = lambda shape, p=0.0, dtype=None, seed=None: K.ones(shape) * p
    K.random_normal = lambda shape, mean=0.0, std=1.0, dtype=None, seed=None: K.zeros(shape) + mean


def all_layers(model, known=()):
    """Returns the layers of a model and of the models in it, each once."""
    found = list(known)
    for layer in model.layers:
        if getattr(layer, "layers", None):
            found = all_layers(layer, found)
        elif all(layer is not one for one in found):
            found.append(layer)
    return found


def set_weights(model):
    """Sets weights that depend on the shape and the number of the array alone."""
    count = 0
    ORDER.append([type(layer).__name__ for layer in all_layers(model)])
    for layer in all_layers(model):
        arrays = layer.get_weights()
        if arrays and not getattr(layer, "branches", None):
            new = []
            for array in arrays:
                rng = np.random.RandomState(count)
                inputs = max(int(np.prod(array.shape[:-1])), 1)
                scale = 1.0 / np.sqrt(inputs) if array.ndim > 1 else 0.1
                kind = 1.0 + 0.1 * rng.uniform(size=array.shape)
                positive = "BatchNorm" in type(layer).__name__
                new.append(kind if positive else rng.uniform(-scale, scale, array.shape))
                count += 1
            layer.set_weights(new)
        if IS_DIALECT:
            wrapped = [getattr(layer, name, None) for name in ("forward_layer", "backward_layer")]
            for part in [layer] + [one for one in wrapped if one is not None]:
                owner = getattr(part, "cell", part)
                for rate in ("rate", "dropout", "recurrent_dropout", "stddev"):
                    if isinstance(vars(owner).get(rate), float):
                        setattr(owner, rate, 0.0)


def rows(data, start, stop):
    if isinstance(data, (list, tuple)):
        return [rows(part, start, stop) for part in data]
    if isinstance(data, dict):
        return {name: rows(part, start, stop) for name, part in data.items()}
    return data[start:stop]


def count_of(data):
    if isinstance(data, (list, tuple)):
        return count_of(data[0])
    if isinstance(data, dict):
        return count_of(list(data.values())[0])
    return len(data)


def record_steps(model, batches, train):
    state = np.random.get_state()
    set_weights(model)
    for x, y in batches:
        LOSSES.append([float(v) for v in np.ravel(train(model, x, y))][:1])
    np.random.set_state(state)


def hook(cls, name, prepare):
    """Records steps before the first call of a method, whose signature stays the same."""
    original = getattr(cls, name)
    train = cls.train_on_batch

    def run(model, given):
        if not running and id(model) not in seen:
            seen[id(model)] = model
            running.append(name)
            record_steps(model, prepare(model, given), train)
            if getattr(model, "stateful", False):
                model.reset_states()
            running.pop()
        running.append(name)
        try:
            return original(model, **given)
        finally:
            running.pop()

    parameters = [p for p in inspect.signature(original).parameters.values() if p.name != "self"]
    texts = [f"{p.name}={p.default!r}" for p in parameters if p.default is not p.empty]
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    first = [p.name for p in parameters if p.default is p.empty and p.name in names]
    # The wrapper for scikit-learn looks at the names of the arguments.
    header = ", ".join(["self"] + first + texts)
    body = ", ".join(f"{n}={n}" for n in names)
    scope = {"run": run}
    exec(f"def {name}({header}):\n    return run(self, dict({body}))", scope)
    setattr(cls, name, scope[name])


def hook_compile(cls):
    """Sets the weights of each model that is compiled, also of those that only predict."""
    original = cls.compile

    def compile(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        if not running and getattr(self, "inputs", None):
            state = np.random.get_state()
            set_weights(self)
            np.random.set_state(state)
        return result

    cls.compile = compile


def from_arrays(model, given):
    x, y, size = given["x"], given["y"], given["batch_size"]
    shape = model.input_shape
    if not (shape[0] if isinstance(shape, list) else shape)[0]:  # no fixed batch size
        size = min(size, max(1, count_of(x) // STEPS))
    return [
        (rows(x, i * size, (i + 1) * size), rows(y, i * size, (i + 1) * size)) for i in range(STEPS)
    ]


def from_generator(model, given):
    found = [next(given["generator"])[:2] for _ in range(STEPS)]
    given["generator"].reset()
    return found


def from_batch(model, given):
    return [(given["x"], given["y"])] * STEPS


if __name__ == "__main__":
    without_noise()
    if not IS_DIALECT:
        # Keras on TensorFlow 1 may read a weight before or after its update; here before.
        from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable

        from scripts.old_models.update_order import order_updates

        order_updates()
        BaseResourceVariable.__iadd__ = lambda self, other: self + other
        BaseResourceVariable.__isub__ = lambda self, other: self - other
    for model_class in (keras.models.Sequential, keras.engine.training.Model):
        for method, prepare in (
            ("fit", from_arrays),
            ("fit_generator", from_generator),
            ("train_on_batch", from_batch),
        ):
            if method in vars(model_class) or IS_DIALECT:
                hook(model_class, method, prepare)
        hook_compile(model_class)
    started = time.time()
    sys.argv = [path]
    sys.path.insert(0, os.path.dirname(path))
    names = runpy.run_path(path, run_name="__main__")
    if isinstance(names.get("losses"), list) and names["losses"]:
        values = names["losses"]
        if isinstance(values[0], float):
            LOSSES += [[value] for value in values]
    with open(target, "w") as stream:
        json.dump({"losses": LOSSES, "layers": ORDER, "seconds": time.time() - started}, stream)
