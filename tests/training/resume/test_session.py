"""Training interrupted at any step and resumed equals uninterrupted training bitwise."""

import datetime
import errno
import os
import shutil
import signal

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers, optimizers
from cornu.saving.training_state import StateFolder
from tests.sampling import slow_except

ROWS, BATCH, EPOCHS = 44, 8, 4
STEPS = 5  # of an epoch, as every fifth row is for validation


class Broken(Exception):
    """Simulates a crash."""


class Break(callbacks.Callback):
    """Raises after some steps."""

    def __init__(self, after):
        self.after = after

    def on_train_batch_end(self, batch, logs=None):
        self.after -= 1
        if self.after == 0:
            raise Broken

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


class Notes(callbacks.Callback):
    """A custom callback without support for states."""

    def __init__(self):
        self.losses = []
        self.limit = 3

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 4)).astype("float32")
    return x, np.tanh(x.sum(1, keepdims=True))


def make():
    cornu.utils.clear_session(free_memory=False)
    cornu.utils.set_random_seed(1)
    x = inputs = cornu.Input((4,))
    x = layers.GaussianNoise(0.1)(x)
    x = layers.Dense(6, "relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.3)(x)
    model = cornu.Model(inputs, layers.Dense(1)(x))
    optimizer = optimizers.Adam(
        0.05, use_ema=True, ema_overwrite_frequency=7, gradient_accumulation_steps=2
    )
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def listed():
    return [
        callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0.02),
        callbacks.EarlyStopping("val_mae", patience=4, restore_best_weights=True),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        Notes(),
    ]


def fit(model, folder=None, every=1, more=(), epochs=EPOCHS, keep=1000, **kwargs):
    given = [*listed(), *more]
    x, y = data()
    kwargs = {"batch_size": BATCH, "validation_split": 0.2, "verbose": 0, **kwargs}
    resume = None if folder is None else cornu.Resume(folder, every=every, keep=keep)
    history = model.fit(x, y, epochs=epochs, callbacks=given, resume=resume, **kwargs)
    return history, given


def bits(model, history, given):
    """All that is left at the end, as bytes."""
    variables = [*model.variables, *model.optimizer.variables]
    numbers = (history.history, history.epoch, given[-1 if len(given) == 4 else 3].losses)
    return [v.numpy().tobytes() for v in variables], repr(numbers)


@pytest.fixture(scope="module")
def undisturbed():
    model = make()
    return bits(model, *fit(model))


@pytest.fixture(scope="module")
def states(tmp_path_factory, undisturbed):
    """The states after every step of a run."""
    folder = tmp_path_factory.mktemp("states")
    model = make()
    assert bits(model, *fit(model, folder)) == undisturbed
    paths = StateFolder(folder).files()
    assert len(paths) == 1 + STEPS * EPOCHS + 1  # the first, each step, the last epoch's end
    return paths


def test_training_goes_on_from_every_step_with_the_same_bits(states, undisturbed, tmp_path):
    model = make()  # what a model has gone through before does not matter
    for path in states:
        folder = tmp_path / path.stem
        folder.mkdir()
        shutil.copy(path, folder)
        assert bits(model, *fit(model, folder)) == undisturbed, path.name


@pytest.mark.parametrize("after", slow_except([4, 13, 1, 5, 6], 2))
def test_a_crash_and_the_same_program_again(after, undisturbed, tmp_path):
    with pytest.raises(Broken):
        fit(make(), tmp_path, more=[Break(after)])
    cornu.utils.set_random_seed(99)  # the seed comes from the state
    x, y = data()
    model = make()
    assert bits(model, *fit(model, tmp_path)) == undisturbed


@pytest.mark.slow
def test_several_crashes(undisturbed, tmp_path):
    for after in (3, 1, 6, 2):
        with pytest.raises(Broken):
            fit(make(), tmp_path, every=2, more=[Break(after)])
    model = make()
    assert bits(model, *fit(model, tmp_path, every=2)) == undisturbed


def test_a_run_that_is_finished_is_not_run_again(undisturbed, tmp_path, capsys):
    fit(make(), tmp_path)
    model = make()
    found = fit(model, tmp_path, more=[Break(1)], verbose=2)
    assert bits(model, *found) == undisturbed
    assert model.history is found[0]
    assert "Training is already complete" in capsys.readouterr().out


