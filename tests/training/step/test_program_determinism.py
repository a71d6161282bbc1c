"""The same seed gives bitwise equal results in every execution mode."""

import os
import sys

import jax
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers, ops, random
from cornu.layers import Dense
from cornu.utils import enable_op_determinism, set_random_seed, unpack_x_y_sample_weight
from tests.processes import run_program
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype("float32")
Y = RNG.integers(0, 3, size=50)


class Hook(cornu.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        logs["loss"]


class Stream:
    """The batches that `fit` makes of arrays, as a stream."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        for i in range(0, self.rows, 8):
            stop = min(i + 8, self.rows)
            yield X[i:stop], Y[i:stop]


def train(rows=48, seed=7, as_stream=False, callbacks=(), shuffle=False, **compiled):
    """Returns the history and the weights of a model with everything random in it."""
    set_random_seed(seed)
    x = Input((6,))
    h = layers.BatchNormalization(momentum=0.5)(Dense(8, activation="relu")(x))
    h = layers.GaussianNoise(0.1)(layers.Dropout(0.3)(h))
    h = layers.Lambda(lambda t: t + 0.01 * random.normal(t.shape))(layers.Dropout(0.1)(h))
    model = Model(x, Dense(3, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compiled)
    kwargs = {"epochs": 2, "verbose": 0, "callbacks": list(callbacks), "shuffle": shuffle}
    if as_stream:
        logs = model.fit(Stream(rows), **kwargs)
    else:
        logs = model.fit(X[:rows], Y[:rows], batch_size=8, **kwargs)
    return logs.history, model.get_weights()


def same_bits(one, other):
    return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))


@pytest.mark.slow
def test_every_compiled_way_gives_the_same_bits(monkeypatch):
    first = train(shuffle=True)
    assert same_bits(first, train(shuffle=True))
    assert same_bits(first, train(shuffle=True, steps_per_execution=3))
    assert same_bits(first, train(shuffle=True, steps_per_execution=100))
    assert same_bits(first, train(shuffle=True, callbacks=[Hook()]))
    assert not same_bits(first, train(shuffle=True, seed=8))
    monkeypatch.setattr("cornu.data.sources.arrays.RESIDENT_BYTES", 0)  # sent batch by batch
    assert same_bits(first, train(shuffle=True))


def test_a_stream_of_the_same_batches_gives_the_same_bits():
    assert same_bits(train(), train(as_stream=True))


@pytest.mark.parametrize("way", slow_except([{"as_stream": True}, {"run_eagerly": True}], 1))
def test_differences_between_programs_are_rounding_errors(way):
    first, second = train(rows=50), train(rows=50, **way)
    for name, values in first[0].items():
        np.testing.assert_allclose(values, second[0][name], 1e-5, err_msg=name)
    for a, b in zip(first[1], second[1], strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-6)


class Sampling(Model):
    """Returns numbers of all kinds of sources, the smallest and the largest of each."""

    def __init__(self):
        super().__init__()
        self.dense = Dense(1)
        self.own = random.SeedGenerator()
        self.listed = [random.SeedGenerator(), random.SeedGenerator(5)]
        self.noise = layers.GaussianNoise(1.0)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x = unpack_x_y_sample_weight(data)[0]
        noise = lambda: self.noise(0 * x, training=True)  # noqa: E731
        samples = {
            "own": random.normal(x.shape, seed=self.own),
            "again": random.normal(x.shape, seed=self.own),
            "listed": random.uniform(x.shape, seed=self.listed[0]),
            "explicit": random.uniform(x.shape, seed=self.listed[1]),
            "nameless": random.normal(x.shape),
            "second": random.normal(x.shape),
            "integer": random.normal(x.shape, seed=3),
            "layer": noise(),
            "inside": cornu.value_and_grad(lambda: (ops.sum(noise()), noise()), [], True)()[0][1],
        }
        return {
            f"{name}_{which}": getattr(ops, which)(numbers)
            for name, numbers in samples.items()
            for which in ("min", "max")
        }


def train_sampling(**compiled):
    set_random_seed(3)
    model = Sampling()
    model.compile("sgd", "mse", **compiled)
    logs = [model.train_on_batch(X[:8], X[:8, :1], return_dict=True) for _ in range(2)]
    return logs, model.fit(X[:48], X[:48, :1], batch_size=8, verbose=0).history


def test_eager_steps_draw_the_numbers_of_compiled_ones():
    compiled, eager = train_sampling(), train_sampling(run_eagerly=True)
    assert compiled == eager  # to the last bit
    first, second = compiled[0]
    assert all(first[name] != second[name] for name in first if not name.startswith("integer"))
    assert len(set(first.values())) == len(first)  # no two sources draw the same


def test_an_eager_step_that_fails_changes_nothing():
    class Fails(Model):
        def train_step(self, data):
            self.count.assign_add(1)
            self.layers[-1].bias.assign([9.0])
            raise ZeroDivisionError

    x = Input((6,))
    model = Fails(x, Dense(1)(x))
    model.count = cornu.Variable(0, trainable=False, name="count")
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, X[:, :1], verbose=0)
    assert int(model.count) == 0 and float(model.layers[-1].bias[0]) == 0.0


def test_what_was_built_before_changes_nothing():
    first = train()
    layers.Dropout(0.5), random.SeedGenerator()  # names count up
    assert same_bits(first, train())


def run(program, **environment):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return run_program(program, env=environment, strict=False).stdout.split()


def test_the_flag_is_set_in_time_once_beside_others():
    program = (
        "import os, cornu; cornu.utils.enable_op_determinism(); cornu.utils.enable_op_determinism()"
        "; print(os.environ['XLA_FLAGS']); print(float(cornu.ops.sum([1.0, 2.0])))"
    )
    flags = "--xla_cpu_enable_fast_math=false"
    found = run(program, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
    assert found == [flags, "--xla_gpu_deterministic_ops=true", "3.0"]


def test_too_late_is_an_error_where_it_matters(monkeypatch):
    jax.devices()
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    enable_op_determinism()
    assert "XLA_FLAGS" not in os.environ  # a CPU needs nothing
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.raises(RuntimeError, match="after JAX initialized the backend 'gpu'"):
        enable_op_determinism()
