"""SpikeSkip: a batch at which the loss jumps leaves no trace, within the compiled step."""

import json

import numpy as np
import pytest

import cornu
from cornu import callbacks, config, layers
from cornu.optimizers import SGD, Adam, LossScaleOptimizer
from cornu.training.step.program import counters
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = (X @ np.array([[1.0], [2.0], [-1.0]]) + 0.1 * RNG.normal(size=(40, 1))).astype("float32")
FIT = {"batch_size": 4, "shuffle": False, "verbose": 0}


def tiny(optimizer=None, run_eagerly=False):
    cornu.utils.set_random_seed(5)
    model = cornu.Sequential(
        [cornu.Input((3,)), layers.Dense(4, "tanh"), layers.BatchNormalization(), layers.Dense(1)]
    )
    model.compile(optimizer or Adam(0.01), "mse", metrics=["mae"], run_eagerly=run_eagerly)
    return model


def spoiled(*batches, by=1e3):
    y = Y.copy()
    for batch in batches:
        y[4 * batch : 4 * batch + 4] += by
    return y


def state(model):
    return [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]


def check_equal(one, other):
    for a, b in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("run_eagerly", slow_except([False, True], 1))
@pytest.mark.parametrize("by", [1e3, 1e30])
def test_a_spike_leaves_no_trace(run_eagerly, by):
    skip = callbacks.SpikeSkip(warmup=3, window=8)
    model = tiny(run_eagerly=run_eagerly)
    history = model.fit(X, spoiled(6, by=by), callbacks=[skip], **FIT)
    other = tiny(run_eagerly=run_eagerly)
    kept = np.r_[0:24, 28:40]
    expected = other.fit(X[kept], Y[kept], callbacks=[callbacks.SpikeSkip()], **FIT)
    check_equal(model, other)
    assert history.history == expected.history
    assert [one[:3] for one in skip.skipped] == [(6, 0, 6)]
    assert (by == 1e3) == np.isfinite(skip.skipped[0].loss) and skip.lost == 0


def test_without_spikes_nothing_changes_and_nothing_is_traced_twice():
    skip, plain, watched = callbacks.SpikeSkip(), tiny(), tiny()
    plain.fit(X, Y, epochs=3, **FIT)
    before = counters["traces"]
    for _ in range(2):
        watched.fit(X, Y, epochs=3, callbacks=[skip], **FIT)
    assert counters["traces"] - before == 1 and skip.skipped == []
    plain.fit(X, Y, epochs=3, **FIT)
    for a, b in zip(state(plain), state(watched), strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-7)
    watched.fit(X, Y, callbacks=[callbacks.SpikeSkip()], **FIT)
    watched.fit(X, Y, callbacks=[callbacks.SpikeSkip()], **FIT)
    assert sum(key[0] == "around" for key in watched.trainer.programs.step_keys) == 1


def test_skipped_steps_are_written(tmp_path, capsys):
    path = tmp_path / "run" / "skipped.json"
    skip = callbacks.SpikeSkip(warmup=3, window=8, path=path, verbose=1)
    y = spoiled(6)
    y[32:36] = 1e30
    tiny().fit(X, y, epochs=2, callbacks=[skip], **FIT)
    found = json.loads(path.read_text())
    assert [(r["step"], r["epoch"], r["batch"]) for r in found["skipped"]] == [
        *[(6, 0, 6), (8, 0, 8)],
        *[(16, 1, 6), (18, 1, 8)],
    ]
    assert found["skipped"][1]["loss"] == "inf" and found["skipped"][0]["loss"] > 1e5
    assert "Epoch 2: SpikeSkip skipped step 9 with loss inf" in capsys.readouterr().out
    assert skip.writes_files and not callbacks.SpikeSkip().writes_files