@pytest.mark.slow
def test_more_epochs_go_on_from_before_the_end(tmp_path):
    # The end has averaged weights in it; what goes on is what was there before.
    longer = make()
    whole = bits(longer, *fit(longer, epochs=EPOCHS + 2))
    fit(make(), tmp_path)
    again = make()
    assert bits(again, *fit(again, tmp_path, epochs=EPOCHS + 2)) == whole


@pytest.mark.slow
def test_the_frequency_of_saved_states_does_not_affect_training(undisturbed, tmp_path):
    for every in (3, 1000, "epoch", None, datetime.timedelta(seconds=0)):
        folder = tmp_path / str(every)
        model = make()
        assert bits(model, *fit(model, folder, every=every, keep=2)) == undisturbed
        assert len(StateFolder(folder).files()) <= 2


def test_training_that_was_ended_early_stays_ended(tmp_path):
    class Enough(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    history, _ = fit(make(), tmp_path, more=[Enough()])
    assert history.epoch == [0, 1]
    again, _ = fit(make(), tmp_path, more=[Enough(), Break(1)])
    assert again.history == history.history


def test_a_fit_before_that_ended_early_does_not_end_the_next(tmp_path):
    class Enough(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    with pytest.raises(Broken):
        model = make()
        fit(model, more=[Enough()])
        fit(model, tmp_path, every=1000, more=[Break(2)])
    model = make()
    fit(model, more=[Enough()])
    history, _ = fit(model, tmp_path, every=1000)
    assert history.epoch == list(range(EPOCHS))


def test_a_kill_after_the_last_epoch_but_before_the_end(undisturbed, tmp_path):
    fit(make(), tmp_path)
    for path in StateFolder(tmp_path).files("finished"):
        path.unlink()
    model = make()
    assert bits(model, *fit(model, tmp_path, more=[Break(1)])) == undisturbed


@pytest.mark.parametrize("after", [3, 5, 12])
def test_pausing_keeps_the_very_step(after, undisturbed, tmp_path):
    class Pause(Break):
        def on_train_batch_end(self, batch, logs=None):
            self.after -= 1
            if self.after == 0:
                self.model.pause_training()

    model = make()
    fit(model, tmp_path, every=1000, more=[Pause(after)])
    assert model.pausing
    # The broken run wrote its own history; what goes on does not know of it.
    again = make()
    assert bits(again, *fit(again, tmp_path, every=1000)) == undisturbed


def test_pausing_at_the_end_of_an_epoch(undisturbed, tmp_path):
    class Pause(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.pause_training()

    fit(make(), tmp_path, every=1000, more=[Pause()])
    assert not StateFolder(tmp_path).files("finished")
    model = make()
    assert bits(model, *fit(model, tmp_path, every=1000)) == undisturbed


def test_pausing_without_a_folder_is_stopping():
    class Pause(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.pause_training()

    model = make()
    history, _ = fit(model, more=[Pause()])
    assert history.epoch == [0] and "val_loss" in history.history and not model.pausing


def test_a_signal_lets_the_same_program_go_on(undisturbed, tmp_path):
    class Send(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                signal.raise_signal(signal.SIGTERM)

        def get_state(self):
            return {}

        def set_state(self, state):
            pass

    on_signal = callbacks.OnSignal(tmp_path / "last.weights.h5", signals=[signal.SIGTERM])
    fit(make(), tmp_path / "state", every=1000, more=[Send(), on_signal])
    assert on_signal.received is signal.SIGTERM and (tmp_path / "last.weights.h5").exists()
    model = make()
    assert bits(model, *fit(model, tmp_path / "state", every=1000)) == undisturbed


@pytest.mark.slow
def test_batch_hooks_and_debug_nans_go_on_too(undisturbed, tmp_path):
    with pytest.raises(Broken):
        fit(make(), tmp_path / "guard", more=[Break(7)], debug_nans=True)
    model = make()
    found = fit(model, tmp_path / "guard", debug_nans=True)
    assert len(found[0].epoch) == len(eval(undisturbed[1])[1])
    seen = []
    count = callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(batch),
        on_epoch_begin=lambda epoch, logs: seen.append("epoch"),
    )
    with pytest.raises(Broken):
        fit(make(), tmp_path / "hooks", more=[Break(3)])
    model = make()
    assert bits(model, *fit(model, tmp_path / "hooks", more=[count]))[0] == undisturbed[0]
    assert seen[: STEPS - 1] == [2, 3, 4, "epoch"]


class Own(cornu.Model):
    """A model with a train step of its own, which returns its own logs."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(1)
        self.noise = layers.Dropout(0.5)

    def call(self, x):
        return self.inner(self.noise(x))

    def train_step(self, data):
        x, y = data
        loss, grads = cornu.value_and_grad(
            lambda: ((self(x, training=True) - y) ** 2).mean(), self.trainable_variables
        )()
        self.optimizer.apply(grads, self.trainable_variables)
        return {"mine": loss}


def test_a_custom_step_that_returns_its_own_logs(tmp_path):
    x, y = data()

    def run(folder, more=()):
        cornu.utils.set_random_seed(2)
        model = Own()
        model.compile(optimizers.SGD(0.1, momentum=0.9))
        resume = None if folder is None else cornu.Resume(folder, every=1)
        kwargs = {"batch_size": 8, "epochs": 2, "verbose": 0, "callbacks": list(more)}
        history = model.fit(x, y, resume=resume, **kwargs)
        return history.history, [w.tobytes() for w in model.get_weights()]

    whole = run(None)
    for after in (2, 6, 8):
        with pytest.raises(Broken):
            run(tmp_path / str(after), [Break(after)])
        assert run(tmp_path / str(after)) == whole


@pytest.mark.slow
def test_layers_that_are_frozen_in_between_are_frozen_for_the_next_fit(tmp_path):
    class Freeze(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[2].trainable = False

    model = make()
    whole = bits(model, *fit(model, more=[Freeze()]))
    with pytest.raises(Broken):
        fit(make(), tmp_path, more=[Freeze(), Break(8)])
    again = make()
    assert bits(again, *fit(again, tmp_path, more=[Freeze()])) == whole
    assert not again.layers[2].trainable


def test_random_numbers_of_the_program_go_on(tmp_path):
    def run(folder, more=()):
        numbers = []
        draw_numbers = callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: numbers.append(
                (np.random.rand(), cornu.seeds.next_seed())
            )
        )
        fit(make(), folder, more=[draw_numbers, *more])
        return numbers

    whole = run(tmp_path / "whole")
    with pytest.raises(Broken):
        run(tmp_path / "broken", [Break(2 * STEPS + 2)])
    assert run(tmp_path / "broken") == whole[2:]


# --------------------------------------------------------------------------------------- refusals


def test_a_folder_of_another_model_is_rejected_with_the_difference(tmp_path):
    fit(make(), tmp_path)
    x, y = data()
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(7), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    files = {path: path.read_bytes() for path in StateFolder(tmp_path).files()}
    with pytest.raises(ValueError) as info:
        model.fit(x, y, verbose=0, resume=tmp_path)
    text = str(info.value)
    assert "saved by a different program; it was not changed" in text
    assert "optimizer: SGD, saved Adam" in text
    assert "model/dense/kernel: (4, 7) float32, saved (4, 6) float32" in text
    assert "and 29 more" in text or "more\n" in text
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert files == {path: path.read_bytes() for path in StateFolder(tmp_path).files()}


def test_layers_without_weights_are_compared_too(tmp_path):
    def run(kind):
        model = cornu.Sequential([cornu.Input((4,)), kind(), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(*data(), verbose=0, resume=tmp_path)

    run(layers.ReLU)
    with pytest.raises(ValueError, match=r"layer \d: Softmax, saved ReLU"):
        run(layers.Softmax)


def test_other_data_is_rejected_in_the_middle_of_an_epoch(tmp_path):
    with pytest.raises(Broken):
        fit(make(), tmp_path, more=[Break(3)])
    with pytest.raises(ValueError, match="batch_size is 16, and 8 in the saved state"):
        fit(make(), tmp_path, batch_size=16)


def test_other_data_is_mentioned_at_the_end_of_an_epoch(tmp_path):
    fit(make(), tmp_path)
    with pytest.warns(UserWarning, match="batch_size is 16, and 8 in the saved state"):
        fit(make(), tmp_path, batch_size=16, epochs=EPOCHS + 1)


@pytest.mark.slow
def test_states_of_callbacks_that_are_gone_are_mentioned(tmp_path):
    with pytest.raises(Broken):
        fit(make(), tmp_path, more=[Break(3)])
    words = {"batch_size": BATCH, "validation_split": 0.2, "epochs": 1}
    with pytest.warns(UserWarning, match="not in the list any more: .*EarlyStopping"):
        fit_plain(make(), resume=tmp_path, **words)


def test_an_error_names_a_callback_whose_state_cannot_be_saved(tmp_path):
    class Odd(callbacks.Callback):
        def get_state(self):
            return {"file": open}

        def set_state(self, state):
            pass

    with pytest.raises(TypeError, match="callbacks/Odd/file holds"):
        fit(make(), tmp_path, more=[Odd()])


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"every": 0}, "every must be"),
        ({"every": "week"}, "every must be"),
        ({"every": True}, "every must be"),
        ({"keep": 0}, "keep must be"),
    ],
)
def test_wrong_arguments_of_resume(kwargs, error):
    with pytest.raises(ValueError, match=error):
        cornu.Resume("folder", **kwargs)


def test_non_folders_are_rejected(tmp_path):
    with pytest.raises(TypeError, match="resume must be the path of a folder"):
        fit_plain(make(), resume=3)
    with pytest.raises(ValueError, match="either resume= or one BackupAndRestore"):
        backup = callbacks.BackupAndRestore(tmp_path)
        fit_plain(make(), resume=tmp_path, callbacks=[backup])


def fit_plain(model, **kwargs):
    return model.fit(*data(), verbose=0, **kwargs)


# ---------------------------------------------------------------------------------------- failures


def test_a_full_disk_is_mentioned_and_training_goes_on(undisturbed, tmp_path, monkeypatch):
    fsync = os.fsync
    calls = []

    def sometimes(handle):
        calls.append(handle)
        if 4 < len(calls) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", sometimes)
    model = make()
    with pytest.warns(UserWarning, match="could not be written .* No space left") as caught:
        found = fit(model, tmp_path)
    assert bits(model, *found) == undisturbed
    assert sum("could not be written" in str(w.message) for w in caught) <= 2
    monkeypatch.undo()
    again = make()
    assert bits(again, *fit(again, tmp_path)) == undisturbed


def test_a_damaged_state_and_the_one_before(undisturbed, tmp_path):
    with pytest.raises(Broken):
        fit(make(), tmp_path, more=[Break(7)])
    newest = StateFolder(tmp_path).files()[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    model = make()
    with pytest.warns(UserWarning, match="is damaged. Training resumes from the one"):
        found = fit(model, tmp_path)
    assert bits(model, *found) == undisturbed


def test_the_resume_position_is_reported(tmp_path, capsys):
    with pytest.raises(Broken):
        fit(make(), tmp_path, more=[Break(8)])
    fit(make(), tmp_path, verbose=2)
    assert "Training continues after step 2 of epoch 2." in capsys.readouterr().out  # of 8, 7 whole


def test_a_run_that_saved_no_step_says_that_it_restarts(tmp_path, capsys):
    for _ in range(2):
        with pytest.raises(Broken):
            fit(make(), tmp_path, every=None, more=[Break(1)], verbose=2)
    assert capsys.readouterr().out.count("is that before the first step: training starts") == 1


# ------------------------------------------------------------------------------ BackupAndRestore


@pytest.mark.parametrize("freq", ["epoch", 2, False])
def test_backup_and_restore(freq, undisturbed, tmp_path):
    def run(more=()):
        model = make()
        backup = callbacks.BackupAndRestore(tmp_path / "backup", save_freq=freq)
        return model, *fit(model, more=[backup, *more])

    with pytest.raises(Broken):
        run([Break(8)])
    assert StateFolder(tmp_path / "backup").files()
    assert bits(*run()) == undisturbed
    assert not StateFolder(tmp_path / "backup").files()


def test_a_backup_may_stay(tmp_path):
    backup = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    fit(make(), more=[backup])
    assert StateFolder(tmp_path).files("finished")


def test_a_backup_needs_a_folder():
    with pytest.raises(ValueError, match="backup_dir is empty"):
        callbacks.BackupAndRestore("")
