"""Custom steps: overridden methods, several optimizers, losses and metrics as attributes."""

import itertools

import jax
import keras
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers, ops
from cornu.layers import Dense
from cornu.training.step.program import counters
from cornu.utils import unpack_x_y_sample_weight
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
X = RNG.normal(size=(36, 6)).astype("float32")
Y = RNG.normal(size=(36, 2)).astype("float32")
FIT_OPTIONS = {"batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False}


def functional(cls, **kwargs):
    x = Input((6,))
    h = layers.Dropout(0.25, seed=3)(Dense(8, activation="tanh")(x))
    model = cls(x, Dense(2)(h), **kwargs)
    model.compile("sgd", "mse", metrics=["mae"])
    return model


class Stepped(Model):
    """Implements the default training step itself."""

    def train_step(self, data):
        x, y, sample_weight = unpack_x_y_sample_weight(data)

        def loss_of():
            y_pred = self(x, training=True)
            return self.compute_loss(x, y, y_pred, sample_weight), y_pred

        variables = self.trainable_variables
        (loss, y_pred), grads = cornu.value_and_grad(loss_of, variables, has_aux=True)()
        self.optimizer.apply(grads, variables)
        self.metrics[0].update_state(loss, sample_weight=len(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data):
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self.metrics[0].update_state(loss, sample_weight=len(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data):
        return self(unpack_x_y_sample_weight(data)[0], training=False)


def check_close(a, b, rtol=1e-5):
    assert sorted(a) == sorted(b)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol, 1e-6, err_msg=name)


@pytest.mark.parametrize("kwargs", slow_except([{}, {"run_eagerly": True}], 1))
def test_a_custom_step_equals_the_default_step(kwargs):
    plain, own = functional(Model), functional(Stepped)
    own.set_weights(plain.get_weights())
    own.compile("sgd", "mse", metrics=["mae"], **kwargs)
    own.trainer.seed = plain.trainer.seed = 3
    validation = {"validation_data": (X[:10], Y[:10])}
    logs = [model.fit(X, Y, **validation, **FIT_OPTIONS).history for model in (plain, own)]
    check_close(*logs)
    for a, b in zip(plain.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)
    np.testing.assert_allclose(plain.predict(X), own.predict(X), 1e-5, 1e-6)
    np.testing.assert_allclose(plain.evaluate(X, Y, verbose=0), own.evaluate(X, Y, verbose=0), 1e-5)


def test_custom_prediction_steps():
    class Signs(Model):
        def predict_step(self, data):
            outputs = self(unpack_x_y_sample_weight(data)[0], training=False)
            return {"sign": ops.sign(outputs), "row": ops.arange(len(outputs))}

    model = functional(Signs)
    found = model.predict(X, batch_size=36)
    assert np.array_equal(found["sign"], np.sign(model(X))) and len(found["row"]) == 36


def test_custom_loss_and_metrics_equal_keras():
    def make(k):
        class Own(k.Model):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.largest = k.metrics.Mean(name="largest")

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                loss = k.ops.mean(k.ops.square(y - y_pred)) + sum(self.losses)
                self.largest.update_state(k.ops.max(k.ops.abs(y_pred)))
                return loss

            def compute_metrics(self, x, y, y_pred, sample_weight):
                logs = super().compute_metrics(x, y, y_pred, sample_weight)
                logs["twice"] = 2 * self.largest.result()
                return logs

        x = k.Input((6,))
        h = k.layers.Dense(4, activation="tanh", kernel_regularizer="l2")(x)
        return Own(x, k.layers.Dense(2)(k.layers.ActivityRegularization(l2=0.1)(h)))

    theirs, ours = make(keras), make(cornu)
    ours.set_weights(theirs.get_weights())
    logs = []
    for model in (theirs, ours):
        model.compile("sgd", "mse", metrics=["mae"])
        logs.append(model.fit(X, Y, validation_data=(X[:10], Y[:10]), **FIT_OPTIONS).history)
    check_close(*logs, rtol=2e-5)


class Adversaries(Model):
    """Two models that learn from each other, each with an optimizer of its own; no `call`."""

    def __init__(self, size):
        super().__init__()
        self.generator = cornu.Sequential([Input((size,)), Dense(4, "relu"), Dense(6)])
        self.judge = cornu.Sequential([Input((6,)), Dense(4, "relu"), Dense(1)])
        self.size = size
        self.seeds = cornu.random.SeedGenerator(3)
        self.missed = cornu.metrics.Mean(name="missed")

    def compile(self, judging, generating):
        super().compile()
        self.judging, self.generating = judging, generating

    def generate(self, rows):
        return self.generator(cornu.random.normal((rows, self.size), seed=self.seeds))

    def train_step(self, data):
        real = unpack_x_y_sample_weight(data)[0]
        loss = cornu.losses.BinaryCrossentropy(from_logits=True)

        def judge_loss():
            both = ops.concatenate([real, self.generate(len(real))])
            truth = ops.concatenate([ops.ones((len(real), 1)), ops.zeros((len(real), 1))])
            return loss(truth, self.judge(both))

        def generator_loss():
            return loss(ops.ones((len(real), 1)), self.judge(self.generate(len(real))))

        for optimizer, part, loss_of in (
            (self.judging, self.judge, judge_loss),
            (self.generating, self.generator, generator_loss),
        ):
            value, grads = cornu.value_and_grad(loss_of, part.trainable_variables)()
            optimizer.apply(grads, part.trainable_variables)
        self.missed.update_state(value)
        return {"generator": value, "missed": self.missed.result()}


@pytest.mark.parametrize("eager", slow_except([False, True], 1))
def test_several_optimizers_and_no_call(eager):
    cornu.utils.set_random_seed(1)
    model = Adversaries(3)
    model.compile(cornu.optimizers.Adam(0.01), cornu.optimizers.SGD(0.1, momentum=0.9))
    if eager:
        model.trainer.config = model.trainer.config.__class__(optimizer="sgd", run_eagerly=True)
    before = model.get_weights()
    history = model.fit(X, **FIT_OPTIONS).history
    assert sorted(history) == ["generator", "missed"] and np.isfinite(history["missed"]).all()
    assert int(model.judging.iterations) == int(model.generating.iterations) == 10
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(changed)


def test_penalties_of_layers_reach_custom_steps():
    class Penalty(layers.Layer):
        def call(self, inputs):
            self.add_loss(10.0 * ops.mean(ops.square(inputs)))
            return inputs

    class Own(Model):
        def train_step(self, data):
            x, y = data

            def loss_of():
                y_pred = self(x, training=True)
                return self.compute_loss(x, y, y_pred) + 0 * ops.sum(ops.stack(self.losses))

            loss, grads = cornu.value_and_grad(loss_of, self.trainable_variables)()
            self.optimizer.apply(grads, self.trainable_variables)
            return {"loss": loss}

    x = Input((6,))
    model = Own(x, Dense(2)(Penalty()(Dense(3)(x))))
    model.compile("sgd", "mse")
    plain = Model(model.inputs, model.outputs)
    plain.compile("sgd", "mse")
    expected = plain.evaluate(X[:8], Y[:8], verbose=0)
    assert model.train_on_batch(X[:8], Y[:8]) == pytest.approx(expected, rel=1e-5)


def test_a_partial_batch_compiles_a_custom_step_once_more():
    """Custom steps may mix rows, so they never receive padding rows."""
    own, plain = functional(Stepped), functional(Model)
    for model, traces in ((own, 2), (plain, 1)):
        before = counters["traces"]
        model.fit(X, Y, **FIT_OPTIONS)
        model.fit(X, Y, **FIT_OPTIONS)
        assert counters["traces"] - before == traces


def test_a_partial_batch_of_a_stream_compiles_exactly_once_more():
    class Batches:
        def __init__(self, rows):
            self.rows = rows

        def __iter__(self):
            return (
                (X[i : min(i + 8, self.rows)], Y[i : min(i + 8, self.rows)])
                for i in range(0, self.rows, 8)
            )

    model = functional(Model)
    before = counters["traces"]
    kwargs = {"epochs": 2, "verbose": 0}
    for rows in (36, 35, 34, 33):
        streamed = model.fit(Batches(rows), **kwargs).history
    assert counters["traces"] - before == 2
    again = functional(Model)
    again.set_weights(model.get_weights())
    a = model.evaluate(Batches(35), verbose=0)
    b = again.evaluate(X[:35], Y[:35], batch_size=8, verbose=0)
    np.testing.assert_allclose(a, b, 1e-5)
    assert np.isfinite(streamed["loss"]).all()


def test_the_last_rows_of_a_prediction_compile_nothing():
    model = functional(Model)
    before = counters["traces"]
    whole = model.predict(X, batch_size=8)  # 4 batches, and 4 rows
    assert counters["traces"] - before == 1 and whole.shape == (36, 2)
    np.testing.assert_allclose(whole, model(X, training=False), 1e-5, 1e-6)
    mean = layers.Lambda(lambda t: t - ops.mean(t, axis=0))
    x = Input((6,))
    mixing = Model(x, mean(x))  # other rows would change these
    last = X[32:] - X[32:].mean(axis=0)
    np.testing.assert_allclose(mixing.predict(X, batch_size=8)[32:], last, 1e-5, 1e-6)


def test_a_custom_call_around_a_functional_graph_may_mix_rows():
    class Centered(Model):
        def call(self, inputs, training=None, mask=None):
            outputs = super().call(inputs, training, mask)
            return outputs - ops.mean(outputs, axis=0)

    model = functional(Centered)
    found = model.predict(X, batch_size=8)[32:]
    np.testing.assert_allclose(found, model(X[32:], training=False), 1e-4, 1e-6)
    assert not model.trainer.programs.runner("train").pads


def keras_way(k):
    """The step that Keras's guide has for JAX: the state is passed as lists of values."""

    class Own(k.Model):
        def losses_and_updates(self, trained, rest, x, y, training=False):
            y_pred, rest = self.stateless_call(trained, rest, x, training=training)
            return self.compute_loss(x, y, y_pred), (y_pred, rest)

        def train_step(self, state, data):
            trained, rest, slots, counted = state
            x, y = data
            gradient = jax.value_and_grad(self.losses_and_updates, has_aux=True)
            (loss, (y_pred, rest)), grads = gradient(trained, rest, x, y, training=True)
            trained, slots = self.optimizer.stateless_apply(slots, grads, trained)
            logs, counted = self.count(counted, loss, y, y_pred)
            return logs, (trained, rest, slots, counted)

        def count(self, counted, loss, y, y_pred):
            logs, news = {}, []
            for metric in self.metrics:
                values = counted[len(news) : len(news) + len(metric.variables)]
                given = (loss,) if metric.name == "loss" else (y, y_pred)
                values = metric.stateless_update_state(values, *given)
                logs[metric.name] = metric.stateless_result(values)
                news += values
            return logs, news

        def test_step(self, state, data):
            trained, rest, counted = state
            x, y = data
            y_pred, rest = self.stateless_call(trained, rest, x, training=False)
            loss = self.compute_loss(x, y, y_pred)
            logs, counted = self.count(counted, loss, y, y_pred)
            return logs, (trained, rest, counted)

        def predict_step(self, state, data):
            trained, rest = state
            outputs, rest = self.stateless_call(trained, rest, data, training=False)
            return 2 * outputs, rest

    x = k.Input((6,))
    h = k.layers.BatchNormalization(momentum=0.9)(k.layers.Dense(8, activation="tanh")(x))
    return Own(x, k.layers.Dense(2)(h))


def test_steps_in_the_way_of_keras_on_jax():
    theirs, ours = keras_way(keras), keras_way(cornu)
    ours.set_weights(theirs.get_weights())
    logs = []
    for k, model in ((keras, theirs), (cornu, ours)):
        model.compile("adam", "mse", metrics=[k.metrics.MeanAbsoluteError(name="mae")])
        logs.append(model.fit(X, Y, validation_data=(X[:10], Y[:10]), **FIT_OPTIONS).history)
    check_close(*logs, rtol=2e-5)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-6)


def test_a_stateless_step_draws_new_random_numbers_in_each_call():
    class Noisy(Model):
        def train_step(self, state, data):
            trained, rest, slots, counted = state
            first, _ = self.stateless_call(
                trained, rest, unpack_x_y_sample_weight(data)[0], training=True
            )
            second, _ = self.stateless_call(
                trained, rest, unpack_x_y_sample_weight(data)[0], training=True
            )
            return {"apart": ops.max(ops.abs(first - second))}, state

    assert functional(Noisy).train_on_batch(X[:8], Y[:8]) > 0


def test_a_stateless_step_that_returns_something_else():
    class Wrong(Model):
        def train_step(self, state, data):
            return {"loss": 0.0}

    with pytest.raises(
        TypeError, match=r"train_step\(state, data\) must return .* Received: a dict"
    ):
        functional(Wrong).fit(X, Y, **FIT_OPTIONS)


# ------------------------------------------------------------------- what steps receive, and how


class Free(Model):
    """A model that is built and cannot be called on what its steps receive."""

    def __init__(self):
        super().__init__()
        self.seen = {}
        self.built = True

    def call(self, x):
        raise AssertionError("fit called a built model that has steps of its own")

    def see(self, what, data):
        self.seen[what] = cornu.tree.map_structure(lambda leaf: None if leaf is None else "", data)
        return {"loss": 0.0}

    def train_step(self, data):
        return self.see("train", data)

    def test_step(self, data):
        return self.see("test", data)

    def predict_step(self, data):
        self.see("predict", data)
        return ops.zeros((1,))


class FreeWithState(Free):
    def train_step(self, state, data):
        return self.see("train", data), state

    def test_step(self, state, data):
        return self.see("test", data), state

    def predict_step(self, state, data):
        self.see("predict", data)
        return ops.zeros((1,)), state[1]


W = np.ones(len(X))
# Arguments of fit, and the batch that a step receives for them.
GIVEN = [
    ((X,), ""),
    ((X, Y), ("", "")),
    ((X, Y, W), ("", "", "")),
    ((X, None, W), ("", None, "")),
    (([X, X],), (["", ""],)),
    (((X, X), [Y, Y]), (("", ""), ["", ""])),
    (({"a": X, "b": {"c": Y}}, {"d": Y}), ({"a": "", "b": {"c": ""}}, {"d": ""})),
]


@pytest.mark.parametrize("make", [Free, FreeWithState])
def test_steps_receive_what_the_user_passed(make):
    for given, expected in GIVEN:
        x, y, weight = (*given, None, None)[:3]
        model = make()
        model.compile("sgd", "mse", metrics=["mae"])
        model.fit(x, y, sample_weight=weight, verbose=0)
        model.evaluate(x, y, sample_weight=weight, verbose=0)
        assert model.seen == {"train": expected, "test": expected}
        model.seen.clear()
        model.train_on_batch(x, y, weight)
        model.test_on_batch(x, y, weight)
        assert model.seen == {"train": expected, "test": expected}
        batches = type("Batches", (), {"__iter__": lambda self, batch=given: iter([batch])})()
        model = make()
        model.compile("sgd", "mse")
        model.fit(batches, verbose=0)
        model.evaluate(batches, verbose=0)
        model.predict(batches)
        packed = expected if isinstance(expected, tuple) else (expected,)
        assert model.seen == dict.fromkeys(("train", "test", "predict"), packed)


# Batches of a source, and what the steps of Keras receive for them.
BATCHES = [
    (X, ""),
    ((X,), ("",)),
    ([X], ("",)),
    ((X, None), ("", None)),
    ((X, Y, None), ("", "", None)),
    ((X, None, None), ("", None, None)),
    (((X,),), (("",),)),
    (((X,), Y), (("",), "")),
    ({"a": X}, {"a": ""}),
]


class Numbered(cornu.utils.PyDataset):
    """One batch of any structure."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


def in_tensorflow(batch):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensors(batch)


def in_torch(batch):
    data = pytest.importorskip("torch.utils.data")
    return data.DataLoader([batch], batch_size=1, collate_fn=lambda samples: samples[0])


def in_a_list(batch):
    return type("Batches", (), {"__iter__": lambda self: iter([batch])})()


@pytest.mark.parametrize("source", [in_a_list, Numbered, in_torch, in_tensorflow])
def test_steps_receive_batches_with_as_many_parts_as_the_source_gives(source):
    for batch, expected in BATCHES:
        if source is in_tensorflow and (
            isinstance(batch, list) or any(part is None for part in batch)
        ):
            continue  # tf.data has neither lists nor None
        if source is Numbered and not isinstance(batch, (tuple, list, dict)):
            expected = (expected,)  # as in Keras
        model = Free()
        model.compile("sgd")
        data = source(batch)
        model.fit(data, verbose=0)
        model.evaluate(data, verbose=0)
        model.predict(data)
        assert model.seen == dict.fromkeys(("train", "test", "predict"), expected), batch


def test_steps_may_take_any_arguments_and_call_those_of_the_base_class():
    class Variadic(Model):
        def train_step(self, *args, **kwargs):
            return super().train_step(*args, **kwargs)

        def test_step(self, *args, **kwargs):
            return super().test_step(*args, **kwargs)

        def predict_step(self, *args, **kwargs):
            return super().predict_step(*args, **kwargs)

    class WithState(Model):
        def train_step(self, state, data):
            return super().train_step(state, data=data)

        def test_step(self, state, data):
            return super().test_step(state, data)

        def predict_step(self, state, data):
            return super().predict_step(state, data)

    class Plain(Model):
        def train_step(self, data):
            return super().train_step(data)

        def test_step(self, data):
            return super().test_step(data=data)

        def predict_step(self, data):
            return super().predict_step(data)

    expected, first = None, functional(Model).get_weights()
    for cls in (Model, Variadic, WithState, Plain):
        model = functional(cls)
        model.set_weights(first)
        model.trainer.seed = 3
        logs = model.fit(X, Y, **FIT_OPTIONS).history["loss"]
        found = [*logs, *model.evaluate(X, Y, verbose=0), model.predict(X).sum()]
        expected = found if expected is None else expected
        np.testing.assert_allclose(found, expected, 1e-5)


def test_the_loss_may_have_the_parameter_training_or_not():
    square = lambda y, y_pred: ops.mean((y - y_pred) ** 2)  # noqa: E731

    class Without(Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return square(y, y_pred)

    class With(Model):
        def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
            assert isinstance(training, bool)
            return square(y, y_pred)

    class Others(Model):
        def compute_loss(self, x, y, y_pred, sample_weight, **kwargs):
            assert set(kwargs) == {"training"}
            return square(y, y_pred)

    class Passes(Model):
        def compute_loss(self, *args, **kwargs):
            return super().compute_loss(*args, **kwargs)

    x = Input((6,))
    outputs = Dense(2)(x)
    for cls in (Without, With, Others, Passes):
        model = cls(x, outputs)
        model.compile("sgd", "mse")
        loss = model.test_on_batch(X, Y)
        np.testing.assert_allclose(loss, np.mean((model.predict(X) - Y) ** 2), 1e-5)
        assert np.isfinite(model.train_on_batch(X, Y))
        assert all(finding.severity != "error" for finding in model.check(X, Y))


def test_arrays_of_a_batch_may_differ_in_their_rows():
    """Graph networks: nodes, edges, and the number of the graph of each node."""
    nodes, edges = X, np.array([[0, 1], [1, 2]], "int32")
    graphs = (np.arange(len(X)) % 3).astype("int32")

    class GraphNet(Model):
        def __init__(self):
            super().__init__()
            self.head = Dense(1)

        def call(self, inputs):
            nodes, edges, graphs = inputs
            nodes = nodes + ops.segment_sum(nodes[edges[:, 0]], edges[:, 1], len(nodes))
            return self.head(ops.segment_sum(nodes, graphs, 3))

    y = np.ones((3, 1), "float32")
    batch = ((nodes, edges, graphs), y)
    model = GraphNet()
    model.compile("sgd", "mse", metrics=["mae"])
    assert np.isfinite(model.train_on_batch(*batch)).all()
    assert np.isfinite(model.test_on_batch(*batch)).all()
    assert model.predict_on_batch(batch[0]).shape == (3, 1)
    no_edges = ((nodes, edges[:0], graphs), y)
    model.fit(iter([batch, no_edges]), verbose=0)
    assert np.isfinite(model.evaluate(iter([batch, no_edges]), verbose=0)).all()
    assert model.predict(iter([batch, no_edges])).shape == (6, 1)
    assert all(finding.code != "C001" for finding in model.check(iter([batch, no_edges])))
    assert len(model.find_lr(itertools.cycle([batch, no_edges]), steps=4).rates) >= 1
    with pytest.raises(ValueError, match="different numbers of rows"):
        model.fit(*batch, verbose=0)
    # Where every row is computed from the same row, different numbers are a mistake.
    with pytest.raises(ValueError, match=r"different numbers of rows \(x: 36, y: 30\)"):
        functional(Model).train_on_batch(X, Y[:30])
