"""A run resumes only what was saved by the same model, compile, data and arguments of fit."""

import re
import shutil

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers
from cornu.saving.training_state import StateFolder

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32") * 0.1
Y = X.sum(1, keepdims=True)


class Broken(Exception):
    """Stands for a crash."""


class Break(callbacks.Callback):
    """Raises in the middle of the second epoch."""

    def on_train_batch_end(self, batch, logs=None):
        self.seen = getattr(self, "seen", 0) + 1
        if self.seen == 6:
            raise Broken

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


def make(activation="relu", rate=0.3, loss="mse", regularizer=None, optimizer=None, again=2):
    x = cornu.Input((3,))
    h = layers.Dense(4, activation, kernel_regularizer=regularizer)(x)
    h = layers.Dropout(rate)(h)
    model = cornu.Model(x, layers.Dense(1)(h * again))
    model.compile(optimizer or cornu.optimizers.SGD(0.1), loss, metrics=["mae"])
    return model


def fit(folder, x=X, y=Y, epochs=2, batch_size=8, on_change="error", given=(), fit=None, **program):
    model = make(**program)
    resume = cornu.Resume(folder, every=1, on_change=on_change)
    kwargs = {"batch_size": batch_size, "epochs": epochs, "verbose": 0, **(fit or {})}
    model.fit(x, y, resume=resume, callbacks=list(given), **kwargs)
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """States of a run that was broken off within an epoch, and of one that was completed."""
    folder = tmp_path_factory.mktemp("states")
    with pytest.raises(Broken):
        fit(folder / "middle", given=[Break()])
    fit(folder / "complete")
    return folder


CHANGES = {
    "layers.2.config.activation is 'tanh', and 'relu'": {"activation": "tanh"},
    "config.rate is 0.5, and 0.3": {"rate": 0.5},
    "compile.loss is 'mae', and 'mse'": {"loss": "mae"},
    "kernel_regularizer": {"regularizer": "l2"},
    "clipnorm is 1.0, and None": {"optimizer": lambda: cornu.optimizers.SGD(0.1, clipnorm=1.0)},
    "connections": {"again": 3},
    "data.training.2": {"fit": {"sample_weight": np.full(32, 100.0)}},
    "data.validation.0": {"fit": {"validation_data": (X, Y)}},
    "fit.validation_freq is 2, and 1": {"fit": {"validation_freq": 2}},
    "data.training.0.values": {"x": X * 100},
    "data.training.0.shape.0 is 24, and 32": {"x": X[:24], "y": Y[:24]},
    "batch_size is 16, and 8": {"batch_size": 16},
    "fit.class_weight.1 is 3.0, and '(not given)'": {"fit": {"class_weight": {0: 1.0, 1: 3.0}}},
    "data.training.1.values": {"y": np.roll(Y, 1, axis=0)},
}


def made(change):
    return {k: v() if callable(v) else v for k, v in change.items()}


@pytest.mark.parametrize("kind", ["middle", "complete"])
@pytest.mark.parametrize("text", CHANGES)
def test_what_differs_is_listed_and_refused(text, kind, folders, tmp_path):
    shutil.copytree(folders / kind, tmp_path / "r")
    files = {path.name: path.read_bytes() for path in StateFolder(tmp_path / "r").files()}
    with pytest.raises(ValueError, match=re.escape(text)):
        fit(tmp_path / "r", **made(CHANGES[text]))
    assert files == {path.name: path.read_bytes() for path in StateFolder(tmp_path / "r").files()}


def test_a_complete_run_is_not_that_of_fewer_epochs_or_another_rate(folders, tmp_path):
    shutil.copytree(folders / "complete", tmp_path / "r")
    with pytest.raises(ValueError, match="epochs is 1, and epoch 2 has been completed"):
        fit(tmp_path / "r", epochs=1)
    with pytest.raises(ValueError, match="learning_rate is 0.5, and 0.1"):
        fit(tmp_path / "r", optimizer=cornu.optimizers.SGD(0.5))


def test_a_state_beyond_the_last_epoch_is_refused(folders, tmp_path):
    shutil.copytree(folders / "middle", tmp_path / "r")
    with pytest.raises(ValueError, match="epochs is 1, and epoch 1 has been completed"):
        fit(tmp_path / "r", epochs=1)


def test_another_learning_rate_is_used_and_said(folders, tmp_path, capsys):
    shutil.copytree(folders / "middle", tmp_path / "r")
    model = fit(tmp_path / "r", optimizer=cornu.optimizers.SGD(0.5), fit={"verbose": 2})
    assert float(model.optimizer.learning_rate.numpy()) == 0.5
    assert "learning_rate is 0.5, and 0.1 in the saved state" in capsys.readouterr().out


def test_a_rate_that_callbacks_changed_is_not_a_change(tmp_path):
    def slower(epoch, rate):
        return rate * 0.5

    model = make()
    for _ in range(2):  # the second time with the rate that the first left
        scheduler = callbacks.LearningRateScheduler(slower)
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[scheduler], resume=tmp_path)
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(0.025)


def test_warn_continues_and_restart_begins_again(folders, tmp_path):
    for kind in ("middle", "complete"):
        shutil.copytree(folders / kind, tmp_path / kind)
        with pytest.warns(UserWarning, match="belongs to another run"):
            fit(tmp_path / kind, activation="tanh", on_change="warn")
    whole = fit(tmp_path / "new", activation="tanh")
    shutil.copytree(folders / "middle", tmp_path / "again")
    cornu.utils.set_random_seed(1)
    model = fit(tmp_path / "again", activation="tanh", on_change="restart")
    assert len(model.history.epoch) == len(whole.history.epoch) == 2
    shutil.copytree(folders / "middle", tmp_path / "wider")
    wider = cornu.Sequential([cornu.Input((3,)), layers.Dense(9), layers.Dense(1)])
    wider.compile("adam", "mse")
    resume = cornu.Resume(tmp_path / "wider", on_change="restart")
    assert len(wider.fit(X, Y, epochs=2, verbose=0, resume=resume).epoch) == 2


def test_a_state_of_an_earlier_version_is_used_with_a_warning(folders, tmp_path):
    shutil.copytree(folders / "middle", tmp_path / "r")
    states = StateFolder(tmp_path / "r")
    state = states.read_newest()
    del state.data["config"]
    states.write(state)
    with pytest.warns(UserWarning, match="saved by another version"):
        model = fit(tmp_path / "r")
    assert len(model.history.epoch) == 2


def test_on_change_is_checked():
    with pytest.raises(ValueError, match="on_change must be"):
        cornu.Resume("folder", on_change="never")
