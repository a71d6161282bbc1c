"""A model in several threads: inference beside training, evaluations beside each other."""

import contextlib
import copy
import pickle
import sys
import threading

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.core.state import variable
from cornu.export.weights import layout
from cornu.saving import stored_state
from tests.sampling import slow_except

X = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
Y = np.stack([X.sum(1), np.zeros(96, "float32")], 1)


class Twins(cornu.Layer):
    """Two weights that training keeps equal: of one step, they are; of two steps mixed, not."""

    def build(self, shape):
        self.one = self.add_weight((shape[-1], 1), "zeros", name="one")
        self.more = [self.add_weight((64, 64), "zeros", trainable=False) for _ in range(4)]
        self.two = self.add_weight((shape[-1], 1), "zeros", name="two")

    def call(self, x):
        one, two = x @ self.one.value, x @ self.two.value
        return ops.concatenate([one + two, 1e3 * (one - two)], axis=1)


def _model():
    x = cornu.Input((4,))
    model = cornu.Model(x, Twins()(x))
    model.compile(cornu.optimizers.Adam(0.01), "mse")
    return model


@contextlib.contextmanager
def _fast_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _run(*functions):
    """Runs functions in threads of their own at once; returns their errors."""
    errors = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    with _fast_switches():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return errors


def _equal(outputs):
    assert np.abs(np.asarray(outputs)[:, 1]).max() == 0


def _weights(model):
    one, two, *_ = model.get_weights()
    assert (one == two).all()


def _layer(model):
    _equal(model.layers[1](X))


def _eager(model):
    with cornu.core.state.scope.intercept_calls(lambda op, node, call, a, k: call(*a, **k)):
        _equal(model(X))


def _save(model, folder):
    model.save(folder / "model.keras")
    _weights(cornu.saving.load_model(folder / "model.keras", {"Twins": Twins}, compile=False))


READERS = {
    "call": lambda model, _: _equal(model(X)),
    "predict": lambda model, _: _equal(model.predict(X, verbose=0, batch_size=32)),
    "predict_on_batch": lambda model, _: _equal(model.predict_on_batch(X)),
    "evaluate": lambda model, _: model.evaluate(X, Y, verbose=0),
    "test_on_batch": lambda model, _: model.test_on_batch(X, Y),
    "get_weights": lambda model, _: _weights(model),
    "layer": lambda model, _: _layer(model),
    "eager": lambda model, _: _eager(model),
    "save": _save,
}
TRAINING = {
    "fit": lambda model: model.fit(X, Y, epochs=2, batch_size=4, verbose=0),
    "train_on_batch": lambda model: [model.train_on_batch(X[:8], Y[:8]) for _ in range(10)],
}


@pytest.mark.parametrize("train", slow_except(TRAINING, 1))
@pytest.mark.parametrize("reader", READERS)
def test_readers_beside_training(reader, train, tmp_path):
    model = _model()
    TRAINING[train](model)
    READERS[reader](model, tmp_path)
    ended, count = threading.Event(), [0]

    def read():
        while not ended.is_set() or not count[0]:
            READERS[reader](model, tmp_path)
            count[0] += 1

    def fit():
        try:
            for _ in range(3):
                TRAINING[train](model)
        finally:
            ended.set()

    assert not (errors := _run(fit, read, read)), errors
    _weights(model)
    history = model.fit(X, Y, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_evaluations_beside_each_other_and_beside_training():
    model = _model()
    expected = model.evaluate(X, Y, verbose=0, batch_size=8)

    def evaluate():
        for _ in range(5):
            assert model.evaluate(X, Y, verbose=0, batch_size=8) == expected

    assert not (errors := _run(evaluate, evaluate, evaluate)), errors
    # The logs of training are those without an evaluation beside it.
    logs = {}
    for beside in (False, True):
        cornu.utils.set_random_seed(0)
        model = _model()
        model.evaluate(X, Y, verbose=0)
        started, ended = threading.Event(), threading.Event()

        def fit(model=model, beside=beside, started=started, ended=ended):
            callback = cornu.callbacks.LambdaCallback(on_train_begin=lambda logs: started.set())
            data = {"batch_size": 8, "verbose": 0, "validation_data": (X, Y)}
            logs[beside] = model.fit(X, Y, epochs=3, callbacks=[callback], **data).history
            ended.set()

        def evaluate(model=model, started=started, ended=ended):
            started.wait()
            while not ended.is_set():
                assert model.evaluate(X, Y, verbose=0) > 0

        assert not (errors := _run(fit, *[evaluate] * beside)), errors
    assert logs[True] == logs[False]


@pytest.mark.parametrize("second", ["fit", "train_on_batch", "find_lr", "find_batch_size"])
def test_a_second_training_is_refused(second):
    model = _model()
    model.fit(X, Y, verbose=0)
    inside, refused = threading.Event(), threading.Event()
    callback = cornu.callbacks.LambdaCallback(
        on_train_begin=lambda logs: (inside.set(), refused.wait(20))
    )

    def other():
        inside.wait(20)
        try:
            getattr(model, second)(X, Y)
        finally:
            refused.set()

    errors = _run(lambda: model.fit(X, Y, verbose=0, callbacks=[callback]), other)
    assert len(errors) == 1 and isinstance(errors[0], RuntimeError)
    assert "is being trained in another thread" in str(errors[0])
    model.fit(X, Y, verbose=0)  # free again, also after an error


def test_training_within_training_of_the_same_thread():
    model = _model()
    callback = cornu.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: (model.evaluate(X, Y, verbose=0), model.predict(X))
    )
    model.fit(X, Y, verbose=0, callbacks=[callback])


