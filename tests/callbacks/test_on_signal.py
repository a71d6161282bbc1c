"""OnSignal: signals are real, and sent to this process."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import cornu
from cornu.callbacks import Callback, OnSignal
from tests.callbacks import fake

USR1, USR2 = signal.SIGUSR1, signal.SIGUSR2
X, Y = np.ones((64, 2), "float32"), np.ones((64, 1), "float32")


@pytest.fixture(autouse=True)
def handlers():
    """Restores the signal handlers."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, USR1)]
    yield before
    assert [signal.getsignal(number) for number in (signal.SIGTERM, USR1)] == before


def tiny():
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class Send(Callback):
    """Sends a signal in the middle of an epoch."""

    def __init__(self, number, epoch=1):
        self.number, self.epoch, self.ended = number, epoch, []

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            os.kill(os.getpid(), self.number)

    def on_epoch_end(self, epoch, logs=None):
        self.ended.append(epoch)


@pytest.mark.parametrize("number", [signal.SIGTERM, USR1])
def test_training_ends_in_order_and_the_model_is_saved(tmp_path, number, capsys):
    path, send = tmp_path / "model.keras", Send(number)
    stop, model = OnSignal(path), tiny()
    history = model.fit(X, Y, epochs=9, verbose=0, callbacks=[send, stop])
    assert history.epoch == send.ended == [0, 1]
    assert stop.received is number and model.stop_training
    saved = cornu.saving.load_model(path)
    for a, b in zip(saved.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    out = capsys.readouterr().out
    assert out == (
        f"OnSignal: received {number.name}. The model was saved to '{path}'; training ends here.\n"
    )


def test_without_a_signal_nothing_is_written(tmp_path):
    stop = OnSignal(tmp_path / "w.npz")
    history = tiny().fit(X, Y, epochs=2, verbose=0, callbacks=[stop])
    assert len(history.epoch) == 2 and stop.received is None and not list(tmp_path.iterdir())


def test_a_signal_during_validation_is_handled_after_it(tmp_path, capsys):
    class InTest(Send):
        def on_test_begin(self, logs=None):
            os.kill(os.getpid(), self.number)

    stop, send = OnSignal(tmp_path / "w.npz"), InTest(USR1, epoch=None)
    history = tiny().fit(X, Y, epochs=5, verbose=0, callbacks=[send, stop], validation_data=(X, Y))
    assert history.epoch == [0] and (tmp_path / "w.npz").exists()
    assert "SIGUSR1" in capsys.readouterr().out


def test_a_signal_can_be_sent_again(tmp_path, capsys):
    received = []
    before = signal.signal(USR2, lambda number, frame: received.append(number))
    try:
        stop = OnSignal(tmp_path / "w.npz", signals=(USR2,), reraise=True)
        tiny().fit(X, Y, epochs=5, verbose=0, callbacks=[Send(USR2, epoch=0), stop])
        assert received == [USR2]
    finally:
        signal.signal(USR2, before)
    capsys.readouterr()


def test_an_error_puts_the_handlers_back(tmp_path):
    stop = OnSignal(tmp_path / "w.npz")
    stop.set_model(fake.Model())
    stop.on_train_begin()
    assert signal.getsignal(USR1) == stop._handle
    stop.on_train_exception(KeyboardInterrupt())


def test_an_unobserved_fit_does_not_keep_them(tmp_path):
    stop = OnSignal(tmp_path / "w.npz")
    stop.set_model(fake.Model())
    stop.on_train_begin()
    stop.on_train_begin()
    stop.on_train_end()


def test_other_threads_cannot_handle(tmp_path):
    stop, raised = OnSignal(tmp_path / "w.npz"), []

    def run():
        try:
            with pytest.warns(UserWarning, match="handles signals only in the main thread"):
                stop.on_train_begin()
            stop.on_train_end()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not raised


def test_invalid_files_and_signals_are_rejected(tmp_path):
    with pytest.raises(ValueError, match="filepath must end in"):
        OnSignal("model.h5")
    with pytest.raises(ValueError, match="9999"):
        OnSignal(tmp_path / "w.npz", signals=[9999])
