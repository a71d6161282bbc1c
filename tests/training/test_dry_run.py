"""overfit_batches, fast_dev_run, and the limits of the process."""

import numpy as np
import pytest

import cornu
from cornu import callbacks, config, layers
from cornu.utils import PyDataset, unpack_x_y_sample_weight

X = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
FIT = {"verbose": 0, "batch_size": 8}


def model(rate=0.01):
    cornu.utils.set_random_seed(2)
    made = cornu.Sequential([cornu.Input((3,)), layers.Dense(8, "tanh"), layers.Dense(1)])
    made.compile(cornu.optimizers.SGD(rate), "mse")
    return made


class Seen(callbacks.Callback):
    def __init__(self):
        self.trained = self.tested = self.epochs = 0

    def on_train_batch_end(self, batch, logs=None):
        self.trained += 1

    def on_test_batch_end(self, batch, logs=None):
        self.tested += 1

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


class Batches(PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return X[8 * index : 8 * index + 8], Y[8 * index : 8 * index + 8]


class Again:
    def __iter__(self):
        return (Batches(workers=1)[i] for i in range(6))


def numbered(count):
    """Batches of which each has its own number as x."""

    class Numbers:
        def __iter__(self):
            return ((np.full((2, 3), i), np.zeros((2, 1))) for i in range(count))

    return Numbers()


class Reader(cornu.Sequential):
    """Records the batch numbers without training."""

    def train_step(self, data):
        self.seen.append(int(np.asarray(unpack_x_y_sample_weight(data)[0])[0, 0]))
        return {"loss": np.zeros(())}


def read(x, **kwargs):
    """The numbers of the batches that a fit reads."""
    reader = Reader([cornu.Input((3,)), layers.Dense(1)])
    reader.seen = []
    reader.compile("sgd", "mse", run_eagerly=True)
    reader.fit(x, verbose=0, **kwargs)
    return reader.seen


@pytest.mark.parametrize("data", [lambda: Batches(workers=1), Again])
@pytest.mark.parametrize("part", [2, 0.34])
def test_the_same_batches_for_training_and_validation(data, part):
    if part == 0.34 and data is Again:
        with pytest.raises(ValueError, match="number of batches is unknown"):
            model().fit(data(), verbose=0, overfit_batches=part)
        return
    few, other = model(), model()
    found = few.fit(data(), epochs=3, verbose=0, overfit_batches=part).history
    expected = other.fit(
        X[:16], Y[:16], epochs=3, shuffle=False, validation_data=(X[:16], Y[:16]), **FIT
    ).history
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], 1e-6)


def test_a_model_overfits_a_few_batches():
    seen = Seen()
    history = model(0.1).fit(X, Y, epochs=40, overfit_batches=1, callbacks=[seen], **FIT).history
    assert history["val_loss"][-1] < 0.1 * history["val_loss"][0]
    assert (seen.trained, seen.tested) == (40, 40)
    whole = model().fit(X, Y, overfit_batches=1.0, validation_data=(X, 0 * Y), **FIT)
    assert whole.params["steps"] == 7


def test_a_fast_run_writes_nothing(tmp_path, capsys):
    seen = Seen()
    listed = [
        *(callbacks.CSVLogger(tmp_path / "a.csv"), callbacks.ModelCheckpoint(tmp_path / "b.keras")),
        *(
            callbacks.BackupAndRestore(tmp_path / "c"),
            callbacks.SpikeSkip(path=tmp_path / "d.json"),
        ),
        callbacks.Statistics(X, Y, log_dir=tmp_path / "e"),
        *(callbacks.EarlyStopping("val_loss"), seen),
    ]
    kwargs = {"validation_split": 0.2, "callbacks": listed, "batch_size": 8, "verbose": 2}
    history = model().fit(X, Y, epochs=9, fast_dev_run=True, **kwargs)
    assert history.epoch == [0] and set(history.history) == {"loss", "val_loss"}
    assert (seen.trained, seen.tested, seen.epochs) == (1, 1, 1) and not list(tmp_path.iterdir())
    message = capsys.readouterr().out.splitlines()[-1]
    assert message == (
        "fast_dev_run: 1 training step and 1 validation step ran. Omitted, because they write "
        "files: CSVLogger, ModelCheckpoint, BackupAndRestore, SpikeSkip, Statistics."
    )
    kwargs = {"epochs": 9, "resume": tmp_path / "f", "callbacks": [seen]}
    model().fit(Again(), fast_dev_run=3, verbose=2, **kwargs)
    assert seen.trained == 4 and not list(tmp_path.iterdir())
    message = capsys.readouterr().out.splitlines()[-1]
    assert message == "fast_dev_run: 3 training steps ran; there is no validation data."
    model().fit(X, Y, fast_dev_run=True, verbose=0)
    assert capsys.readouterr().out == ""
    # Of a list that was made by hand only a copy is shortened.
    own = callbacks.CallbackList([callbacks.CSVLogger(tmp_path / "a.csv")], True, model=model())
    own.model.fit(X, Y, fast_dev_run=True, callbacks=own)
    assert len(own.callbacks) == 2 and not list(tmp_path.iterdir())


@pytest.fixture
def limits():
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    yield
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


def test_the_limits_of_the_process(limits):
    seen, made = Seen(), model()
    with pytest.warns(UserWarning, match="limited to") as found:
        made.fit(X, Y, epochs=5, callbacks=[seen], validation_data=(X, Y), **FIT)
    assert {str(one.message).partition(":")[0] for one in found} == {
        "The epochs are limited to 2",
        "The steps of an epoch are limited to 3",
    }
    assert (seen.trained, seen.tested, seen.epochs) == (6, 6, 2)
    with pytest.warns(UserWarning, match="steps of an epoch are limited to 3"):
        assert made.predict(X, batch_size=8).shape == (24, 1)
    with pytest.warns(UserWarning, match="steps of an epoch are limited to 3"):
        limited = made.evaluate(X, Y, batch_size=8, verbose=0)
    assert limited == pytest.approx(made.evaluate(X[:24], Y[:24], batch_size=8, verbose=0))
    made.fit(X[:16], Y[:16], epochs=2, **FIT)  # no message within the limits


def test_an_epoch_goes_on_where_the_last_one_ended(limits):
    with pytest.warns(UserWarning):
        assert read(numbered(5), epochs=2) == [0, 1, 2, 3, 4, 0]
    assert read(numbered(5), fast_dev_run=2) == [0, 1]
    with pytest.warns(UserWarning):
        assert read(numbered(2), epochs=2) == [0, 1, 0, 1]


def test_invalid_options_are_rejected():
    for kwargs, text in (
        ({"overfit_batches": -1}, "overfit_batches must be a number"),
        ({"overfit_batches": 1.5}, "overfit_batches must be a number"),
        ({"overfit_batches": True}, "overfit_batches must be a number"),
        ({"fast_dev_run": -1}, "fast_dev_run must be a bool or"),
        ({"fast_dev_run": 0.5}, "fast_dev_run must be a bool or"),
        ({"fast_dev_run": 1, "overfit_batches": 1}, "pass either"),
    ):
        with pytest.raises(ValueError, match=text):
            model().fit(X, Y, **kwargs)
