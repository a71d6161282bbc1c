"""Optuna: a study with the callback that prunes trials."""

import keras
import optuna
from optuna.integration import KerasPruningCallback

from tests.packages.steps import data, fix_weights, step

optuna.logging.set_verbosity(optuna.logging.ERROR)
x = data(40, 4)
y = x @ [[1.0], [2.0], [3.0], [4.0]]


def objective(trial):
    units = trial.suggest_int("units", 1, 8)
    rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(1)]
    )
    fix_weights(model).compile(keras.optimizers.SGD(rate), "mse")
    history = model.fit(
        x,
        y,
        validation_data=(x[:10], y[:10]),
        batch_size=40,
        epochs=4,
        callbacks=[KerasPruningCallback(trial, "val_loss")],
        verbose=0,
        shuffle=False,
    )
    return history.history["val_loss"][-1]


@step
def study_with_pruning():
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1),
    )
    study.optimize(objective, n_trials=6)
    states = [trial.state.name for trial in study.trials]
    assert "PRUNED" in states and "COMPLETE" in states
    return study.best_value, study.best_params, states
