"""What the cases of all versions of Keras share: a case is a small model and what it computes.

This module and the cases run in old environments: they use only what Python 3.6 has.
"""

import os
import tempfile
import zlib

import numpy as np

STEPS = 3  # of training, before the model is saved and again after it


class Case:
    """A function that builds a model, how the model is compiled, and what it is given.

    Args:
        build: Takes the `keras` module and returns a model.
        optimizer: Takes the `keras` module and returns an optimizer. The model is then compiled,
            and trained before it is saved and after.
        loss: The loss of a compiled model, or one for each output.
        ids: The number of ids of the inputs, by position; the other inputs are real numbers.
        padded: Whether the last steps in time are 0 in some rows.
        texts: Whether the architecture is also stored as JSON, in Keras 1 as YAML, with a file of
            weights.
        compiled: Further arguments of `compile`.
    """

    def __init__(
        self, build, optimizer=None, loss="mse", ids=None, padded=False, texts=False, **compiled
    ):
        self.build = build
        self.name = build.__name__
        self.optimizer = optimizer
        self.loss = loss
        self.ids = ids or {}
        self.padded = padded
        self.texts = texts
        self.compiled = compiled
        self.random = np.random.RandomState(zlib.crc32(self.name.encode()) % 2**31)


def table():
    """Returns an empty table of cases and the decorator that adds a function to it."""
    cases = {}

    def case(**kwargs):
        def add(build):
            cases[build.__name__] = Case(build, **kwargs)
            return build

        return add

    return cases, case


def record(case, keras, backend):
    """Runs a case: returns its files by name, and its arrays by name."""
    if backend.backend() == "tensorflow":
        backend.clear_session()
    model = case.build(keras)
    if case.optimizer is not None:
        model.compile(optimizer=case.optimizer(keras), loss=case.loss, **case.compiled)
    random = case.random
    for variable in model.weights:
        set_random(variable, random, backend)
    x = [input_values(case, i, tensor, backend) for i, tensor in enumerate(model.inputs)]
    arrays = {f"input/{i}": value for i, value in enumerate(x)}
    x = x if len(x) > 1 else x[0]
    outputs = predict(model, x)
    y = [target_values(case, i, value) for i, value in enumerate(outputs)]
    target = y if len(y) > 1 else y[0]
    if case.optimizer is not None:
        arrays.update({f"target/{i}": value for i, value in enumerate(y)})
        for _ in range(STEPS):
            model.train_on_batch(x, target)
    files = saved(case, model)
    outputs = predict(model, x)
    arrays.update({f"output/{i}": value for i, value in enumerate(outputs)})
    if case.optimizer is not None:
        losses = [np.atleast_1d(model.train_on_batch(x, target))[0] for _ in range(STEPS)]
        arrays["losses"] = np.array(losses)
        trained = predict(model, x)
        arrays.update({f"trained/{i}": value for i, value in enumerate(trained)})
        # Steps that are too small show nothing, and those of a diverging model depend on rounding.
        moved = max(np.max(np.abs(a - b)) for a, b in zip(outputs, trained))  # noqa: B905
        assert 0.005 < moved < 10, moved
    return files, {name: np.asarray(value, "float32") for name, value in arrays.items()}


def set_random(variable, random, backend):
    value = np.asarray(backend.get_value(variable))
    if not np.issubdtype(value.dtype, np.floating):
        return
    value = random.uniform(-0.6, 0.6, value.shape)
    name = getattr(variable, "path", None) or variable.name or ""
    # A running variance is not negative. Keras 1 calls it a deviation.
    positive = "variance" in name or "running_std" in name
    backend.set_value(variable, (np.abs(value) + 0.5 if positive else value).astype("float32"))


def input_values(case, index, tensor, backend):
    shape = getattr(tensor, "_keras_shape", None) or backend.int_shape(tensor)
    shape = [shape[0] or 4] + [5 if size is None else size for size in shape[1:]]
    if index in case.ids:
        values = case.random.randint(1, case.ids[index], shape)
    else:
        values = case.random.uniform(-1, 1, shape)
    if case.padded:
        values[0, 2:] = 0
        values[1, 4:] = 0
    return values.astype("float32")


def target_values(case, index, output):
    loss = case.loss[index] if isinstance(case.loss, list) else case.loss
    random = case.random
    if loss == "categorical_crossentropy":
        classes = random.randint(0, output.shape[-1], output.shape[:-1])
        return np.eye(output.shape[-1], dtype="float32")[classes]
    if loss == "sparse_categorical_crossentropy":
        return random.randint(0, output.shape[-1], output.shape[:-1] + (1,)).astype("float32")
    if loss in ("binary_crossentropy", "kullback_leibler_divergence"):
        return random.randint(0, 2, output.shape).astype("float32")
    return random.uniform(0.1, 1, output.shape).astype("float32")


def predict(model, x):
    if getattr(model, "stateful", False):
        model.reset_states()
    rows = len(x[0] if isinstance(x, list) else x)
    outputs = model.predict(x, batch_size=rows, verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]


def saved(case, model):
    """Returns the files of a model, as bytes by the end of their name."""
    files = {".h5": written(model.save)}
    if case.texts:
        files[".weights.h5"] = written(model.save_weights)
        files[".json"] = model.to_json().encode()
        if case.texts == "yaml":
            files[".yaml"] = model.to_yaml().encode()
    return files


def written(save):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file.h5")
        save(path)
        with open(path, "rb") as stream:
            return stream.read()
