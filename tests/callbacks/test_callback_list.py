"""CallbackList: what is called, when, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from cornu import callbacks
from cornu.callbacks import Callback, CallbackList
from cornu.callbacks import callback_list as module
from tests.callbacks import fake

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class Bare(Callback):
    """A callback as users write it, without super().__init__()."""

    def __init__(self):
        self.calls = []

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append((epoch, logs["loss"], self.model, self.params["epochs"]))


def test_a_callback_without_super_init_works():
    bare, model = Bare(), fake.Model()
    listed = CallbackList([bare], model=model, epochs=3, verbose=0, steps=1)
    listed.on_epoch_end(0, {"loss": 0.5})
    assert bare.calls == [(0, 0.5, model, 3)]


def test_every_hook_reaches_every_callback_in_order():
    calls = []

    def noting(who, hook):
        return lambda *args: calls.append((who, hook))

    # on_batch_* are reached through on_train_batch_*, unless a callback overrides the latter.
    listed = CallbackList(
        [
            callbacks.LambdaCallback(**{hook: noting(who, hook) for hook in HOOKS})
            for who in ("first", "second")
        ],
        model=fake.Model(),
    )
    for callback in listed.callbacks:
        callback.look_every = 0.0
    for hook in HOOKS:
        takes_one = hook.endswith(("train_begin", "train_end", "test_begin", "test_end"))
        takes_one = takes_one or "predict_begin" in hook or "predict_end" in hook
        args = () if takes_one else (0, 1) if hook in ("on_progress", "on_resume") else (0,)
        getattr(listed, hook)(*args)
    assert calls == [(who, hook) for hook in HOOKS for who in ("first", "second")]


def test_train_batch_hooks_default_to_batch_hooks():
    seen = []
    named = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    listed = CallbackList([named], model=fake.Model())
    listed.on_train_batch_end(7)
    assert seen == [7] and listed.train_batch_hooks and not listed.test_batch_hooks


def test_only_overridden_batch_hooks_count():
    class Watch(Callback):
        def on_test_batch_end(self, batch, logs=None):
            pass

    def hooks(callback):
        listed = CallbackList([callback], add_history=True, add_progbar=True, verbose=1, epochs=1)
        return listed.train_batch_hooks, listed.test_batch_hooks, listed.predict_batch_hooks

    def nothing(*args):
        pass

    assert hooks(Bare()) == (False, False, False)
    assert hooks(Watch()) == (False, True, False)
    assert hooks(callbacks.LambdaCallback(on_epoch_end=nothing)) == (False, False, False)
    assert hooks(callbacks.LambdaCallback(on_train_batch_begin=nothing)) == (True, False, False)
    assert hooks(callbacks.LambdaCallback(on_predict_batch_end=nothing)) == (False, False, True)
    assert hooks(callbacks.ModelCheckpoint("a.keras")) == (False, False, False)
    assert hooks(callbacks.ModelCheckpoint("a.keras", save_freq=3)) == (True, False, False)
    assert hooks(callbacks.TerminateOnNaN()) == (False, False, False)
    assert hooks(CallbackList([Watch()])) == (False, True, False)


def test_reads_of_logs_are_limited(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    class Look(Callback):
        def __init__(self, every):
            self.look_every = every
            self.steps = []

        def on_progress(self, step, steps, logs=None):
            self.steps.append(step)

    often, seldom, never = Look(0.1), Look(0.5), Look(None)
    listed = CallbackList([often, seldom, never], model=fake.Model())
    assert listed.look_every == 0.1
    assert CallbackList([never]).look_every is None
    listed.on_train_begin()
    for epoch in range(2):
        listed.on_epoch_begin(epoch)
        for step in range(1, 21):
            clock[0] += 0.0625
            listed.on_progress(step, 20)
    assert often.steps[:10] == list(range(1, 21, 2))
    assert seldom.steps[:3] == [1, 9, 17]
    assert seldom.steps[3:] == [1, 9, 17] and never.steps == []

    listed.on_test_begin()  # validation
    assert listed.look_every is None
    listed.on_progress(1, 20)
    assert len(often.steps) == 20
    listed.on_test_end()
    listed.on_train_end()
    listed.on_test_begin()  # evaluation
    listed.on_progress(1, 20)
    assert len(often.steps) == 21


def test_logs_are_read_only_on_demand():
    class Unread(dict):
        def __len__(self):
            raise AssertionError("read")

        __iter__ = __getitem__ = __contains__ = keys = items = __len__

    listed = CallbackList([Bare()], add_history=True, model=fake.Model())
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    listed.on_progress(1, 2, Unread())
    listed.on_train_batch_end(0, Unread())


def test_history_and_progbar_are_added_once_and_last():
    own = callbacks.History()
    listed = CallbackList([own, Bare()], add_history=True, add_progbar=True, verbose=0, epochs=1)
    kinds = [type(callback).__name__ for callback in listed.callbacks]
    assert kinds == ["History", "Bare", "ProgbarLogger"]
    kinds = [type(c).__name__ for c in CallbackList(Bare(), add_history=True).callbacks]
    assert kinds == ["Bare", "History"]
    assert CallbackList([[Bare()], (Bare(),)]).callbacks.__len__() == 2


def test_non_callbacks_are_rejected():
    with pytest.raises(TypeError, match=r"Pass an instance: EarlyStopping\("):
        CallbackList([callbacks.EarlyStopping])
    with pytest.raises(TypeError, match="expected Callback objects, received 3"):
        CallbackList([3])


def test_state_round_trip():
    def fresh():
        return CallbackList(
            [Bare(), callbacks.EarlyStopping("loss", patience=5, restore_best_weights=True)],
            add_history=True,
            model=fake.Model(),
            epochs=3,
        )

    first, second = fresh(), fresh()
    fake.drive(first, fake.values("loss", 3.0, 1.0, 2.0))
    state = first.get_state()
    assert set(state) == {"Bare", "EarlyStopping", "History"}
    second.set_state(state)
    stop, history = second.callbacks[1:]
    assert (stop.best, stop.best_epoch, stop.wait) == (1.0, 1, 1)
    np.testing.assert_array_equal(stop.best_weights[0], 1.0)
    assert history.history == {"loss": [3.0, 1.0, 2.0]} and history.epoch == [0, 1, 2]


def test_history_of_the_model_is_that_of_the_last_fit():
    model = fake.Model()
    listed = CallbackList([], add_history=True, model=model)
    listed.on_train_begin()
    history = model.history
    CallbackList([], add_history=True, model=model).on_test_begin()
    assert model.history is history
