"""The bar, the line per epoch, and silence."""

from __future__ import annotations

import re
from types import SimpleNamespace

from cornu.callbacks import Callback, CallbackList, ProgbarLogger
from cornu.terminal import console as console_module
from cornu.terminal.console import console
from cornu.training.logs import Logs
from cornu.utils import Progbar
from tests.callbacks import fake


def run(verbose, epochs=1, model=None):
    listed = CallbackList(
        [], add_progbar=True, model=model, verbose=verbose, epochs=epochs, steps=12
    )
    listed.on_train_begin()
    for epoch in range(epochs):
        listed.on_epoch_begin(epoch)
        for step in (4, 8, 12):
            listed.on_progress(step, 12, {"accuracy": step / 12, "loss": 1.0 / step})
        listed.on_test_begin()
        listed.on_progress(1, 1, {"loss": 7.0})
        listed.on_test_end({"loss": 7.0})
        listed.on_epoch_end(epoch, {"accuracy": 0.9, "loss": 0.1, "val_loss": 7.0})
    listed.on_train_end()
    return listed


LINE = r"12/12 - \d+s - \d+(us|ms|s)/step - accuracy: 0.9000 - loss: 0.1000 - val_loss: 7.0000"


def test_two_is_a_line_per_epoch(capsys):
    listed = run(2, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    assert re.fullmatch(LINE, lines[1]) and re.fullmatch(LINE, lines[3])
    assert listed.look_every == 0.0


def test_without_terminal_there_is_no_bar(capsys):
    for verbose in (1, "auto"):
        assert run(verbose).look_every == 0.0
        assert re.fullmatch(LINE, capsys.readouterr().out.rstrip("\n"))


def test_zero_is_silent(capsys, terminal):
    assert run(0, epochs=2).look_every is None
    assert terminal.getvalue() == "" == capsys.readouterr().out


def test_one_is_a_bar(terminal, clock):
    listed = CallbackList([], add_progbar=True, verbose=1, epochs=2, steps=12)
    assert listed.look_every == 0.1
    listed.on_train_begin()
    for epoch in range(2):
        listed.on_epoch_begin(epoch)
        for step in (3, 6, 12):
            clock[0] += 0.5
            listed.on_progress(step, 12, {"loss": 1.0 / step})
        listed.on_test_begin()
        clock[0] += 9.0
        listed.on_test_end()
        listed.on_epoch_end(epoch, {"loss": 0.1, "val_loss": 7.0})
    lines = terminal.getvalue().split("\n")
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2"
    empty, quarter, half, full, validating, last = (part.rstrip() for part in redraws(lines[1]))
    assert empty == " 0/12 " + "╌" * 20
    assert quarter == " 3/12 " + "━" * 5 + "╌" * 15 + " 2s 167ms/step - loss: 0.3333"
    assert half.startswith(" 6/12 " + "━" * 10 + "╌" * 10 + " 1s ")
    assert full == "12/12 " + "━" * 20 + " 0s 111ms/step - loss: 0.0833"
    assert validating == "12/12 " + "━" * 20 + " 2s 111ms/step - validating - loss: 0.0833"
    assert last == "12/12 " + "━" * 20 + " 2s 111ms/step - loss: 0.1000 - val_loss: 7.0000"
    assert len(redraws(lines[3])) == 5  # nothing is compiled: no empty bar


def redraws(line):
    """Returns the successive contents of a line."""
    return line.split("\r")[1:]


def test_the_first_step_does_not_affect_the_time_estimate(terminal, clock):
    logger = ProgbarLogger()
    logger.set_params({"verbose": 1, "epochs": 1, "steps": 1000})
    logger.on_train_begin()
    logger.on_epoch_begin(0)
    for step, seconds in ((1, 30.0), (2, 0.2)):
        clock[0] += seconds
        logger.on_progress(step, 1000, {"loss": 1.0})
    first, second = redraws(terminal.getvalue())[1:]
    assert first.rstrip() == "   1/1000 " + "╌" * 20 + "  - loss: 1.0000"
    assert second.rstrip() == "   2/1000 " + "╌" * 20 + " 3:20 200ms/step - loss: 1.0000"
    console.end_line()


def test_short_epochs_are_drawn_once(terminal, clock):
    """Every line that is printed reads the metrics, which waits for the device."""
    seen = []

    def state():
        seen.append(1)
        return {"loss": 1.0}

    listed = CallbackList([], add_progbar=True, verbose=1, epochs=9, steps=2)
    listed.on_train_begin()
    for epoch in range(9):
        listed.on_epoch_begin(epoch)
        for step in (1, 2):
            clock[0] += 0.001
            listed.on_progress(step, 2, Logs(state))
        listed.on_epoch_end(epoch, {"loss": 1.0})
    assert not seen
    assert terminal.getvalue().count("\r") == 10  # the empty bar, and a line for each epoch


def test_a_file_has_one_line_for_each_epoch(capsys):
    run(1, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("Epoch 2/2 - 12/12 - 0s - ")
    assert "\r" not in "".join(lines)


def test_a_notebook_has_a_bar_of_any_width(terminal, monkeypatch, clock):
    monkeypatch.setattr(fake.Terminal, "isatty", lambda self: False)
    console_module.sys.modules["ipykernel"] = None
    values = {f"metric_{i}": 0.5 for i in range(20)}
    bar = Progbar(2, stateless_metrics=())
    bar.update(1, values.items())
    bar.update(2, values.items())
    first, last = redraws(terminal.getvalue())
    assert first.endswith("metric_19: 0.5000") and last.endswith("metric_19: 0.5000\n")
    assert last.count("\n") == 1


def test_an_interrupted_epoch_reports_its_progress(terminal, clock):
    model = SimpleNamespace(stop_training=False, history=None)
    listed = CallbackList(
        [], add_progbar=True, add_history=False, model=model, verbose=1, epochs=1, steps=12
    )
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    model.stop_training = True
    clock[0] += 1.0
    listed.on_progress(5, 12, {"loss": 1.0})
    listed.on_epoch_end(0, {"loss": 1.0})
    assert redraws(terminal.getvalue())[-1].startswith(" 5/12 " + "━" * 8 + "╌" * 12)


def test_output_to_a_file_shows_it_too(capsys):
    model = SimpleNamespace(stop_training=True)
    listed = CallbackList([], add_progbar=True, model=model, verbose=1, epochs=1, steps=12)
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    listed.on_progress(5, 12, {"loss": 1.0})
    listed.on_epoch_end(0, {"loss": 1.0})
    assert capsys.readouterr().out.startswith(" 5/12 - ")


def test_stopping_after_the_last_step_has_no_effect(terminal, clock):
    model = SimpleNamespace(stop_training=False)
    listed = CallbackList([], add_progbar=True, model=model, verbose=1, epochs=1, steps=12)
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    listed.on_progress(11, 12, {"loss": 1.0})
    model.stop_training = True  # as EarlyStopping does in on_epoch_end
    listed.on_epoch_end(0, {"loss": 1.0})
    assert redraws(terminal.getvalue())[-1].startswith("12/12 " + "━" * 20)


def test_an_error_has_a_line_of_its_own(terminal, clock):
    logger = ProgbarLogger()
    logger.set_params({"verbose": 1, "epochs": 1, "steps": 12})
    logger.on_train_begin()
    logger.on_epoch_begin(0)
    clock[0] += 1.0
    logger.on_progress(5, 12, {"loss": 1.0})
    logger.on_train_exception(KeyboardInterrupt())
    assert terminal.getvalue().endswith("loss: 1.0000\n") and not console.has_open_line


def test_an_epoch_that_goes_on_begins_partly_full(terminal, clock):
    logger = ProgbarLogger()
    logger.set_params({"verbose": 1, "epochs": 3, "steps": 12})
    logger.on_train_begin()
    logger.on_resume(1, 6)
    clock[0] += 1.0
    logger.on_progress(9, 12, {"loss": 1.0})
    clock[0] += 1.0
    logger.on_progress(12, 12, {"loss": 1.0})
    logger.on_epoch_end(1, {"loss": 1.0})
    lines = terminal.getvalue().split("\n")
    assert lines[0] == "Epoch 2/3"
    assert redraws(lines[1])[-1].startswith("12/12 " + "━" * 20 + " 2s 333ms/step")


def test_a_message_does_not_land_in_the_bar(terminal):
    class Speak(Callback):
        def on_epoch_end(self, epoch, logs=None):
            console.print("so far so good")

    listed = CallbackList([Speak()], add_progbar=True, verbose=1, epochs=1, steps=2)
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    listed.on_progress(1, 2, {"loss": 1.0})  # too early to be drawn: the empty bar stays
    listed.on_epoch_end(0, {"loss": 1.0})
    lines = terminal.getvalue().split("\n")
    assert lines[1] == "so far so good" and lines[2].lstrip("\r").startswith("2/2")


def test_evaluation_and_prediction_have_a_line(capsys):
    listed = CallbackList([], add_progbar=True, verbose=2, epochs=1, steps=None)
    listed.on_test_begin()
    listed.on_test_end({"loss": 0.5})
    listed.on_predict_begin()
    listed.on_predict_end()
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("/step - loss: 0.5000") and second.endswith("/step")


def test_unknown_length_is_learned(terminal, clock):
    listed = CallbackList([], add_progbar=True, verbose=1, epochs=2, steps=None)
    listed.on_train_begin()
    for epoch, steps in enumerate((None, 4)):
        listed.on_epoch_begin(epoch)
        for step in (1, 3):
            clock[0] += 1.0
            listed.on_progress(step, steps, {"loss": 1.0})
        listed.on_progress(4, steps, {"loss": 1.0})  # too early to be drawn
        listed.on_test_begin()
        listed.on_test_end()
        listed.on_epoch_end(epoch, {"loss": 1.0})
    lines = terminal.getvalue().split("\n")
    assert [state[:4] for state in redraws(lines[1])] == ["0/? ", "1/? ", "3/? ", "4/4 ", "4/4 "]
    assert [state[:4] for state in redraws(lines[3])] == ["1/4 ", "3/4 ", "4/4 ", "4/4 "]


def test_times_leave_out_compilation_and_validation(clock, capsys):
    logger = ProgbarLogger()
    logger.set_params({"verbose": 2, "epochs": 1, "steps": 101})
    logger.on_train_begin()
    logger.on_epoch_begin(0)
    clock[0] += 30.0
    logger.on_progress(1, 101, {})
    clock[0] += 0.1 * 100
    logger.on_test_begin()
    clock[0] += 60.0
    logger.on_test_end({})
    logger.on_epoch_end(0, {"loss": 2.0})
    assert capsys.readouterr().out == "101/101 - 40s - 100ms/step - loss: 2.0000\n"
