"""Runs a program of Keras 2, and records the losses of three steps of each model that it trains.

    python record.py RESULT.json PROGRAM [--cornu]

Works in the old library, in an environment of its own with an old Python, and with `--cornu` in the
dialect. All weights are those of a generator of NumPy, and dropout and noise are switched off, so
that the losses of both are comparable. The program runs to its end afterwards.
"""

import functools
import json
import runpy
import sys
import time

import numpy as np

STEPS = 3
RATES = ("rate", "stddev", "dropout", "recurrent_dropout")


def switch_off(layer):
    for name in RATES:
        # Of recurrent layers, the attribute may be that of the cell.
        settable = not isinstance(getattr(type(layer), name, None), property)
        if settable and isinstance(getattr(layer, name, None), float):
            setattr(layer, name, 0.0)
    for name in ("layer", "cell", "forward_layer", "backward_layer"):
        if hasattr(layer, name):
            switch_off(getattr(layer, name))
    for inner in getattr(layer, "layers", []):
        switch_off(inner)


def without_noise(backend):
    """Replaces the random functions that the layers of the old library and programs call."""
    normal = backend.random_normal
    backend.dropout = lambda x, level, noise_shape=None, seed=None: x
    backend.random_normal = lambda shape, mean=0.0, stddev=1.0, **options: normal(
        shape, mean=mean, stddev=0.0
    )


def update_after_all_reads(backend):
    """Lets the old library assign new values after all of them have been computed.

    TensorFlow 1 does not order the assignments of a step and the reads of the same Variables: the
    counter of steps is often incremented before Adam reads it, and weights change before the
    gradients of earlier layers are computed, so that losses differ from run to run.
    """
    import tensorflow as tf

    module = sys.modules[backend.Function.__module__]
    init = backend.Function.__init__

    def new_init(self, inputs, outputs, updates=None, **options):
        updates = list(updates or [])
        pairs = [one for one in updates if isinstance(one, tuple)]
        others = [one for one in updates if not isinstance(one, tuple)]
        with tf.control_dependencies([new for _, new in pairs] + list(outputs)):
            others += [tf.assign(variable, new) for variable, new in pairs]
        init(self, inputs, outputs, updates=others, **options)

    backend.Function.__init__ = new_init
    for owner in (backend, module):
        owner.update = lambda x, new_x: (x, new_x)
        owner.update_add = lambda x, increment: (x, x + increment)
        owner.update_sub = lambda x, decrement: (x, x - decrement)


def set_weights(model, seed):
    random = np.random.RandomState(seed)
    values = []
    for weight in model.get_weights():
        value = random.uniform(-0.2, 0.2, np.shape(weight))
        # Variances must be positive.
        values.append(np.abs(value) + 0.5 if np.allclose(weight, 1) and np.ndim(weight) else value)
    model.set_weights(values)


def rows(data, part):
    if data is None:
        return None
    if isinstance(data, dict):
        return {name: value[part] for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [value[part] for value in data]
    return data[part]


class Recorder:
    """Replaces the training methods of a class by ones that record the first losses."""

    def __init__(self):
        self.losses = []
        self.counts = {}

    def first(self, model):
        """Sets the weights of a model when it is trained for the first time."""
        if id(model) in self.counts:
            return False
        self.counts[id(model)] = 0
        set_weights(model, len(self.counts))
        return True

    def wrap(self, cls):
        train, fit, fit_generator = cls.train_on_batch, cls.fit, cls.fit_generator
        compile_ = cls.compile

        def record(model, x, y, **options):
            value = train(model, x, y, **options)
            if self.counts[id(model)] < STEPS:
                self.counts[id(model)] += 1
                self.losses.append(float(np.ravel(value)[0]))
            return value

        def train_on_batch(model, x, y=None, **options):
            self.first(model)
            return record(model, x, y, **options)

        @functools.wraps(fit)
        def new_fit(model, x=None, y=None, batch_size=None, *args, **options):
            if self.first(model):
                size = batch_size or 32
                for i in range(STEPS):
                    part = slice(i * size, (i + 1) * size)
                    weights = rows(options.get("sample_weight"), part)
                    classes = options.get("class_weight")
                    given = rows(x, part), rows(y, part)
                    record(model, *given, sample_weight=weights, class_weight=classes)
                model.reset_states()
            return fit(model, x, y, batch_size, *args, **options)

        def new_fit_generator(model, generator, *args, **options):
            if self.first(model):
                for i in range(STEPS):
                    batch = generator[i] if hasattr(generator, "__getitem__") else next(generator)
                    record(model, *batch, class_weight=options.get("class_weight"))
            return fit_generator(model, generator, *args, **options)

        def new_compile(model, *args, **options):
            switch_off(model)
            return compile_(model, *args, **options)

        cls.train_on_batch, cls.fit, cls.fit_generator = train_on_batch, new_fit, new_fit_generator
        cls.compile = new_compile


def main():
    out, program = sys.argv[1:3]
    if "--cornu" in sys.argv:
        from cornu.dialects import keras2

        keras2.install()
    import keras

    recorder = Recorder()
    recorder.wrap(keras.models.Model)
    if not issubclass(keras.models.Sequential, keras.models.Model):
        recorder.wrap(keras.models.Sequential)
    without_noise(keras.backend)
    if "--cornu" not in sys.argv:
        update_after_all_reads(keras.backend)
    np.random.seed(0)
    sys.argv = [program]
    start = time.time()
    found = runpy.run_path(program, run_name="__main__")
    # Programs with a loop of their own keep their losses in a list.
    own = found.get("losses")
    losses = recorder.losses + [float(x) for x in (own if isinstance(own, list) else [])[:STEPS]]
    with open(out, "w") as file:
        json.dump({"losses": losses, "seconds": time.time() - start}, file)


if __name__ == "__main__":
    main()