def test_survives_a_restart():
    y, kwargs = spoiled(6), {"warmup": 3, "window": 8}
    whole, skip = tiny(), callbacks.SpikeSkip(**kwargs)
    whole.fit(X, y, epochs=2, callbacks=[skip], **FIT)

    class Keep(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.state = first.get_state() if epoch == 0 else self.state

    class Restore(callbacks.Callback):
        def on_train_begin(self, logs=None):
            second.set_state(keep.state)

    keep, first, second = Keep(), callbacks.SpikeSkip(**kwargs), callbacks.SpikeSkip(**kwargs)
    model = tiny()
    model.fit(X, y, epochs=1, callbacks=[first, keep], **FIT)
    model.fit(X, y, epochs=2, initial_epoch=1, callbacks=[second, Restore()], **FIT)
    assert second.skipped == skip.skipped and len(skip.skipped) == 2
    check_equal(model, whole)


@pytest.mark.parametrize("at", slow_except([7, 17, 3, 12], 2))
def test_goes_on_after_a_crash_with_the_same_bits(tmp_path, at):
    class Crash(callbacks.Callback):
        crashes, steps = True, 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            if self.crashes and self.steps == at:
                raise KeyboardInterrupt

    found = []
    for crashes in (False, True):
        skip, model = callbacks.SpikeSkip(warmup=3, window=8), tiny()
        kwargs = {"epochs": 2, "resume": cornu.Resume(tmp_path / str(crashes), every=1), **FIT}
        if crashes:
            with pytest.raises(KeyboardInterrupt):
                model.fit(X, spoiled(6), callbacks=[skip, Crash()], **kwargs)
            skip, model = callbacks.SpikeSkip(warmup=3, window=8), tiny()
        calm = Crash()
        calm.crashes = False
        model.fit(X, spoiled(6), callbacks=[skip, calm], **kwargs)
        found.append((skip.skipped, *state(model), *(np.asarray(v) for v in skip.variables)))
    for a, b in zip(*found, strict=True):
        np.testing.assert_equal(a, b)


def test_a_new_level_is_taken_after_a_while():
    skip = callbacks.SpikeSkip(warmup=3, window=4, patience=2)
    model = tiny(SGD(1e-9))
    model.fit(X, spoiled(*range(5, 10)), callbacks=[skip], **FIT)
    assert [one.step for one in skip.skipped] == [5, 6]


def test_training_ends_if_nothing_is_finite(capsys):
    config.silence("C002")
    try:
        model, skip = tiny(), callbacks.SpikeSkip(patience=3)
        weights = model.get_weights()
        bad = np.full_like(Y, 1e30)
        model.fit(X, bad, epochs=9, callbacks=[skip], **FIT)
    finally:
        config.unsilence()
    assert model.history.epoch == [0] and len(skip.skipped) == 10
    assert "the last 10 batches were all skipped" in capsys.readouterr().out
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_would_not_be_finite():
    @cornu.saving.register_keras_serializable()
    def steep(y, p):  # its value is finite where its gradient is not
        return cornu.ops.sqrt(cornu.ops.abs(p - y))

    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", steep)
    skip = callbacks.SpikeSkip()
    model.fit(X[:8], np.zeros((8, 1)), callbacks=[skip], **FIT)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert [one.loss for one in skip.skipped] == [0.0, 0.0]


def test_with_a_scaled_loss_and_custom_steps():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.out = layers.Dense(1)

        def call(self, x):
            return self.out(x)

        def train_step(self, data):
            x, y = data
            loss_of = lambda: ((self(x) - y) ** 2).mean()  # noqa: E731
            loss, grads = cornu.value_and_grad(loss_of, self.trainable_variables)()
            self.optimizer.apply(grads, self.trainable_variables)
            return {"loss": loss} if self.tells else {"error": loss}

    for tells in (True, False):
        model, skip = Own(), callbacks.SpikeSkip(warmup=3, window=8)
        model.tells = tells
        model.compile("sgd")
        if tells:
            model.fit(X, spoiled(6), callbacks=[skip], **FIT)
            assert [one.step for one in skip.skipped] == [6]
        else:
            with pytest.raises(ValueError, match="returns no loss"):
                model.fit(X, Y, callbacks=[skip], **FIT)
    model, skip = tiny(LossScaleOptimizer(SGD(0.01))), callbacks.SpikeSkip(warmup=3, window=8)
    model.fit(X, spoiled(6), callbacks=[skip], **FIT)
    assert [one.step for one in skip.skipped] == [6]
    guarded, skip = tiny(), callbacks.SpikeSkip(warmup=3, window=8)
    guarded.fit(X, spoiled(6), callbacks=[skip], debug_nans=True, **FIT)
    assert [one.step for one in skip.skipped] == [6]


def test_numbers_out_of_range():
    for kwargs in (
        {"window": 1},
        {"patience": 0},
        {"factor": 0},
        {"warmup": 200},
        {"window": 2.5},
    ):
        with pytest.raises(ValueError, match=next(iter(kwargs))):
            callbacks.SpikeSkip(**kwargs)
