"""Ctrl-C while files are written and read: it is not lost, and leaves no other files."""

import gc
import signal
import sys
import time

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving.atomic_write import atomic_write

X = np.ones((4, 3), "float32")


class InterruptedWhenDeleted:
    """Python ignores exceptions in `__del__`, so the interrupt is lost unless it is kept."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def lose_an_interrupt():
    InterruptedWhenDeleted()
    time.sleep(5)  # ended by the interrupt, unless it is lost
    raise AssertionError("the interrupt is lost")


class Interrupted(layers.Layer):
    """Interrupts what saves or loads it."""

    during = ""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._interrupt_in("load_model")

    def _interrupt_in(self, what):
        if Interrupted.during == what:
            Interrupted.during = ""
            lose_an_interrupt()

    def build(self, shape):
        self.weight = self.add_weight((1,), name="weight")

    def call(self, x):
        return x * self.weight

    def get_config(self):
        self._interrupt_in("save_model")
        return super().get_config()

    def save_own_variables(self, store):
        self._interrupt_in("save_weights")
        super().save_own_variables(store)

    def load_own_variables(self, store):
        self._interrupt_in("load_weights")
        super().load_own_variables(store)


USES = {
    "save_model": lambda model, folder: model.save(folder / "m.keras"),
    "load_model": lambda model, folder: cornu.saving.load_model(
        folder / "m.keras", {"Interrupted": Interrupted}
    ),
    "save_weights": lambda model, folder: model.save_weights(folder / "m.weights.h5"),
    "load_weights": lambda model, folder: model.load_weights(folder / "m.weights.h5"),
}


@pytest.mark.parametrize("use", USES)
def test_no_interrupt_is_lost_while_files_are_written_and_read(use, tmp_path, monkeypatch):
    model = cornu.Sequential([cornu.Input((3,)), Interrupted(), layers.Dense(1)])
    for one in USES.values():
        one(model, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(Interrupted, "during", use)
    with pytest.raises(KeyboardInterrupt):
        USES[use](model, tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    for one in USES.values():
        one(model, tmp_path)


@pytest.mark.parametrize("use", ["evaluate", "predict"])
def test_no_interrupt_is_lost_in_evaluate_and_predict(use):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    data = (X, X[:, :1]) if use == "evaluate" else (X,)
    callback = cornu.callbacks.LambdaCallback()
    hook = {"evaluate": "on_test_batch_end", "predict": "on_predict_batch_end"}[use]
    setattr(callback, hook, lambda batch, logs=None: lose_an_interrupt())
    with pytest.raises(KeyboardInterrupt):
        getattr(model, use)(*data, verbose=0, callbacks=[callback])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    getattr(model, use)(*data, verbose=0)


def test_an_interrupt_at_any_line_leaves_no_temporary_file(tmp_path):
    """Raises in each line that runs before the file is written."""

    def write(line):
        count = 0

        def trace(frame, event, argument):
            nonlocal count
            if event == "line":
                count += 1
                if count == line:
                    raise KeyboardInterrupt
            return trace

        gc.disable()  # its callbacks are not lines of the write, and differ from time to time
        sys.settrace(trace)
        try:
            with atomic_write(tmp_path / "note.txt") as temporary:
                sys.settrace(None)
                temporary.write_text("done")
        finally:
            sys.settrace(None)
            gc.enable()
        return count

    lines = write(-1)
    (tmp_path / "note.txt").unlink()
    assert lines > 20
    for line in range(1, lines):
        try:
            write(line)
        except KeyboardInterrupt:
            assert not [*tmp_path.iterdir()], line
        for path in tmp_path.iterdir():
            path.unlink()
