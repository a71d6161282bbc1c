"""A resumed run writes the files and weights of an uninterrupted one."""

from __future__ import annotations

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import (
    SWA,
    Callback,
    CSVLogger,
    OrbaxCheckpoint,
    SwapEMAWeights,
    TensorBoard,
    Timer,
)

pytest.importorskip("orbax.checkpoint")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = RNG.normal(size=(40, 1)).astype("float32")


class Break(Callback):
    """Interrupts the run after some steps, or after an epoch."""

    def __init__(self, step=None, epoch=None):
        self.step, self.epoch, self.seen = step, epoch, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def run(folder, *breaks, swap=False):
    """Returns the model, the mean of its weights and the Timer after six epochs."""
    cornu.utils.set_random_seed(3)
    x = cornu.Input((3,))
    h = layers.Dropout(0.5)(layers.Dense(4, name="first")(x))
    model = cornu.Model(x, layers.Dense(1, name="last")(h))
    model.compile(cornu.optimizers.SGD(0.05, use_ema=swap, ema_momentum=0.5), "mse")
    mean, timer = SWA(1), Timer()
    listed = [
        *([SwapEMAWeights(swap_on_epoch=True)] if swap else [mean]),
        *[CSVLogger(folder / "log.csv"), timer],
        OrbaxCheckpoint(folder / "orbax", max_to_keep=None),
        TensorBoard(folder / "board", update_freq=2),
        *breaks,
    ]
    kwargs = {"epochs": 6, "batch_size": 8, "verbose": 0, "validation_data": (X[:8], Y[:8])}
    model.fit(X, Y, callbacks=listed, resume=cornu.Resume(folder / "state", every=2), **kwargs)
    return model, mean, timer


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("broken", [{"step": 13}, {"epoch": 2}])
def test_everything_equals_an_uninterrupted_run(tmp_path, swap, broken):
    whole, mean, timer = run(tmp_path / "whole", Break(), swap=swap)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", Break(**broken), swap=swap)
    again, mean_again, timer_again = run(tmp_path / "parts", Break(), swap=swap)
    for a, b in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert mean.count == mean_again.count == (0 if swap else 5)
    assert len(timer.epoch_seconds) == len(timer_again.epoch_seconds) == 6
    logs = [(tmp_path / part / "log.csv").read_text() for part in ("whole", "parts")]
    assert logs[0] == logs[1] and logs[0].count("\n") == 7
    for step in range(6):
        whole.load_weights(tmp_path / "whole" / "orbax" / str(step))
        again.load_weights(tmp_path / "parts" / "orbax" / str(step))
        for a, b in zip(whole.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