def test_a_model_is_built_once():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3)

        def call(self, x):
            return self.inner(x)

    for call in (lambda model: model(X), lambda model: model.predict(X, verbose=0)):
        model = Own()
        outputs = []
        assert not _run(*[lambda m=model, o=outputs, c=call: o.append(np.asarray(c(m)))] * 3)
        assert len(model.weights) == 2
        assert all((output == outputs[0]).all() for output in outputs)


class Growing(dict):
    """The attributes of an object to which another thread adds one at each step of a loop."""

    def _grow(self, entries):
        for entry in entries:
            self[f"_added_{len(self)}"] = None
            yield entry

    def keys(self):
        return self._grow(dict.keys(self))

    def values(self):
        return self._grow(dict.values(self))

    def items(self):
        return self._grow(dict.items(self))


READERS_OF_ATTRIBUTES = READERS | {
    "fit": lambda model, _: model.fit(X, Y, verbose=0),
    "state": lambda model, _: model.get_state_tree(),
    "summary": lambda model, _: model.summary(print_fn=lambda line: None),
    "count_params": lambda model, _: model.count_params(),
    "copy": lambda model, _: copy.deepcopy(model),
    "pickle": lambda model, _: pickle.dumps(model),
    "json": lambda model, _: model.to_json(),
    "clone": lambda model, _: cornu.models.clone_model(model),
    "trainable": lambda model, _: setattr(model, "trainable", False),
    "checkpoint": lambda model, folder: model.fit(
        X, Y, callbacks=[cornu.callbacks.BackupAndRestore(folder / "backup")], verbose=0
    ),
}


@pytest.mark.parametrize("reader", READERS_OF_ATTRIBUTES)
def test_attributes_may_be_added_while_they_are_read(reader, tmp_path):
    model = _model()
    model.fit(X, Y, verbose=0)
    with pytest.raises(RuntimeError, match="changed size"):
        for _ in Growing(vars(model)).items():
            pass
    for owner in (model, *model.layers, model.optimizer, *model.metrics):
        owner.__dict__ = Growing(vars(owner))
    READERS_OF_ATTRIBUTES[reader](model, tmp_path)


class Wrapping(cornu.callbacks.Callback):
    """Wraps the step, so that the programs of others that do are dropped."""

    def around_step(self, step):
        return lambda batch: step(batch)


class Dropped(dict):
    """The programs of a model, which another thread drops as soon as one is added."""

    def __init__(self, programs):
        super().__init__()
        self.programs = programs

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.programs.clear()

    def setdefault(self, key, value):
        self[key] = value
        return value


def test_programs_may_be_dropped_while_they_are_created():
    model = _model()
    model.evaluate(X, Y, verbose=0)
    programs = model._trainer_.programs
    uses = (
        lambda: model.fit(X, Y, verbose=0),
        lambda: model.fit(X, Y, verbose=0, debug_nans=True),
        lambda: cornu.inspect.statistics(model, X),
        lambda: model.evaluate(X, Y, verbose=0),
    )
    for use in uses:
        programs.swap_steps(Dropped(programs))
        use()


def test_evaluations_whose_callbacks_wrap_the_step_beside_each_other():
    model = _model()
    expected = model.evaluate(X, Y, verbose=0)

    def evaluate():
        for _ in range(3):
            assert model.evaluate(X, Y, verbose=0, callbacks=[Wrapping()]) == expected

    assert not (errors := _run(evaluate, evaluate, evaluate)), errors


# ------------------------------------------------------------------------------- shared weights


