"""Ctrl-C in fit: one line says how far training came and where it can be continued."""

import signal
import traceback

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import Callback

X = np.ones((12, 3), "float32")


class Interrupt(Callback):
    """Sends Ctrl-C in a step, as the user does."""

    def __init__(self, step, times=1):
        super().__init__()
        self.step, self.times = step, times

    def on_train_batch_end(self, batch, logs=None):
        self.step -= 1
        if self.step == 0:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def fit(**arguments):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], batch_size=4, epochs=5, callbacks=[Interrupt(5)], **arguments)


def test_one_line_is_printed_and_the_error_ends_at_the_line_of_the_user(capsys):
    with pytest.raises(KeyboardInterrupt) as caught:
        fit(verbose=2)
    lines = [line for line in capsys.readouterr().out.splitlines() if "Interrupted" in line]
    expected = "Interrupted in epoch 2 of 5, after step 1 of 3. The model keeps its weights: "
    assert len(lines) == 1 and lines[0].startswith(f"{expected}fit(..., initial_epoch=1)")
    frames = traceback.extract_tb(caught.tb)
    assert all("cornu/" not in frame.filename for frame in frames), frames
    assert not getattr(caught.value, "__notes__", [])


def test_a_silent_fit_adds_a_note(capsys):
    with pytest.raises(KeyboardInterrupt) as caught:
        fit(verbose=0)
    assert "Interrupted" not in capsys.readouterr().out
    assert "Interrupted in epoch 2 of 5" in caught.value.__notes__[0]


def test_the_folder_of_the_last_state_is_named(tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        fit(verbose=2, resume=tmp_path)
    text = capsys.readouterr().out
    assert "Interrupted in epoch 2 of 5, after step 2 of 3. The last state" in text
    assert f"in '{tmp_path}' is that of epoch 2, step 2: run the program again" in text


def weights(resume, step=None, times=1):
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(4), layers.Dense(1)])
    model.compile("adam", "mse")
    calls = [Interrupt(step or 1000, times)]
    model.fit(X, X[:, :1], batch_size=4, epochs=4, callbacks=calls, verbose=0, resume=resume)
    return model.get_weights()


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_resumed_run_loses_nothing(step, tmp_path):
    with pytest.raises(KeyboardInterrupt) as caught:
        weights(tmp_path, step)
    reached = f"in epoch {(step + 2) // 3} of 4, after step {(step - 1) % 3 + 1} of 3"
    assert reached in caught.value.__notes__[0]
    for resumed, whole in zip(weights(tmp_path), weights(None), strict=True):
        np.testing.assert_array_equal(resumed, whole)


def test_a_second_interrupt_ends_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        weights(tmp_path, step=2, times=2)
    for resumed, whole in zip(weights(tmp_path), weights(None), strict=True):
        np.testing.assert_array_equal(resumed, whole)


def test_a_program_may_go_on():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, X[:, :1], batch_size=4, epochs=5, callbacks=[Interrupt(5)], verbose=0)
    history = model.fit(X, X[:, :1], batch_size=4, epochs=3, initial_epoch=1, verbose=0)
    assert history.epoch == [1, 2]
