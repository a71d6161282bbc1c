"""Statistics: recording while a model is trained."""

import numpy as np
import pytest

import cornu
from cornu import Input, layers
from cornu.callbacks import Statistics
from tests.callbacks.tensorboard.test_event_file import fields, values

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 4)).astype("float32")
Y = RNG.normal(size=(8, 1)).astype("float32")


def model():
    made = cornu.Sequential([
        Input((4,)), layers.Dense(3, name="a"), layers.ReLU(name="r"), layers.Dense(1, name="b"),
    ])  # fmt: skip
    made.compile("sgd", "mse")
    return made


def fit(callback, epochs=3, net=None):
    net = net or model()
    net.fit(X, Y, batch_size=2, epochs=epochs, verbose=0, callbacks=[callback], shuffle=False)
    return net


def test_after_every_epoch():
    watch = Statistics(X, Y)
    net = fit(watch)
    assert [step for step, _ in watch.tables] == [1, 2, 3]
    last = watch.tables[-1][1]
    assert str(last) == str(net.statistics(X, Y))
    assert {row.kind for row in last} == {
        "output", "weight", "output gradient", "weight gradient",
    }  # fmt: skip


def test_after_some_epochs_and_only_some_layers():
    watch = Statistics(X, every_epochs=2, what="r")
    fit(watch, epochs=5)
    assert [step for step, _ in watch.tables] == [2, 4]
    assert {(row.path, row.kind) for row in watch.tables[0][1]} == {("r", "output")}


def test_after_some_batches():
    watch = Statistics(X, every_epochs=None, every_batches=3)
    fit(watch)
    assert [step for step, _ in watch.tables] == [3, 6, 9, 12]
    both = Statistics(X, every_batches=3)
    fit(both)
    assert [step for step, _ in both.tables] == [3, 4, 6, 8, 9, 12]


def test_epochs_alone_do_not_slow_the_steps_down():
    assert not Statistics(X).batch_hooks()
    assert Statistics(X, every_batches=1).batch_hooks() == {"on_train_batch_end"}


def test_watching_changes_nothing():
    alone = model()
    start = alone.get_weights()
    watched = model()
    watched.set_weights(start)
    alone.fit(X, Y, batch_size=2, epochs=2, verbose=0, shuffle=False)
    fit(Statistics(X, Y, every_batches=1, training=True), 2, watched)
    pairs = zip(alone.get_weights(), watched.get_weights(), strict=True)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in pairs)


def test_files_for_tensorboard(tmp_path):
    watch = Statistics(X, Y, every_epochs=2, log_dir=tmp_path)
    fit(watch, epochs=4)
    (path,) = tmp_path.iterdir()
    written = values(path)
    tags = {tag for _, tag, _ in written}
    assert {"outputs/r", "outputs/r/zeros", "weights/a/kernel", "weights/a/kernel/mean"} <= tags
    assert {"weight_gradients/b/bias", "output_gradients/b/std"} <= tags
    assert {step for step, _, _ in written} == {2, 4}
    message = next(fields(value[5][0]) for _, tag, value in written if tag == "outputs/r")
    assert np.frombuffer(message[7][0]).sum() == 8 * 3


def test_one_callback_serves_several_runs(tmp_path):
    watch = Statistics(X, log_dir=tmp_path)
    net = fit(watch, 1)
    fit(watch, 2, net)
    assert len(list(tmp_path.iterdir())) == 2 and len(watch.tables) == 3


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"every_epochs": 0}, "every_epochs must be at least 1"),
        ({"every_batches": -1}, "every_batches must be at least 1"),
        ({"every_epochs": None}, "pass every_epochs or every_batches"),
    ],
)
def test_invalid_arguments_are_rejected(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Statistics(X, **kwargs)