def _heads(**compiled):
    """Two models with one body, whose weights they share."""
    x = cornu.Input((4,))
    body = layers.Dense(3)
    inner = body(x)
    heads = [cornu.Model(x, layers.Dense(2)(inner)) for _ in range(2)]
    for model in heads:
        model.compile(cornu.optimizers.SGD(1e-3), "mse", **compiled)
        model.fit(X, Y, verbose=0)
    return body, heads


def _train_both(models, inside, refused, train):
    """Trains one model, and the other while the first trains; returns the errors."""
    callback = cornu.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epoch == 1 and (inside.set(), refused.wait(20))
    )

    def first():
        models[0].fit(X, Y, epochs=3, verbose=0, callbacks=[callback])

    def second():
        inside.wait(20)
        try:
            train(models[1])
        finally:
            refused.set()

    return _run(first, second)


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize(
    "train", [lambda m: m.fit(X, Y, verbose=0), lambda m: m.train_on_batch(X, Y)]
)
def test_models_that_share_weights_are_not_trained_at_once(train, eagerly):
    _, models = _heads(run_eagerly=eagerly)
    errors = _train_both(models, threading.Event(), threading.Event(), train)
    assert len(errors) == 1 and isinstance(errors[0], RuntimeError)
    assert "is being trained in another thread, by a model that shares it" in str(errors[0])
    train(models[1])  # free again
    assert all(np.isfinite(w).all() for model in models for w in model.get_weights())


def test_models_that_share_frozen_weights_may_be_trained_at_once():
    body, models = _heads()
    body.trainable = False
    for model in models:
        model.compile(cornu.optimizers.SGD(1e-3), "mse")
    before = [w.tobytes() for w in body.get_weights()]
    train = lambda model: model.fit(X, Y, verbose=0)  # noqa: E731
    assert not _train_both(models, threading.Event(), threading.Event(), train)
    assert before == [w.tobytes() for w in body.get_weights()]


def test_two_fits_of_shared_weights_end_with_one_error_or_one_after_the_other():
    for _ in range(5):
        _, models = _heads()
        fits = [lambda m=m: m.fit(X, Y, epochs=3, batch_size=4, verbose=0) for m in models]
        errors = _run(*fits)
        assert all("by a model that shares it" in str(error) for error in errors)
        assert len(errors) <= 1
        assert all(np.isfinite(w).all() for model in models for w in model.get_weights())


def test_another_model_reads_one_set_of_the_weights_that_are_trained():
    model = _model()
    reader = cornu.Model(model.inputs, cornu.layers.Rescaling(2.0)(model.outputs[0]))
    ended, count = threading.Event(), [0]

    def read():
        while not ended.is_set() or not count[0]:
            _equal(reader.predict(X, verbose=0))
            count[0] += 1

    def fit():
        try:
            model.fit(X, Y, epochs=6, batch_size=4, verbose=0)
        finally:
            ended.set()

    assert not (errors := _run(fit, *[read] * 6)), errors


def test_weights_of_two_steps_would_be_found():
    """The proof that the tests of readers find mixed weights."""
    model = _model()
    model.fit(X, Y, batch_size=4, verbose=0)
    one = model.get_weights()[0]
    model.fit(X, Y, batch_size=4, verbose=0)
    model.set_weights([one, *model.get_weights()[1:]])
    with pytest.raises(AssertionError):
        _equal(model(X))


ONE_BY_ONE = {
    "get_weights": lambda model: model.get_weights()[:2],
    "get_state_tree": lambda model: list(
        model.get_state_tree(value_format="numpy_array")["trainable_variables"]["twins"].values()
    ),
    "weights for other libraries": lambda model: layout.values_of(model.layers[1])[:2],
    "files": lambda model: list(
        stored_state.to_arrays({v.path: v for v in model.trainable_weights}).values()
    ),
}


@pytest.mark.parametrize("reader", ONE_BY_ONE)
def test_values_that_are_read_one_by_one_are_those_of_one_step(reader, monkeypatch):
    model = _model()
    model.train_on_batch(X, Y)
    steps = []

    def train_after_the_first(value, *args):
        array = to_host(value, *args)
        if not steps:
            steps.append(1)
            thread = threading.Thread(target=lambda: model.train_on_batch(X, Y))
            thread.start()
            thread.join(10)
        return array

    to_host = variable.to_host
    monkeypatch.setattr(variable, "to_host", train_after_the_first)
    monkeypatch.setattr(stored_state, "to_host", train_after_the_first, raising=False)
    one, two = ONE_BY_ONE[reader](model)
    assert steps and (one == two).all()
