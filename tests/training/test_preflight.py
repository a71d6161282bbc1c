"""fit checks a program before its first step, and the loss after its last."""

import math
import tracemalloc
import warnings

import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, config
from cornu.errors import ModelWarning
from cornu.layers import Dense
from cornu.training import preflight
from tests.counting import calls

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
LABELS = np.arange(12) % 3


def wrong(**kwargs):
    model = Sequential([Input((4,)), Dense(3, name="head")])
    model.compile("sgd", "sparse_categorical_crossentropy", **kwargs)
    return model


@pytest.fixture(autouse=True)
def nothing_is_silenced():
    yield
    config.unsilence()


def test_fit_warns_in_one_line_with_a_code():
    with pytest.warns(ModelWarning) as caught:
        wrong().fit(X, LABELS, verbose=0)
    (warning,) = caught
    assert warning.message.code == "C010"
    text = str(warning.message)
    assert text.startswith("C010 cross-entropy on an output without activation: head (tests/")
    assert "\n" not in text
    assert warning.filename == __file__


def test_fit_warns_once_per_compile():
    model = wrong()
    with pytest.warns(ModelWarning):
        model.fit(X, LABELS, verbose=0)
    model.fit(X, LABELS, verbose=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(ModelWarning):
        model.fit(X, LABELS, verbose=0)


def test_a_warning_code_can_be_silenced():
    config.silence("C010")
    assert config.silenced() == ["C010"]
    wrong().fit(X, LABELS, verbose=0)
    config.unsilence("C010")
    with pytest.warns(ModelWarning):
        wrong().fit(X, LABELS, verbose=0)
    with pytest.raises(ValueError, match="Unknown check 'C01'. Did you mean 'C012'|'C01"):
        config.silence("C01")


def test_filters_of_the_language_work():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="C010")
        wrong().fit(X, LABELS, verbose=0)


def test_layers_and_ops_that_warn_themselves_can_be_silenced():
    config.silence("C012")
    cornu.ops.softmax(np.ones((3, 1)))
    config.unsilence()
    with pytest.warns(ModelWarning, match="C012 softmax over axis -1") as caught:
        cornu.ops.softmax(np.ones((3, 1)))
    assert caught[0].filename == __file__


def test_definite_errors_are_raised_before_any_step():
    model = Sequential([Input((4,)), Dense(3)])
    model.compile(cornu.optimizers.SGD(math.inf), "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match="C002 learning rate that is not finite.*It is inf"):
        model.fit(X, np.eye(3)[LABELS], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_fit_does_not_report_infos():
    model = Sequential([Input((4,)), Dense(1)])
    model.compile("sgd", "mse")
    assert model.check(X, LABELS * 0).codes == ["C043"]
    model.fit(X, LABELS * 0, verbose=0)


def test_check_changes_nothing_and_raises_nothing():
    model = wrong()
    before = model.get_weights()
    report = model.check(X, LABELS + 7)
    assert report[0].code == "C001" and "labels range from 7 to 9" in report[0].text
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.check(X[:, :2], LABELS).codes == ["C001", "C010"]


def test_an_error_in_a_loss_is_a_finding():
    def broken(y, p):
        raise RuntimeError("no such luck")

    model = Sequential([Input((4,)), Dense(3)])
    model.compile("sgd", broken)
    report = model.check(X, np.eye(3)[LABELS])
    assert report.codes == ["C001"] and "no such luck" in report[0].text


def test_check_before_compile_and_without_data():
    model = Sequential([Input((4,)), Dense(3)])
    assert model.check().codes == []
    assert model.check(X).codes == []
    assert model.check(X[:, :2]).codes == ["C001"]


def test_check_builds_a_subclass():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.head = Dense(3)

        def call(self, x):
            return self.head(x)

    model = Net()
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.check(X, LABELS).codes == ["C054"]


def test_check_of_an_iterable_reads_its_first_batch():
    batches = [(X * 1e4, LABELS)] * 2
    assert "C040" in wrong().check(iter(batches)).codes


def test_custom_losses_are_not_checked():
    class Own(Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return cornu.ops.mean(cornu.ops.square(y_pred))

    x = Input((4,))
    model = Own(x, Dense(3)(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, LABELS, verbose=0)


def test_fit_warns_at_the_first_epoch_whose_loss_is_nan():
    model = Sequential([Input((4,)), Dense(1)])
    model.compile(cornu.optimizers.SGD(900.0), "mse")
    epochs = []
    end = cornu.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    with pytest.warns(ModelWarning, match="C090 loss that is NaN.*debug_nans=True") as caught:
        model.fit(X, X[:, :1], epochs=20, verbose=0, callbacks=[end])
    first = np.isfinite(model.history.history["loss"]).argmin() + 1
    assert first < 20 and len(epochs) == 20
    (warning,) = (w for w in caught if "C090" in str(w.message))
    assert f"The loss of epoch {first} is" in str(warning.message)
    assert warning.filename == __file__


def test_fit_warns_of_a_loss_that_is_finite_at_the_end():
    model = Sequential([Input((4,)), Dense(1)])
    model.compile(cornu.optimizers.SGD(900.0), "mse")
    weights = model.get_weights()

    def begin(epoch, logs):
        if epoch == 1:
            model.set_weights(weights)
            model.optimizer.learning_rate = 1e-3

    restart = cornu.callbacks.LambdaCallback(on_epoch_begin=begin)
    with pytest.warns(ModelWarning, match="The loss of epoch 1 is"):
        history = model.fit(X, X[:, :1], 1, epochs=2, verbose=0, callbacks=[restart])
    assert np.isfinite(history.history["loss"]).tolist() == [False, True]


def test_a_stopped_run_prints_nothing_more():
    model = Sequential([Input((4,)), Dense(1)])
    model.compile(cornu.optimizers.SGD(900.0), "mse")
    model.fit(X, X[:, :1], epochs=20, verbose=0, callbacks=[cornu.callbacks.TerminateOnNaN()])
    assert not math.isfinite(model.history.history["loss"][-1])


def test_looking_before_fit_does_not_depend_on_the_number_of_rows():
    stack = [Dense(8, activation="relu") for _ in range(20)]
    model = Sequential([Input((100,)), *stack, Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    few, many = _rows(600), _rows(60_000)
    model.trainer.prepare(few, train=True)

    trainer, binding = model.trainer, model.trainer.binding("train")

    def look(source):
        model.trainer.run.checked = None
        preflight.before_fit(trainer, binding, source, None, None)

    look(few)
    work = calls(lambda: look(many))
    assert work < 15_000 and work <= 1.1 * calls(lambda: look(few))
    tracemalloc.start()
    try:
        look(many)
        copied = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert copied < 60_000 * 100 * 4 / 5  # bytes: a fifth of the data


def _rows(count):
    x = np.random.default_rng(0).normal(size=(count, 100)).astype("float32")
    return cornu.data.adapt(x, np.arange(count) % 3, None, 32)
